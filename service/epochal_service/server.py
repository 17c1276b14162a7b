"""The API process: uvicorn serves REST, and in the same loop gRPC lives as long as the app does."""

import gc
import socket

import uvicorn
from fastapi import FastAPI

from epochal_service.rest.app import create_app
from epochal_service.rest.heads import BoundedHeads
from epochal_service.rest.hosts import KnownHosts
from epochal_service.rpc.server import serve as serve_grpc
from epochal_service.settings import Settings

# Streams end by themselves when the app hears of the end; this is for those that do not.
GRACE_SECONDS = 2
STALLED_MILLISECONDS = 60_000
# For each of a thousand streams a frame makes a few objects, which are gone when it has been sent.
# With 700 new objects from one search for cycles to the next, as Python has it, all that the
# process holds is searched every second or two, and every stream waits for 0.2 s meanwhile.
NEW_OBJECTS = 50_000


class _Server(uvicorn.Server):
    """Tells the app that the end has come before it waits for open connections.

    uvicorn runs the app's own shutdown only after the last connection has closed, and a stream
    of events closes only when somebody ends it.
    """

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.stopping.set()
        await super().shutdown(sockets)


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM, then end the streams and leave within two seconds or so."""
    app = create_app(settings, companions=[serve_grpc])
    config = uvicorn.Config(
        KnownHosts(app, settings),
        host=settings.http_address.host,
        port=settings.http_address.port,
        http=BoundedHeads,
        log_config=None,
        log_level=settings.log_level,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    listener = config.bind_socket()
    # A client that takes nothing keeps its connection for as long as the kernel does; connections
    # inherit this from their listener.
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_MILLISECONDS)
    gc.collect()
    gc.freeze()  # what has been made up to here stays, and is not searched again
    gc.set_threshold(NEW_OBJECTS)
    _Server(config, app).run(sockets=[listener])
