"""The REST edge: routes in, problems out, and a lifespan that holds the context open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from fastapi import FastAPI, Request, Response

from ..apis import apis
from ..errors import NotFound
from ..methods.context import Context, open_context
from ..metrics import Metrics
from ..settings import Settings
from . import files, openapi, page, problems, routes, system
from .head import HeadAsGet
from .headers import SafeHeaders
from .keys import ALLOWED_METHODS, AllowedOrigins, KeysInUrls
from .lingering import LingeringClose
from .metrics import Measured
from .rate_limits import RateLimits
from .replies import CachedReplies
from .request_ids import RequestIds
from .streams import Streams

Companion = Callable[[Context], AbstractAsyncContextManager[object]]


def _no_course(request: Request) -> Response:
    raise NotFound(
        "This service does not serve the course: its operator has set EPOCHAL_COURSE=off"
    )


def create_app(settings: Settings, companions: Sequence[Companion] = ()) -> FastAPI:
    """The application; `companions` live beside it in the same loop and over the same context.

    The server of the app sets `app.state.stopping` before waiting for open connections: it ends
    the event streams, which would keep their connections open for as long as their jobs run.
    """
    metrics = Metrics()
    open_streams = Streams(metrics)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            app.state.context = await stack.enter_async_context(open_context(settings, metrics))
            for companion in companions:
                await stack.enter_async_context(companion(app.state.context))
            metrics.up.set(1)
            ending = asyncio.create_task(open_streams.end_when_stopping(), name="end of streams")
            stack.callback(ending.cancel)
            # To look now and then costs a thousand streams less than a timer for every frame.
            stalled = asyncio.create_task(open_streams.end_stalled(), name="stalled streams")
            stack.callback(stalled.cancel)
            yield

    app = FastAPI(
        openapi_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        generate_unique_id_function=routes.operation_id,
    )
    app.state.metrics = metrics
    app.state.streams = open_streams
    app.state.stopping = open_streams.stopping
    app.add_middleware(CachedReplies)
    app.add_middleware(Measured, metrics=metrics)
    app.add_middleware(HeadAsGet)
    app.add_middleware(RateLimits)
    app.add_middleware(SafeHeaders)
    app.add_middleware(RequestIds)
    app.add_middleware(LingeringClose)
    # Outside of the others, so that their refusals can be read too.
    app.add_middleware(AllowedOrigins, settings=settings)
    app.add_middleware(KeysInUrls)
    problems.install(app)
    app.include_router(system.router)  # first, as probes come all the time
    if not settings.course:
        app.add_route("/course/{path:path}", _no_course, [*ALLOWED_METHODS])
    for api in apis(settings.course):
        app.router.routes.extend(routes.routes(api))
        openapi.install(app, api)
    app.router.routes.extend(files.router.routes)
    page.install(app, course=settings.course, frame_ancestors=settings.frame_ancestors)
    return app
