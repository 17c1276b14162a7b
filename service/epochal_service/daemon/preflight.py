"""Checks before the start. A failed check is reported in one sentence, without a traceback.

Each check imports what it needs: most commands need few of them.
"""

from __future__ import annotations

import errno
import os
import socket
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from epochal_service.settings import Address, Settings
    from epochal_service.store import Connection, Database

T = TypeVar("T")


class StartupError(Exception):
    """Epochal cannot start. The text gives the reason and a remedy, in one sentence.

    `transient` means that the same start may succeed later without a change of settings.
    """

    def __init__(self, sentence: str, *, transient: bool = False) -> None:
        super().__init__(sentence)
        self.exit_code = os.EX_TEMPFAIL if transient else os.EX_CONFIG


def load_settings() -> Settings:
    """Return the settings of this process. Raises `StartupError` with a line per wrong setting."""
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from epochal_service.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        lines = []
        for details in error.errors():
            if details["type"] == "default_factory_not_called":
                continue  # a consequence of another error, which is reported
            variable = "EPOCHAL_" + "__".join(str(part).upper() for part in details["loc"])
            custom = details["type"] == "value_error"
            reason = str(details["ctx"]["error"]) if custom else details["msg"]
            lines.append(f"{variable}: {reason}" if details["loc"] else reason)
        raise StartupError("\n".join(lines)) from None
    except SettingsError as error:
        raise StartupError(str(error)) from None


def _bind(address: Address, variable: str) -> socket.socket:
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            # As the servers do: a port in TIME_WAIT is free.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(target)
            # Two bound sockets may share a port; two listening sockets may not.
            listener.listen()
        except OSError:
            listener.close()
            raise
        return listener
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = "another program listens on it"
        else:
            reason = error.strerror or str(error)
        raise StartupError(
            f"{address} cannot be used ({reason}); stop what uses it, or set {variable} to "
            "another address"
        ) from None


def find_ports(settings: Settings) -> Settings:
    """Return the settings with a free port in place of every port 0.

    Raises `StartupError` if an address is in use, not of this machine, or not permitted.
    """
    from epochal_service.settings import Address

    with ExitStack() as listeners:
        addresses = {}
        for name in ("http_address", "grpc_address"):
            address: Address = getattr(settings, name)
            listener = listeners.enter_context(_bind(address, f"EPOCHAL_{name.upper()}"))
            host = f"[{address.host}]" if ":" in address.host else address.host
            addresses[name] = Address(f"{host}:{listener.getsockname()[1]}")
    return settings.model_copy(update=addresses)


def prepare_folder(settings: Settings) -> None:
    """Create the folder of the SQLite database and check that it is writable."""
    if settings.database_path is None:
        return
    folder = settings.database_path.parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite creates more files beside the database.
        with tempfile.TemporaryFile(dir=folder):
            pass
        if settings.database_path.exists():
            settings.database_path.open("ab").close()
    except OSError as error:
        variable = (
            "EPOCHAL_DATA_DIR"
            if "database_url" not in settings.model_fields_set
            else "EPOCHAL_DATABASE_URL"
        )
        raise StartupError(
            f"{Path(error.filename or folder)} cannot be written ({error.strerror}); correct its "
            f"permissions, or set {variable} to another folder"
        ) from None


def prepare_database(settings: Settings) -> None:
    """Migrate a SQLite database; check the revision of a PostgreSQL database.

    Raises `StartupError` if the database does not answer, is newer than the program, or is an older
    PostgreSQL database: servers that share a database are upgraded by one explicit command.
    """
    _with_database(settings, upgrade=settings.sqlite)


def migrate_database(settings: Settings) -> None:
    """Migrate the database to the revision of this program."""
    _with_database(settings, upgrade=True)


def check_database(settings: Settings) -> None:
    """Check that the database answers and has the revision of this program; change nothing."""
    if settings.database_path is not None and not settings.database_path.exists():
        return  # the first start creates it
    _with_database(settings, upgrade=False)
    if settings.sqlite:
        from epochal_service.store import migrate

        try:
            migrate.check_pages(settings.database_url)
        except migrate.SchemaError as error:
            raise StartupError(str(error)) from None


def check_orphans(settings: Settings, *, repair: bool = False) -> None:
    """Check that every row belongs to something; with `repair`, delete the orphans."""
    from epochal_service.errors import Unavailable
    from epochal_service.jobs import deletion
    from epochal_service.store import Database

    if settings.database_path is not None and not settings.database_path.exists():
        return
    database = Database(settings.database_url)
    try:
        if repair:
            deletion.delete_orphans(database)
        counts = deletion.find_orphans(database)
    except Unavailable:
        return
    finally:
        database.close()
    if counts:
        listed = ", ".join(f"{count:,} {text}" for text, count in counts.items())
        raise StartupError(f"The database has {listed}; run `epochald check --repair`")


