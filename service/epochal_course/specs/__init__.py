"""Requests and replies of the course."""
