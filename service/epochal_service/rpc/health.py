"""grpc.health.v1, like /readyz: from the processes that the service can reach at the moment.

The protocol is https://github.com/grpc/grpc/blob/master/doc/health-checking.md. A service that is
without its broker or its workers for a while is degraded, and serves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import grpc
from anyio import to_thread
from grpc_health.v1.health_pb2 import (
    HealthCheckRequest,
    HealthCheckResponse,
    HealthListRequest,
    HealthListResponse,
)

from ..methods.context import Context

WATCH_SECONDS = 1.0

SERVING = HealthCheckResponse(status=HealthCheckResponse.SERVING)
NOT_SERVING = HealthCheckResponse(status=HealthCheckResponse.NOT_SERVING)
UNKNOWN = HealthCheckResponse(status=HealthCheckResponse.SERVICE_UNKNOWN)

Call = grpc.aio.ServicerContext[Any, Any]


class Health:
    """The health of the named services: each has the health of the whole; "" is the whole."""

    def __init__(self, context: Context, names: Iterable[str]) -> None:
        self._context = context
        self._names = frozenset({"", *names})
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Stop serving: send NOT_SERVING to the watchers and end their streams."""
        self._stopping.set()

    async def Check(self, request: HealthCheckRequest, call: Call) -> HealthCheckResponse:
        if request.service not in self._names:
            await call.abort(grpc.StatusCode.NOT_FOUND, "There is no such service here.")
        return await self._response()

    async def List(self, request: HealthListRequest, call: Call) -> HealthListResponse:
        response = await self._response()
        return HealthListResponse(statuses=dict.fromkeys(self._names, response))

    async def Watch(self, request: HealthCheckRequest, call: Call) -> None:
        known, sent = request.service in self._names, None
        while True:
            stopping = self._stopping.is_set()
            response = await self._response() if known else UNKNOWN
            if response != sent:
                await call.write(response)
            if stopping:
                return
            sent = response
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), WATCH_SECONDS)

    async def _response(self) -> HealthCheckResponse:
        if self._stopping.is_set():
            return NOT_SERVING
        health = await to_thread.run_sync(self._context.health.check)
        return NOT_SERVING if health.status == "down" else SERVING
