"""Generate text or samples with a job's network, event by event."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from anyio import to_thread

from ..answers.generation import events_of
from ..answers.inspection import trained
from ..resources.datasets import load_for_stored_job
from ..specs.generation import (
    Denoised,
    GeneratedText,
    GeneratedToken,
    GenerateRequest,
    Generation,
    GenerationEvent,
    GenerationStart,
)
from ..streams.follow import Frame, Write
from .context import Context


class Generated:
    """The events of a generation as frames, each computed in a thread when it is needed.

    Nothing is computed for a client that has gone, or does not read.
    """

    ended = False

    def __init__(self, context: Context, events: Iterator[GenerationEvent]) -> None:
        self._context, self._events = context, events
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
    """Generate text with a network that predicts the next token, token by token, or samples with a
    diffusion network, from noise in steps.

    Each token is sampled from the network's probabilities after the text so far, and comes with
    them. A token costs one position, with a key-value cache, unless a layer needs all positions. A
    network with an encoder reads the prompt, and writes its output. When the text is longer than
    the window of the network, about the last half of the window is read again. HTTP answers with
    server-sent events if the client accepts `text/event-stream`, else with all samples at once.

    A diffusion network makes all samples at once, in the `steps` of its corruption: the samples of
    the first event are noise.

    Raises `NotFound`; `InvalidArgument` for a network that cannot generate.
    """
    context.hub.open_stream(context.owner)
    try:
        events = await to_thread.run_sync(_events, context, id, request)
    except BaseException:
        context.hub.close_stream(context.owner)
        raise
    return Generated(context, events)


def _events(context: Context, id: str, request: GenerateRequest) -> Iterator[GenerationEvent]:
    with context.database.read() as connection:
        network = trained(connection, id, context.access, request.epoch)
        dataset = load_for_stored_job(connection, network.spec)
    return events_of(network, dataset, request, context.settings.limits)


class Total:
    """The reply that has all events of a generation, in JSON."""

    def __init__(self) -> None:
        self._start: GenerationStart
        self._tokens: list[GeneratedToken] = []
        self._samples: list[bytes] = []
        self._denoised: list[Denoised] = []

    def add(self, event: GenerationEvent) -> None:
        """Add the next event. Each sample is serialized as it ends, to hold nobody up for long."""
        if event.start is not None:
            self._start = event.start
        if event.tokens is not None:
            self._tokens += event.tokens.tokens
        if event.denoised is not None:
            self._denoised.append(event.denoised)
        if event.sample is not None:
            sample = event.sample
            text = GeneratedText(
                text=sample.text, finish_reason=sample.finish_reason, tokens=self._tokens
            )
            self._samples.append(text.model_dump_json().encode())
            self._tokens = []

    def content(self) -> bytes:
        """Return the JSON of a `Generation`."""
        reply = Generation(**dict(self._start), denoised=self._denoised, samples=[])
        empty = reply.model_dump_json().encode()
        return empty.removesuffix(b"]}") + b",".join(self._samples) + b"]}"
