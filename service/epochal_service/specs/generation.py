"""Requests and replies of generation: text that a network writes token by token, and samples that a
diffusion network computes from noise.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import EpochNumber, EveryError, Int64, Reply, Seed, Spec

MAX_STOPS = 8
MAX_TOOLS = 4

Tool = Literal["calculator"]
FinishReason = Literal["stop", "max_tokens", "end_token", "end_of_window", "not_finite"]
Stop = Annotated[str, Field(min_length=1, max_length=100)]


class GenerateRequest(Spec):
    """Prompt, sampling and checkpoint of a generation."""

    prompt: str = Field(default="", max_length=10_000)
    """Text that the network continues; for a network with an encoder, the text that the encoder
    reads. One character per token, or words with spaces between them, as in the data set. If the
    text is long, the network reads its end. Default empty.
    """
    inputs: list[float] = Field(default_factory=list, max_length=100_000)
    """Numbers that the network reads before it writes, instead of `prompt`, such as the pixels of
    a picture and a question. Only for networks with an encoder. Default none.
    """
    count: int = Field(default=1, ge=1, le=1000)
    """Number of samples, one after another. In [1, 1000]. Default 1."""
    max_tokens: int = Field(default=100, ge=1, le=10_000)
    """Maximum number of tokens of each sample. In [1, 10000]. Default 100."""
    temperature: float = Field(default=1.0, ge=0, le=100)
    """Exponent 1/temperature of the probabilities: below 1 sharpens, above 1 flattens them, and 0
    takes the most probable token. In [0, 100]. Default 1.
    """
    top_k: int | None = Field(default=None, ge=1)
    """Sample from this many most probable tokens only. At least 1. Default all."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    """Sample from the fewest tokens that have this probability together, after `temperature` and
    `top_k`. In (0, 1]. Default all.
    """
    stop: Annotated[list[Stop], EveryError(MAX_STOPS)] = Field(
        default_factory=list, max_length=MAX_STOPS
    )
    """Texts that end a sample, which then ends with the text. At most 8. Default none."""
    seed: Seed = 0
    """Random seed. Sample i is the same for the same seed, whatever the count. Default 0."""
    epoch: EpochNumber | None = None
    """Epoch of the checkpoint: the last one stored at or before this epoch. Defaults to the
    restored epoch, see `best` of a job, or the latest.
    """
    alternatives: int = Field(default=5, ge=0, le=100)
    """Number of other tokens to report at each position. In [0, 100]. Default 5."""
    class_name: str | None = Field(default=None, max_length=1000)
    """Class of the samples of a diffusion network that was trained with the classes of its data. By
    default the samples have all classes in turn.
    """
    steps_per_event: int | None = Field(default=None, ge=1)
    """Steps of a diffusion network between two events with the samples; the last event has them
    without noise. At least 1. Defaults to about a tenth of its steps.
    """
    tools: Annotated[list[Tool], EveryError(MAX_TOOLS)] = Field(
        default_factory=list, max_length=MAX_TOOLS
    )
    """Tools that the network may call in its text. `calculator` computes calls such as `[12*34]`:
    two integers of at most 12 digits with +, - or *. The result follows the call, and the network
    reads it, too. Every other text in brackets stays as it is. Default none.
    """


class TokenProbability(Reply):
    """A token and its probability."""

    text: str
    """Text of the token."""
    probability: float
    """Probability of the network, before `temperature`, `top_k` and `top_p`. In [0, 1]."""


class GeneratedToken(Reply):
    """A token that was sampled, or that a tool wrote."""

    text: str
    """Text of the token."""
    probability: float
    """Probability of the network, before `temperature`, `top_k` and `top_p`. In [0, 1]."""
    sampling_probability: float
    """Probability that it was sampled with. In (0, 1]. 1 for a token of a tool."""
    context: int
    """Number of tokens of the text before it, prompt included, that the network read."""
    alternatives: list[TokenProbability]
    """The most probable other tokens, in the order of their probabilities."""
    tool: Tool | None = None
    """The tool that wrote it; absent for a token that was sampled."""


class DiffusionStart(Reply):
    """The kind of samples of a diffusion network."""

    steps: int
    """Steps from noise to the samples."""
    feature_names: list[str]
    """Name of each number of a sample."""
    image_shape: list[int]
    """Height, width (and channels) of a sample that is an image; else empty."""
    class_names: list[str]
    """Names of the classes; empty if the network was trained without."""
    classes: list[int]
    """Class of each sample; empty if the network was trained without."""


class GenerationStart(Reply):
    """The first event of a generation."""

    epoch: int
    """Epoch of the checkpoint."""
    prompt: str
    """The prompt as tokens of the data set."""
    prompt_tokens: list[str]
    """Text of each token of the prompt."""
    has_encoder: bool
    """Whether an encoder reads the prompt. If not, the text continues it."""
    separator: str
    """Text between two tokens: none between characters, a space between words."""
    window: int
    """Number of tokens that the network reads at once."""
    uncached_layer: str | None = None
    """The first layer that needs all positions at each token. Absent if a token costs one position,
    with a key-value cache.
    """
    diffusion: DiffusionStart | None = None
    """The kind of samples of a diffusion network. Absent for text."""


class Denoised(Reply):
    """The samples of a diffusion network at one step."""

    step: int
    """Steps that remain; 0 for samples without noise."""
    samples: list[list[float]]
    """The samples, in the units of the data set."""


class GeneratedTokens(Reply):
    """Tokens of a sample, after the tokens of earlier events."""

    sample: int
    """Index of the sample, from 0."""
    tokens: list[GeneratedToken]
    """Tokens in order."""


class GeneratedSample(Reply):
    """The end of a sample."""

    sample: int
    """Index of the sample, from 0."""
    text: str
    """The text without the prompt."""
    finish_reason: FinishReason
    """Reason of the end: a text of `stop`; `max_tokens`; the token that ends texts of the data; an
    encoder-decoder that has written all its positions; or probabilities that are not finite.
    """


class GenerationEnd(Reply):
    """The end of a generation."""

    samples: int
    """Number of samples."""
    tokens: int
    """Number of tokens of all samples."""


class GenerationEvent(Reply):
    """One event of a generation."""

    seq: Int64
    """Number of the event, from 1."""
    type: Literal["start", "tokens", "sample", "denoised", "end"]
    """The event type. The field of the same name holds its data."""
    start: GenerationStart | None = None
    """Data of a `start` event."""
    tokens: GeneratedTokens | None = None
    """Data of a `tokens` event."""
    sample: GeneratedSample | None = None
    """Data of a `sample` event."""
    denoised: Denoised | None = None
    """Data of a `denoised` event."""
    end: GenerationEnd | None = None
    """Data of an `end` event."""


class GeneratedText(Reply):
    """A sample of a generation."""

    text: str
    """The text without the prompt."""
    finish_reason: FinishReason
    """Reason of the end: a text of `stop`; `max_tokens`; the token that ends texts of the data; an
    encoder-decoder that has written all its positions; or probabilities that are not finite.
    """
    tokens: list[GeneratedToken]
    """Tokens in order."""


class Generation(GenerationStart):
    """All samples of a generation."""

    denoised: list[Denoised]
    """Samples of a diffusion network, from noise to the last step; empty for text."""
    samples: list[GeneratedText]
    """Samples of text in order; empty for a diffusion network."""
