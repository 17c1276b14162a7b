"""A SQLite or PostgreSQL database, and its two kinds of transaction: read and write."""

from __future__ import annotations

import secrets
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement

from ..errors import InvalidArgument, Unavailable
from .turnstile import Turnstile

__all__ = [
    "Connection",
    "Database",
    "byte_length",
    "current_time",
    "insert_into",
    "lock_owner",
    "new_id",
    "now",
]


class now(FunctionElement[float]):
    """Seconds since 1970 by the database's clock, which all leases are measured by."""

    inherit_cache = True
    type = sa.Float()


@compiles(now, "sqlite")
def _sqlite_now(element: now, compiler: Any, **kwargs: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(now, "postgresql")
def _postgresql_now(element: now, compiler: Any, **kwargs: Any) -> str:
    return "extract(epoch from clock_timestamp())::double precision"


class byte_length(FunctionElement[int]):
    """The bytes of a text, which is not read for it: `length` would count its characters."""

    inherit_cache = True
    type = sa.Integer()


@compiles(byte_length, "sqlite")
def _sqlite_byte_length(element: byte_length, compiler: Any, **kwargs: Any) -> str:
    name = "octet_length" if sqlite3.sqlite_version_info >= (3, 43) else "length"
    return f"{name}({compiler.process(element.clauses, **kwargs)})"


@compiles(byte_length, "postgresql")
def _postgresql_byte_length(element: byte_length, compiler: Any, **kwargs: Any) -> str:
    return f"octet_length({compiler.process(element.clauses, **kwargs)})"


# A client that stalls or disconnects within a transaction keeps its rows locked for at most this
# long. It is shorter than a lease, so that the reaper finds the rows unlocked. PostgreSQL only.
IDLE_TRANSACTION_SECONDS = 10.0
BUSY_SECONDS = 15.0
"""How long a transaction waits for others that SQLite does not allow at the same time."""
# The error codes of SQLite and PostgreSQL.
DISK_FULL = {"SQLITE_FULL", "53100"}
READ_ONLY = {"SQLITE_READONLY", "25006"}
DAMAGED = {"SQLITE_CORRUPT", "SQLITE_NOTADB", "XX001", "XX002"}


def current_time(connection: Connection) -> float:
    """Return the seconds since 1970 by the database's clock, which all processes share."""
    return float(connection.execute(sa.select(now())).scalar_one())


def new_id(prefix: str) -> str:
    """Return an id that sorts by creation time, e.g. `job_0649f2a51c3d0_9f86d081884c7d65`."""
    return f"{prefix}_{time.time_ns() // 1000:013x}_{secrets.token_hex(8)}"


def insert_into(dialect: str, table: sa.Table) -> Any:
    """Return an INSERT with ON CONFLICT, which SQLAlchemy has in the modules of the dialects."""
    if dialect == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # takes as long to import as half of SQLAlchemy

    return postgresql.insert(table)


def lock_owner(connection: Connection, owner: str) -> None:
    """Let other transactions that lock the owner wait until the commit of this one.

    So what is counted here is still true when it is used. With SQLite, writers wait anyway.
    """
    if connection.dialect.name == "postgresql":
        key = sa.func.hashtextextended(owner, 0)
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


class Database:
    """A pool of connections to `url`. Thread-safe; must not be used after a fork."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        options: dict[str, Any] = {"pool_pre_ping": True, "pool_size": pool_size}
        if url.startswith("sqlite"):
            # The driver must not begin transactions: a deferred transaction that becomes a write
            # fails at once if another writer came first, whatever the busy timeout.
            options = {
                "pool_size": pool_size,
                "connect_args": {"timeout": BUSY_SECONDS, "isolation_level": None},
            }
        self.engine = sa.create_engine(url, max_overflow=20, **options)
        self.sqlite = self.engine.dialect.name == "sqlite"
        prepare = _prepare_sqlite if self.sqlite else _prepare_postgresql
        event.listen(self.engine, "connect", prepare)
        if self.sqlite:
            self._turnstile = Turnstile(self.engine.url.database)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a connection for statements that all see the same snapshot. Raises `Unavailable`."""
        with _translated(), self.engine.connect() as connection:
            if self.sqlite:
                _driver(connection).execute("BEGIN").close()  # takes no lock, and reads nothing
            else:
                # The first statement begins the transaction: a block that reads nothing, as of a
                # job with a built-in data set, asks the database for nothing.
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction: committed at the end of the block, rolled back if it raises.

        Raises `Unavailable`.
        """
        with _translated(), self.engine.begin() as connection:
            if self.sqlite:
                self._begin_immediate(connection)
            yield connection

    def room(self, connection: Connection) -> int | None:
        """Return the bytes that a SQLite database can still grow by; None for PostgreSQL."""
        if not self.sqlite:
            return None
        path: str = connection.exec_driver_sql("PRAGMA database_list").one().file
        size, limit, used, unused = (
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("page_size", "max_page_count", "page_count", "freelist_count")
        )
        on_disk = shutil.disk_usage(Path(path).parent).free
        return int(min((limit - used) * size, on_disk) + unused * size)

    def close(self) -> None:
        """Close all connections of the pool."""
        self.engine.dispose()
        if self.sqlite:
            self._turnstile.close()

    def _begin_immediate(self, connection: Connection) -> None:
        """Begin the transaction as a writer. A listener of SQLAlchemy could do so as well, but each
        statement would take half as long again.
        """
        driver = _driver(connection)
        with _without_busy_timeout(driver):
            if not self._turnstile.begin(driver, BUSY_SECONDS):
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # raises an error of SQLAlchemy


def _driver(connection: Connection) -> Any:
    """Return the connection of the driver."""
    return connection.connection.dbapi_connection


def _prepare_sqlite(connection: Any, record: Any) -> None:
    try:
        for pragma in (
            "journal_mode = WAL",
            "synchronous = NORMAL",
            "foreign_keys = ON",
            # Some builds overwrite every page of a deleted row with zeros while it is locked.
            "secure_delete = FAST",
            "cache_size = -16000",
            "mmap_size = 268435456",
        ):
            connection.execute(f"PRAGMA {pragma}").close()
    except Exception:
        # The pool does not own the connection yet, and would not close it.
        connection.close()
        raise


def _prepare_postgresql(connection: Any, record: Any) -> None:
    connection.execute(
        f"SET idle_in_transaction_session_timeout = {IDLE_TRANSACTION_SECONDS * 1000:.0f}"
    )
    connection.commit()


@contextmanager
def _without_busy_timeout(driver: Any) -> Iterator[None]:
    """Let statements fail at once where another transaction has a lock."""
    driver.execute("PRAGMA busy_timeout = 0").close()
    try:
        yield
    finally:
        driver.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}").close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (
        sa.exc.OperationalError,
        sa.exc.InterfaceError,
        sa.exc.InternalError,  # among others: the idle-in-transaction timeout
        sa.exc.TimeoutError,
    ) as error:
        raise Unavailable(_problem(_codes(error)), cause=_cause(error)) from error
    except sa.exc.DataError as error:  # PostgreSQL's text cannot hold every Unicode character
        raise InvalidArgument("Text must not contain the character NUL") from error
    except sa.exc.DatabaseError as error:
        if not _codes(error) & DAMAGED:
            raise
        damaged = "The database is damaged; its operator must restore the backup"
        raise Unavailable(damaged, cause=_cause(error), reason="database_damaged") from error


def _problem(codes: set[str]) -> str:
    if codes & DISK_FULL:
        return "The disk of the database is full"
    if codes & READ_ONLY:
        return "The database can only be read"
    return "The database does not answer"


def _codes(error: sa.exc.SQLAlchemyError) -> set[str]:
    """Return the codes that the driver has for the error."""
    cause = getattr(error, "orig", None)
    name = getattr(cause, "sqlite_errorname", None) or ""
    # SQLITE_CORRUPT_INDEX and others say where.
    family = "_".join(name.split("_")[:2])
    return {code for code in (name, family, getattr(cause, "sqlstate", None)) if code}


def _cause(error: sa.exc.SQLAlchemyError) -> str:
    return " ".join(str(getattr(error, "orig", None) or error).split())
