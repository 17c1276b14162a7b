"""The life of a job: made, taken up, carried on, watched, ended. Knows the store, and no wire."""