def _with_database(settings: Settings, *, upgrade: bool) -> None:
    from sqlalchemy.exc import DatabaseError

    from epochal_service.errors import Unavailable
    from epochal_service.settings import masked
    from epochal_service.store import migrate

    try:
        if upgrade and settings.database_path is not None:
            settings.database_path.touch(mode=0o600)  # it holds everything that users store
        (migrate.upgrade if upgrade else migrate.check)(settings.database_url)
    except migrate.SchemaError as error:
        raise StartupError(str(error)) from None
    except (Unavailable, DatabaseError) as error:
        cause = error.cause if isinstance(error, Unavailable) else str(error.orig)
        raise StartupError(
            f"{masked(settings.database_url)} cannot be used ({' '.join(cause.split())}); start "
            "the database, restore its backup, or correct EPOCHAL_DATABASE_URL",
            transient=isinstance(error, Unavailable) and error.reason == Unavailable.reason,
        ) from None


def require_keys(settings: Settings) -> None:
    """Check that there is a valid API key if requests need one."""
    if not settings.needs_keys:
        return
    if _has_key(settings):
        return
    why = (
        "EPOCHAL_REQUIRE_KEYS is set"
        if settings.public_address is None
        else f"{settings.public_address} is reachable from other machines"
    )
    raise StartupError(
        f"{why}, and there is no API key yet; create one: epochald keys create me --scope admin"
    )


def _has_key(settings: Settings) -> bool:
    from epochal_service.store import api_keys

    return _read(settings, lambda database, connection: api_keys.any_valid(connection), False)


def check_room(settings: Settings) -> None:
    """Check that the disk has room for a SQLite database."""
    room = _read(settings, lambda database, connection: database.room(connection), None)
    if room is not None and room < settings.min_free_bytes:
        raise StartupError(
            f"the database can grow by {room} bytes only; free some space on its disk, or lower "
            "EPOCHAL_MIN_FREE_BYTES"
        )


def choose_engine(settings: Settings) -> None:
    """Let this process train with the engine of the settings."""
    import epochal_engine as engine

    try:
        engine.choose_engine(settings.engine)
    except RuntimeError as error:
        raise StartupError(
            f"EPOCHAL_ENGINE: {error}; install a C compiler and run `make walk`, or remove the "
            "setting"
        ) from None


def describe_engine() -> str:
    """Return a sentence about the engine that trains."""
    import epochal_engine as engine

    if engine.chosen_engine() == "compiled":
        return "the compiled engine trains"
    if (reason := engine.why_python()) is None:
        return "the Python engine trains, because EPOCHAL_ENGINE is python"
    return (
        f"the Python engine trains: {reason}. The compiled one is several times faster for small "
        "networks; install a C compiler and run `make walk`"
    )


def describe_workers(settings: Settings) -> list[str]:
    """Return a sentence about each worker, or about there being none.

    The database must have the revision of this program.
    """
    from epochal_service.store import workers

    none: list[workers.WorkerRow] = []
    rows = _read(settings, lambda database, connection: workers.all_workers(connection), none)
    return [
        f"worker {row.host}:{row.pid} "
        + (
            f"trains {', '.join(j.id for j in row.jobs)}"
            if row.state == "busy"
            else f"is {row.state}"
        )
        for row in rows
    ] or ["no worker is running"]


def _read(settings: Settings, query: Callable[[Database, Connection], T], default: T) -> T:
    """Return the result of a query; the default without a database, which another check reports."""
    from epochal_service.errors import Unavailable
    from epochal_service.store import Database

    if settings.database_path is not None and not settings.database_path.exists():
        return default
    database = Database(settings.database_url)
    try:
        with database.read() as connection:
            return query(database, connection)
    except Unavailable:
        return default
    finally:
        database.close()


def check_broker(settings: Settings) -> None:
    """Check that the broker answers; without a setting, that a broker program is installed."""
    from epochal_service import broker
    from epochal_service.settings import masked

    try:
        if settings.broker_url is None:
            broker.find_server()
        else:
            broker.check(settings.broker_url)
    except broker.BrokerError as error:
        if settings.broker_url is None:
            raise StartupError(str(error)) from None
        raise StartupError(
            f"{masked(settings.broker_url)}: {error}; start it, or correct EPOCHAL_BROKER_URL",
            transient=True,
        ) from None


def require_broker(settings: Settings) -> None:
    """Check that a broker is set: only the children of `up` can use its embedded broker."""
    if settings.broker_url is None:
        raise StartupError(
            "EPOCHAL_BROKER_URL is not set, and only `epochald up` starts an embedded broker; "
            "set it to something like redis://127.0.0.1:6379/0"
        )
