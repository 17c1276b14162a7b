"""Modules that `generate.py` writes."""
