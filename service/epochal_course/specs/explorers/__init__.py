"""Requests and replies of the explorers, one file for each topic."""
