"""From a spec to what a training starts with."""
