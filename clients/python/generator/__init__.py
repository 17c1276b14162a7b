"""Reads the service's models, and writes types and builders for the SDK."""
