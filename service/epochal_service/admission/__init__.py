"""The price of a job, and its admission."""
