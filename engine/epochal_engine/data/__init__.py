"""Data to train on, and the programs that generate it."""
