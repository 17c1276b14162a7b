"""Text that a network writes: one token after another, each sampled after those before it.

    prompt, text so far ──→ decoder ──→ probabilities ──→ one random number ──→ token
            ↑                                                                     │
            └─────────────────────────────────────────────────────────────────────┘

Each sample has its own stream of random numbers, and is computed by itself: it depends on the seed
and its index alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic

import numpy as np
from numpy.typing import NDArray

import epochal_engine as engine
from epochal_engine.model import ELEMENTS_AT_ONCE

from ..datasets import Dataset
from ..errors import FieldError, InvalidArgument
from ..preparation.prepared import scaled
from ..resources.language import Language, language_of
from ..settings import Limits
from ..specs.base import Reply
from ..specs.generation import (
    FinishReason,
    GeneratedSample,
    GeneratedToken,
    GeneratedTokens,
    GenerateRequest,
    GenerationEnd,
    GenerationEvent,
    GenerationStart,
    TokenProbability,
)
from . import calculator
from .diffusion import Diffusion
from .inspection import Trained

Floats = NDArray[np.float64]

TOKENS_PER_EVENT = 32
EVENT_SECONDS = 0.05


TEXT_FIELDS = (
    *("prompt", "inputs", "max_tokens", "temperature", "top_k", "top_p", "stop", "alternatives"),
    "tools",
)
DIFFUSION_FIELDS = ("class_name", "steps_per_event")


def events_of(
    trained: Trained, dataset: Dataset, request: GenerateRequest, limits: Limits
) -> Iterator[GenerationEvent]:
    """Return the events of a generation. Each is computed when it is needed.

    Raises `InvalidArgument` for a network that cannot generate, for a field of other networks, and
    for more than the limits allow.
    """
    corruption = trained.spec.corruption
    generator: Writer | Diffusion
    if corruption is not None and corruption.type == "diffuse":
        _check_absent(request, TEXT_FIELDS, "a diffusion network generates numbers, not text")
        generator = Diffusion(trained, dataset, request, limits)
    else:
        _check_tokens(request, limits)
        generator = Writer(trained, dataset, request)
        _check_absent(request, DIFFUSION_FIELDS, "it is for diffusion networks")
    return _numbered(generator.payloads())


def _numbered(payloads: Iterator[tuple[str, Reply]]) -> Iterator[GenerationEvent]:
    for seq, (kind, payload) in enumerate(payloads, 1):
        yield GenerationEvent.model_validate({"seq": seq, "type": kind, kind: payload})


def _check_absent(request: GenerateRequest, fields: Sequence[str], why: str) -> None:
    """Raise `InvalidArgument` for the fields that the request has."""
    given = [name for name in fields if name in request.model_fields_set]
    if given:
        raise InvalidArgument.of(*(FieldError(name, f"must be absent: {why}") for name in given))


def _check_tokens(request: GenerateRequest, limits: Limits) -> None:
    """Raise `InvalidArgument` for more tokens than the limit."""
    limit = limits.max_generated_tokens
    if request.count * request.max_tokens > limit:
        raise InvalidArgument.of(
            FieldError(
                "max_tokens",
                f"must be at most {limit // request.count} with a count of {request.count}: the "
                f"limit of one generation is {limit} tokens",
            ),
            reason="limit_exceeded",
        )


@dataclass
class _Text:
    """A text that is being written."""

    tokens: list[int] = field(default_factory=list)
    spelled: str = ""
    result: list[int] = field(default_factory=list)
    """Tokens of a tool that come next."""
    finish_reason: FinishReason = "max_tokens"


class Writer:
    """A network, the language that it writes, and a request. Raises `InvalidArgument`."""

    def __init__(self, trained: Trained, dataset: Dataset, request: GenerateRequest) -> None:
        self._trained, self._request = trained, request
        self._language = language = _language(trained.network, dataset)
        self._uncached_layer = engine.uncached_layer(trained.network)
        self._decoder = self._opened_decoder(dataset)
        prompt = language.tokens_of(request.prompt, "prompt")
        if language.ask is not None and language.ask not in prompt:
            prompt.append(language.ask)
        self._prompt = prompt
        # The first tokens of each row, and of the text.
        self._prefix: list[float] = [] if language.start is None else [language.start]
        self._opening = prompt
        self._most = request.max_tokens
        if language.to_read:
            self._prefix, self._opening = [*self._read(prompt), *self._prefix], []
            self._most = min(request.max_tokens, language.capacity + 1)
        elif request.inputs:
            raise InvalidArgument.of(
                FieldError("inputs", "must be empty: the network continues the prompt")
            )
        elif not self._prefix and not prompt:
            raise InvalidArgument.of(
                FieldError("prompt", "must not be empty: these data have no start token")
            )
        self._skipped = self._too_many(self._opening, 0)
        self._first = self._probabilities(self._opening[self._skipped :])
        if not np.isfinite(self._first).all():
            raise InvalidArgument.of(
                FieldError(
                    "epoch",
                    f"must be another one: the probabilities after epoch {trained.epoch} are not "
                    "finite numbers",
                )
            )

    def payloads(self) -> Iterator[tuple[str, Reply]]:
        """Yield the type and the data of each event. Each is computed when it is needed."""
        yield (
            "start",
            GenerationStart(
                epoch=self._trained.epoch,
                prompt=self._language.spelled(self._prompt),
                prompt_tokens=[self._language.names[token] for token in self._prompt],
                has_encoder=self._language.to_read > 0,
                separator=self._language.separator,
                window=self._language.window,
                uncached_layer=self._uncached_layer,
            ),
        )
        total = 0
        for sample in range(self._request.count):
            text = _Text()
            for tokens in _batches(self._tokens(sample, text)):
                yield "tokens", GeneratedTokens(sample=sample, tokens=tokens)
            total += len(text.tokens)
            end = GeneratedSample(
                sample=sample, text=text.spelled, finish_reason=text.finish_reason
            )
            yield "sample", end
        yield "end", GenerationEnd(samples=self._request.count, tokens=total)

    def _tokens(self, sample: int, text: _Text) -> Iterator[GeneratedToken]:
        """Yield the tokens of a sample while they are added to its text."""
        rng = np.random.default_rng([self._request.seed, sample])
        whole, skipped, probabilities = [*self._opening], self._skipped, self._first
        while len(text.tokens) < self._most:
            if text.tokens:
                skipped = self._too_many(whole, skipped)
                probabilities = self._probabilities(whole[skipped:])
            if not np.isfinite(probabilities).all():
                text.finish_reason = "not_finite"
                return
            is_result = len(text.result) > 0
            if is_result:
                token, chance = text.result.pop(0), 1.0
            else:
                chances = self._chances(probabilities)
                token = engine.draw_token(chances, rng.random())
                chance = _short(chances[token])
            described = self._described(token, probabilities, chance, len(whole) - skipped)
            yield described.model_copy(update={"tool": "calculator"}) if is_result else described
            whole.append(token)
            text.tokens.append(token)
            text.spelled = self._language.joined(text.spelled, token)
            if token == self._language.end:
                text.finish_reason = "end_token"
                return
            if text.spelled.endswith(tuple(self._request.stop)):
                text.finish_reason = "stop"
                return
            if not is_result and "calculator" in self._request.tools:
                text.result = self._result(text)
        if self._most < self._request.max_tokens:
            text.finish_reason = "end_of_window"

    def _result(self, text: _Text) -> list[int]:
        """Return the tokens of the result of a call that ends the text.

        None where it ends with no call, the result has characters that are not tokens, or it is too
        long for the rest of the text.
        """
        result = calculator.result_of(text.spelled)
        if result is None:
            return []
        try:
            tokens = self._language.tokens_of(result, "tools")
        except InvalidArgument:
            return []
        return tokens if len(text.tokens) + len(tokens) <= self._most else []

    def _too_many(self, text: Sequence[int], skipped: int) -> int:
        """Return the number of first tokens that are not read: `skipped` if the others fit."""
        fits = len(text) - skipped <= self._language.capacity
        return skipped if fits else self._language.first_read(text)

    def _probabilities(self, text: Sequence[int]) -> Floats:
        """Return the probabilities of the next token `(tokens,)`."""
        row = [*self._prefix, *text]
        inputs = np.zeros(self._language.window)
        inputs[: len(row)] = row
        scaled_row = scaled(inputs, self._trained.weights)[: len(row)]
        return self._decoder.outputs_after(scaled_row.tolist()).astype(np.float64)

    def _chances(self, probabilities: Floats) -> Floats:
        """Return the probabilities to sample from."""
        request = self._request
        return engine.sampling_probabilities(
            probabilities,
            temperature=request.temperature,
            top_k=request.top_k,
            top_p=request.top_p,
        )

    def _described(
        self, token: int, probabilities: Floats, chance: float, context: int
    ) -> GeneratedToken:
        names, count = self._language.names, self._request.alternatives
        ranked = np.argsort(-probabilities, kind="stable")[: count + 1].tolist()
        others = [other for other in ranked if other != token][:count]
        return GeneratedToken(
            text=names[token],
            probability=_short(probabilities[token]),
            sampling_probability=chance,
            context=context,
            alternatives=[
                TokenProbability(text=names[other], probability=_short(probabilities[other]))
                for other in others
            ],
        )

    def _read(self, prompt: Sequence[int]) -> Sequence[float]:
        """Return what the network reads before it writes: the inputs, or the prompt."""
        given, needed = self._request.inputs or prompt, self._language.to_read
        if self._request.inputs and prompt:
            raise InvalidArgument.of(FieldError("prompt", "must be empty where inputs are given"))
        if len(given) != needed:
            field = "inputs" if self._request.inputs else "prompt"
            raise InvalidArgument.of(
                FieldError(
                    field,
                    f"must have {needed} tokens, or send as many inputs, which the network reads "
                    f"first; got {len(given)}",
                )
            )
        return given

    def _opened_decoder(self, dataset: Dataset) -> engine.Decoder:
        trained = self._trained
        if self._uncached_layer is None:
            return engine.CachedDecoder(trained.network, trained.weights)
        if trained.network.largest_array > ELEMENTS_AT_ONCE:
            raise InvalidArgument.of(
                FieldError(
                    "id",
                    f"must be a job whose network is smaller: {self._uncached_layer} needs all "
                    "positions at each token",
                ),
                reason="limit_exceeded",
            )
        decoder = engine.WindowDecoder(trained.network, trained.weights)
        positions = self._language.window - self._language.to_read
        if positions > 1:
            row = dataset.inputs[0]
            other = np.array(row)
            later = slice(self._language.to_read + max(positions // 2, 1), None)
            other[later] = (other[later] + 1) % self._language.written
            rows = scaled(np.stack([row, other]), trained.weights).tolist()
            if decoder.reads_ahead(*rows):
                raise InvalidArgument.of(
                    FieldError(
                        "id",
                        "must be a job whose network reads no later positions, which are empty "
                        "while it writes: make its attention causal",
                    ),
                    reason="cannot_generate",
                )
        return decoder


def _batches(tokens: Iterator[GeneratedToken]) -> Iterator[list[GeneratedToken]]:
    """Yield tokens in lists: a client sees each soon, and few events take little time."""
    batch: list[GeneratedToken] = []
    begun = monotonic()
    for token in tokens:
        batch.append(token)
        if len(batch) == TOKENS_PER_EVENT or monotonic() - begun > EVENT_SECONDS:
            yield batch
            batch, begun = [], monotonic()
    if batch:
        yield batch


def _short(probability: float) -> float:
    """Return a probability with six significant digits."""
    return float(f"{probability:.6g}")


def _language(network: engine.Network, dataset: Dataset) -> Language:
    """Return the language that the network writes. Raises `InvalidArgument`."""
    language = language_of(dataset)
    if language is not None:
        return language
    if dataset.task == "regression":
        does = "numbers"
    elif dataset.task == "sequence":
        does = "a class at each position, which is not the next token"
    else:
        does = f"one of {len(dataset.class_names)} classes"
    raise InvalidArgument.of(
        FieldError(
            "id",
            "must be a job whose network predicts the next token, as on sonnets, sentences or "
            f"reversal, or a diffusion network; this one predicts {does}: POST "
            "/v1/jobs/{id}/predict returns its outputs",
        ),
        reason="cannot_generate",
    )
