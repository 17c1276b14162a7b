"""Experiments, sweeps and exercises: several jobs with a plan, and their results."""
