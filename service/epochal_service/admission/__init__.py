"""What a job costs, and whether it is admitted."""
