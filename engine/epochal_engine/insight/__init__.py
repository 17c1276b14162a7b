"""What a run shows: diagnosis, labels, metrics, baselines, and its cost in time and memory."""
