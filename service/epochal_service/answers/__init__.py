"""Answers of a trained network: predictions, samples, and its training as a program."""
