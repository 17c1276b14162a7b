"""The events of a job for its watchers, as they happen."""
