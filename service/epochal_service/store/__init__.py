"""The only room with SQL in it: tables, and one file of statements for each noun.

Functions take a connection and never commit; whoever knows what belongs into one transaction opens
it with `Database.write`.
"""

from .database import Connection, Database

__all__ = ["Connection", "Database"]
