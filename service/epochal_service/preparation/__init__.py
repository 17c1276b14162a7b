"""From a spec to the initial state of a training."""
