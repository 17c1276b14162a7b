"""What must hold before anything starts; whatever does not is told in one sentence, not a trace."""

import errno
import os
import socket
import tempfile
from contextlib import ExitStack
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import SettingsError

from epochal_service import broker
from epochal_service.settings import Address, Settings, masked


class StartupError(Exception):
    """Epochal cannot start; the text says why and what to do, in one sentence.

    `transient` means that the same start may succeed later without anybody changing a setting.
    """

    def __init__(self, sentence: str, *, transient: bool = False) -> None:
        super().__init__(sentence)
        self.exit_code = os.EX_TEMPFAIL if transient else os.EX_CONFIG


def load_settings() -> Settings:
    """The settings of this process; raises `StartupError` with a line for each that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        lines = []
        for wrong in error.errors():
            if wrong["type"] == "default_factory_not_called":
                continue  # follows from another error, which is told
            variable = "EPOCHAL_" + "__".join(str(part).upper() for part in wrong["loc"])
            reason = str(wrong["ctx"]["error"]) if wrong["type"] == "value_error" else wrong["msg"]
            lines.append(f"{variable}: {reason}" if wrong["loc"] else reason)
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
            # As the servers do: a port that only waits for late packets is free.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(target)
            # Two sockets that do not listen yet may share a port; two that do may not.
            listener.listen()
        except OSError:
            listener.close()
            raise
        return listener
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = "another program listens there"
        else:
            reason = error.strerror or str(error)
        raise StartupError(
            f"{address} cannot be used ({reason}); stop what uses it, or set {variable} to "
            "another address"
        ) from None


def find_ports(settings: Settings) -> Settings:
    """The same settings with a real port in the place of every port 0.

    Raises `StartupError` where an address is taken, not of this machine, or not allowed.
    """
    with ExitStack() as held:
        found = {}
        for name in ("http_address", "grpc_address"):
            address: Address = getattr(settings, name)
            listener = held.enter_context(_bind(address, f"EPOCHAL_{name.upper()}"))
            host = f"[{address.host}]" if ":" in address.host else address.host
            found[name] = Address(f"{host}:{listener.getsockname()[1]}")
    return settings.model_copy(update=found)


def prepare_folder(settings: Settings) -> None:
    """Make the folder of the SQLite database and see that this process may write into it."""
    if settings.database_path is None:
        return
    folder = settings.database_path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # SQLite writes files of its own beside the database.
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
    """Bring a SQLite database to the program's revision; see that a PostgreSQL one is there.

    Raises `StartupError` where the database cannot be reached, is newer than the program, or is
    PostgreSQL and behind: servers that share a database are upgraded by one explicit command.
    """
    _with_database(settings, upgrade=settings.sqlite)


def migrate_database(settings: Settings) -> None:
    """Bring the database to the program's revision, whichever it is."""
    _with_database(settings, upgrade=True)


def check_database(settings: Settings) -> None:
    """See that the database is reachable and at the program's revision, and change nothing."""
    if settings.database_path is not None and not settings.database_path.exists():
        return  # the first start makes it
    _with_database(settings, upgrade=False)


def _with_database(settings: Settings, *, upgrade: bool) -> None:
    from sqlalchemy.exc import DatabaseError

    from epochal_service.errors import Unavailable
    from epochal_service.store import migrate

    try:
        (migrate.upgrade if upgrade else migrate.check)(settings.database_url)
    except migrate.SchemaError as error:
        raise StartupError(str(error)) from None
    except (Unavailable, DatabaseError) as error:
        reason = error.detail if isinstance(error, Unavailable) else str(error.orig)
        raise StartupError(
            f"{masked(settings.database_url)} cannot be used ({' '.join(reason.split())}); "
            "start the database, or correct EPOCHAL_DATABASE_URL",
            transient=isinstance(error, Unavailable),
        ) from None


def check_broker(settings: Settings) -> None:
    """See that the broker answers; where none is set, that the program of one is installed."""
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
    """See that a broker is named: the one that `up` brings along is known to its children alone."""
    if settings.broker_url is None:
        raise StartupError(
            "EPOCHAL_BROKER_URL is not set, and only `epochald up` brings a broker of its own; "
            "set it to something like redis://127.0.0.1:6379/0"
        )
