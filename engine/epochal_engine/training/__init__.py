"""From a step to an epoch, from an epoch to a run, and what a run records."""
