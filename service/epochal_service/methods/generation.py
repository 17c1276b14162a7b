"""Generate text with a job's network, event by event."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from anyio import to_thread

from ..errors import FieldError, InvalidArgument
from ..jobs.datasets import load_for_stored_job
from ..jobs.follow import Frame, Write
from ..jobs.generation import Writer
from ..jobs.inspection import trained
from ..specs.generation import (
    GeneratedText,
    GeneratedToken,
    GenerateRequest,
    Generation,
    GenerationEvent,
    GenerationStart,
)
from .context import Context


class Generated:
    """The events of a generation as frames, each computed in a thread when it is needed.

    Nothing is computed for a client that has gone, or does not read.
    """

    ended = False

    def __init__(self, context: Context, writer: Writer) -> None:
        self._context, self._events = context, writer.events()
        self._is_open = True

    async def __aiter__(self) -> AsyncIterator[Frame]:
        try:
            while True:
                async with self._context.turns:
                    frame = await to_thread.run_sync(_next_frame, self._events)
                if frame is None:
                    return
                yield frame
        finally:
            self.close()

    def write_with(self, write: Write) -> None:
        """Leave all frames to the iteration: each is for one client."""

    def close(self) -> None:
        """Count the stream as closed."""
        if self._is_open:
            self._is_open = False
            self._context.hub.close_stream(self._context.owner)


def _next_frame(events: Iterator[GenerationEvent]) -> Frame | None:
    event = next(events, None)
    if event is None:
        return None
    data = getattr(event, event.type).model_dump_json().encode()
    return Frame(event.seq - 1, event.seq, event.type, event, data)


async def generate(context: Context, id: str, request: GenerateRequest) -> Generated:
    """Write text with a network that predicts the next token, token by token.

    Each token is sampled from the network's probabilities after the text so far, and comes with
    them. A token costs one position, with a key-value cache, unless a layer needs all positions. A
    network with an encoder reads the prompt, and writes its output. When the text is longer than
    the window of the network, about the last half of the window is read again. HTTP answers with
    server-sent events if the client accepts `text/event-stream`, else with all samples at once.

    Raises `NotFound`; `InvalidArgument` for a network that does not predict the next token.
    """
    limit = context.settings.limits.max_generated_tokens
    if request.count * request.max_tokens > limit:
        raise InvalidArgument.of(
            FieldError(
                "max_tokens",
                f"must be at most {limit // request.count} with a count of {request.count}: the "
                f"limit of one generation is {limit} tokens",
            ),
            reason="limit_exceeded",
        )
    context.hub.open_stream(context.owner)
    try:
        writer = await to_thread.run_sync(_writer, context, id, request)
    except BaseException:
        context.hub.close_stream(context.owner)
        raise
    return Generated(context, writer)


def _writer(context: Context, id: str, request: GenerateRequest) -> Writer:
    with context.database.read() as connection:
        network = trained(connection, id, context.access, request.epoch)
        dataset = load_for_stored_job(connection, network.spec, network.owner)
    return Writer(network, dataset, request)


class Total:
    """The reply that has all events of a generation, in JSON."""

    def __init__(self) -> None:
        self._start: GenerationStart
        self._tokens: list[GeneratedToken] = []
        self._samples: list[bytes] = []

    def add(self, event: GenerationEvent) -> None:
        """Add the next event. Each sample is serialized as it ends, to hold nobody up for long."""
        if event.start is not None:
            self._start = event.start
        if event.tokens is not None:
            self._tokens += event.tokens.tokens
        if event.sample is not None:
            sample = event.sample
            text = GeneratedText(
                text=sample.text, finish_reason=sample.finish_reason, tokens=self._tokens
            )
            self._samples.append(text.model_dump_json().encode())
            self._tokens = []

    def content(self) -> bytes:
        """Return the JSON of a `Generation`."""
        empty = Generation(**dict(self._start), samples=[]).model_dump_json().encode()
        return empty.removesuffix(b"]}") + b",".join(self._samples) + b"]}"
