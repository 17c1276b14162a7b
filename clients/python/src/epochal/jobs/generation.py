"""Text or samples that a job's network generates, as they come."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

from ..arrays import Floats
from ..errors import EpochalError
from ..records import plain, read
from ..types import (
    Denoised,
    DiffusionStart,
    GeneratedSample,
    GeneratedToken,
    GenerationStart,
    Tool,
)
from .handle import JobHandle


class Generation:
    """Text that arrives token by token: iterate over the tokens, or read `text`. A diffusion
    network yields samples from noise to data: iterate over `steps()`, or read `array`.

    >>> job = client.jobs.create(client.preset("sentences"), epochs=1).wait()
    >>> text = job.generate("the ", max_tokens=20)
    >>> "".join(token.text for token in text) == text.text
    True
    """

    def __init__(self, events: Generator[dict[str, Any]]) -> None:
        self._events = events
        self._tokens: list[list[GeneratedToken]] = []
        self._samples: list[GeneratedSample] = []
        self._denoised: list[Denoised] = []
        self._is_over = False
        self._start = read(GenerationStart, next(events)["start"])

    @property
    def epoch(self) -> int:
        """The epoch of the checkpoint."""
        return self._start.epoch

    @property
    def prompt(self) -> str:
        """The prompt as tokens of the data set."""
        return self._start.prompt

    @property
    def uncached_layer(self) -> str | None:
        """The first layer that needs all positions at each token; None with a key-value cache."""
        return self._start.uncached_layer

    @property
    def diffusion(self) -> DiffusionStart | None:
        """The kind of samples of a diffusion network; None for text."""
        return self._start.diffusion

    @property
    def array(self) -> Floats:
        """The samples of a diffusion network `(count, features)`. Waits for the last step.

        Raises `ValueError` for text.
        """
        steps = [*self.steps()]
        if not steps:
            raise ValueError("The network generates text: read `text`")
        return steps[-1].samples

    def steps(self) -> Iterator[Denoised]:
        """Yield the samples of a diffusion network as they arrive, from noise to the last step."""
        yield from list(self._denoised)
        for item in self._received():
            if isinstance(item, Denoised):
                yield item

    @property
    def text(self) -> str:
        """The text of the first sample, without the prompt. Waits for its end."""
        return self.samples[0].text

    @property
    def texts(self) -> list[str]:
        """The texts of all samples. Waits for their end."""
        return [sample.text for sample in self.samples]

    @property
    def samples(self) -> Sequence[GeneratedSample]:
        """All samples, with the reason of their end. Waits for it."""
        for _ in self._received():
            pass
        return self._samples

    @property
    def tokens(self) -> list[list[GeneratedToken]]:
        """The tokens of each sample. Waits for their end."""
        return self._tokens if self.samples else []

    def __iter__(self) -> Iterator[GeneratedToken]:
        """Yield the tokens of all samples as they arrive, from the first one."""
        for _, token in self._numbered():
            yield token

    def pieces(self) -> Iterator[str]:
        """Yield the text in pieces as it arrives; each sample is followed by a line break.

        A text that continues the prompt begins with it.
        """
        opening = "" if self._start.has_encoder else self.prompt
        last = None
        for sample, token in self._numbered():
            if sample != last:
                yield opening if last is None else f"\n{opening}"
            is_first = sample != last and not opening
            yield token.text if is_first else f"{self._start.separator}{token.text}"
            last = sample
        yield "\n"

    def close(self) -> None:
        """Close the stream: the service stops computing."""
        self._events.close()

    def to_dict(self) -> dict[str, Any]:
        """Return the reply that HTTP gives without a stream. Waits for the end."""
        samples = [
            {"text": sample.text, "finish_reason": sample.finish_reason, "tokens": tokens}
            for sample, tokens in zip(self.samples, self._tokens, strict=True)
        ]
        denoised = [*self.steps()]
        whole: dict[str, Any] = plain(
            {**plain(self._start), "denoised": denoised, "samples": samples}
        )
        return whole

    def _numbered(self) -> Iterator[tuple[int, GeneratedToken]]:
        """Yield each token with the index of its sample."""
        for sample, tokens in enumerate([list(tokens) for tokens in self._tokens]):
            for token in tokens:
                yield sample, token
        for item in self._received():
            if isinstance(item, tuple):
                yield item

    def _received(self) -> Iterator[tuple[int, GeneratedToken] | Denoised]:
        for event in self._events:
            data = event.get(event["type"]) or {}
            self._is_over = event["type"] == "end"
            if event["type"] == "tokens":
                tokens = [read(GeneratedToken, token) for token in data.get("tokens") or ()]
                self._of_sample(data).extend(tokens)
                for token in tokens:
                    yield data.get("sample") or 0, token
            if event["type"] == "denoised":
                self._denoised.append(read(Denoised, data))
                yield self._denoised[-1]
            if event["type"] == "sample":
                self._of_sample(data)
                self._samples.append(read(GeneratedSample, data))
        if not self._is_over:
            raise EpochalError("The generation was closed before its end: call generate again")

    def _of_sample(self, data: Mapping[str, Any]) -> list[GeneratedToken]:
        """Return the list of the tokens of a sample."""
        index = data.get("sample") or 0
        while len(self._tokens) <= index:
            self._tokens.append([])
        return self._tokens[index]


class Writing(JobHandle):
    """Methods of `Job` that generate text."""

    def generate(
        self,
        prompt: str = "",
        *,
        count: int | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        stop: str | Sequence[str] = (),
        seed: int | None = None,
        epoch: int | None = None,
        alternatives: int | None = None,
        class_name: str | None = None,
        steps_per_event: int | None = None,
        tools: Sequence[Tool] = (),
    ) -> Generation:
        """Generate text with a network that predicts the next token, or samples with a diffusion
        network.

        Iterating over the result yields tokens as they arrive, each with its probability and
        `alternatives` (5 by default); `.text` is the first sample, `.texts` are all of them.
        `count` samples (1 by default) of at most `max_tokens` (100) follow each other; one ends
        earlier with one of the texts in `stop`. `temperature` 0 takes the most probable token;
        `top_k` and `top_p` leave the most probable ones. The same `seed` gives the same text.
        `epoch` selects the last checkpoint at or before that epoch, by default the restored or the
        latest one. `tools` may be `["calculator"]`: the result of a call such as `[12*34]` in the
        text follows it, as tokens with a `tool`.

        A diffusion network makes `count` samples at once: `.array` has them, and `.steps()` yields
        them as they emerge from noise, every `steps_per_event` steps. `class_name` selects a class
        of a network that was trained with classes.

        Raises `NotFound`, and `InvalidArgument` for another network.
        """
        fields = {
            "id": self.id,
            "prompt": prompt or None,
            "count": count,
            "max_tokens": max_tokens,
            "temperature": temperature,
            "top_k": top_k,
            "top_p": top_p,
            "stop": ([stop] if isinstance(stop, str) else list(stop)) or None,
            "seed": seed,
            "epoch": epoch,
            "alternatives": alternatives,
            "class_name": class_name,
            "steps_per_event": steps_per_event,
            "tools": list(tools) or None,
        }
        return Generation(self._session.stream("Generate", fields))
