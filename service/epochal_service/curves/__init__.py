"""Stored epochs: packed, thinned, outlined and read again."""
