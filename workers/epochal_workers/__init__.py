"""Trains: one thin Celery task around one function, `run`."""
