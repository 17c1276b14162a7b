"""Train jobs: a thin Celery task around one function, `run`."""
