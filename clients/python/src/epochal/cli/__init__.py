"""The command `epochal`: the client for the terminal, and with --json for programs."""

from .app import main

__all__ = ["main"]
