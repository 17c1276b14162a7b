"""The life of a job: created, claimed, trained, watched, ended."""
