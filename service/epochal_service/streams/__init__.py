"""What watchers of a job get, as it happens."""
