"""An API process: uvicorn serves REST; gRPC runs in the same event loop."""

import gc
import resource
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress

import structlog
import uvicorn
from fastapi import FastAPI

from epochal_service.processes import large_files
from epochal_service.rest.app import Companion, create_app
from epochal_service.rest.heads import BoundedHeads
from epochal_service.rest.hosts import KnownHosts
from epochal_service.rpc.server import serve as serve_grpc
from epochal_service.settings import Settings

# Streams end when the app is notified of the shutdown; this is the limit for streams that do not.
GRACE_SECONDS = 2
STALLED_MILLISECONDS = 60_000
# A frame creates a few short-lived objects for each of a thousand streams. With Python's default of
# 700 new objects between two garbage collections, a full collection would run every second or two
# and delay every stream by 0.2 s.
NEW_OBJECTS = 50_000
# Each thread that computes keeps the interpreter lock for this long while others wait for it. With
# Python's default of 5 ms, sixteen requests would make the event loop wait 80 ms again and again.
SWITCH_SECONDS = 0.0005
FEW_FILES, MOST_FILES = 2**12, 2**16

logger = structlog.get_logger(__name__)


class _Server(uvicorn.Server):
    """Notify the app of a shutdown before waiting for open connections.

    uvicorn shuts the app down only after the last connection has closed, and event streams close
    only if the app ends them.
    """

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.stopping.set()
        await super().shutdown(sockets)


def serve(settings: Settings, companions: Sequence[Companion] = (serve_grpc,)) -> None:
    """Serve until SIGINT or SIGTERM, then end the streams and return within about two seconds."""
    large_files.delete_abandoned()
    app = create_app(settings, companions)
    files = raise_file_limit()
    if files < FEW_FILES:
        logger.warning("few_files", files=files, action="raise the limit: ulimit -n, LimitNOFILE=")
    BoundedHeads.most_waiting = files // 4
    BoundedHeads.count_dropped = app.state.metrics.refused.labels("http", "connection_dropped").inc
    config = uvicorn.Config(
        KnownHosts(app, settings, app.state.metrics),
        host=settings.http_address.host,
        port=settings.http_address.port,
        http=BoundedHeads,
        ws="none",
        log_config=None,
        access_log=False,  # the middleware `Measured` logs requests, with their ids
        log_level=settings.log_level,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    listener = _bind_shared(settings) if settings.api_processes > 1 else config.bind_socket()
    # Close the connection of a client that does not read. Connections inherit the option from their
    # listener.
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_MILLISECONDS)
    gc.collect()
    gc.freeze()  # exclude everything allocated so far from later collections
    gc.set_threshold(NEW_OBJECTS)
    gc.enable()
    sys.setswitchinterval(SWITCH_SECONDS)
    _Server(config, app).run(sockets=[listener])


def raise_file_limit() -> int:
    """Raise the limit of open files to the limit of the system, at most `MOST_FILES`.

    Return that number. A shell and a unit of systemd allow 1024; each connection takes one.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft == resource.RLIM_INFINITY or soft >= most:
        return most
    with suppress(ValueError):  # macOS names a higher limit than it allows
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        return most
    return soft


def _bind_shared(settings: Settings) -> socket.socket:
    """Return a socket that shares the port with the other API processes.

    Each new connection goes to a listening process, never to one that has died. If all inherited
    one socket, the first process that wakes up would take all waiting connections.
    """
    address = settings.http_address
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((address.host, address.port))
    return listener
