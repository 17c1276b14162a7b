"""Experiments, sweeps and exercises: several jobs with a plan, and what they show."""
