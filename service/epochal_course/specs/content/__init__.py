"""Replies with the content of the journey, one file per noun."""
