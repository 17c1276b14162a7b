"""The command `epochal`: what the client can do, for people and (with --json) for programs."""

from .app import main

__all__ = ["main"]
