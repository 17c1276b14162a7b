"""What a spec refers to: data sets, corruptions, and weights of other jobs."""
