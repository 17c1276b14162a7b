"""The only package with SQL: the tables, and one file of statements for each noun.

Functions take a connection and never commit. The caller decides what belongs to one transaction and
opens it with `Database.write`.
"""

from .access import Access
from .database import Connection, Database

__all__ = ["Access", "Connection", "Database"]
