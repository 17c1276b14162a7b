"""The content of the journey as it comes back: one file for each noun."""
