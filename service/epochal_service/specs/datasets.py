"""Data as it may be asked for: by name, by id, or in the request itself; and as it comes back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from .base import PAGE_SIZE, Name, PageSize, PageToken, Reply, Request, RequestId, Seed, Spec

Scaling = Literal["none", "standard", "minmax"]


class GeneratorSpec(Spec):
    """A built-in data set by its name and, where it is a generator of points, how to make them."""

    name: str = Field(min_length=1, max_length=64)
    """One of `GET /v1/datasets`."""
    samples: int | None = Field(default=None, ge=1)
    """Generators only: how many points."""
    noise: float | None = Field(default=None, ge=0)
    """Generators only: standard deviation (or reach) of the noise, in the data's own units."""
    classes: int | None = Field(default=None, ge=1)
    """`blobs`: how many of them; `sorting` and `reversal`: letters of the alphabet."""
    features: int | None = Field(default=None, ge=1)
    """`blobs` only: dimensions of the space."""
    length: int | None = Field(default=None, ge=1)
    """Sequences only: their places."""
    seed: Seed = 0
    """Generators only: the same seed gives the same points."""


class NamedDataset(GeneratorSpec):
    """A built-in data set, or a generator of points."""

    scaling: Scaling = "none"
    """What is done to every input feature, with figures of the training part alone."""


class UploadedDataset(Spec):
    """A data set that was uploaded, by its id."""

    id: str = Field(min_length=1, max_length=64)
    """As `POST /v1/datasets` gave it."""
    scaling: Scaling = "none"
    """What is done to every input feature, with figures of the training part alone."""


def _rows(targets: object) -> object:
    """A plain list of numbers says the same as a list of rows with one number each."""
    if isinstance(targets, list):
        return [[t] if isinstance(t, int | float) else t for t in targets]
    return targets


class InlineDataset(Spec):
    """A few rows, in the request itself."""

    inputs: list[list[float]] = Field(min_length=1)
    """Samples, each a row of as many numbers as the network takes."""
    targets: Annotated[list[list[float]], BeforeValidator(_rows)] = Field(min_length=1)
    """One row for each input row: a number, a class label (0, 1, 2 …), or a one-hot row; where the
    network answers at each place of a sequence, a label for each, or -1 where it does not count.
    """
    feature_names: list[Name] = Field(default_factory=list)
    """What the numbers of a row are called; by default x1, x2 …"""
    class_names: list[Name] = Field(default_factory=list)
    """What the labels 0, 1, 2 … are called. With names the targets are labels whatever the loss,
    and there may be more classes than samples show.
    """
    scaling: Scaling = "none"
    """What is done to every input feature, with figures of the training part alone."""


def _kind(value: Any) -> str | None:
    def has(key: str) -> bool:
        return key in value if isinstance(value, dict) else hasattr(value, key)

    if has("id"):
        return "@id"
    if has("inputs") or has("targets"):
        return "@inputs"
    return "@name"


DatasetSpec = Annotated[
    Annotated[NamedDataset, Tag("@name")]
    | Annotated[UploadedDataset, Tag("@id")]
    | Annotated[InlineDataset, Tag("@inputs")],
    Discriminator(_kind),
]


class CreateDatasetRequest(Spec):
    """A CSV text, or a generator; exactly one of the two."""

    name: Name
    """What people call it."""
    csv: str | None = None
    """Text with a header row, separated by commas, semicolons or tabs. Commas may be decimal."""
    target: str | None = Field(default=None, max_length=200)
    """CSV only: the column to predict; the last one by default."""
    task: Literal["auto", "classification", "regression"] = "auto"
    """CSV only: what the target is. `auto`: text, or at most 20 different whole numbers, is
    classification.
    """
    generator: GeneratorSpec | None = None
    """Points to make once and keep."""
    request_id: RequestId | None = None
    """The idempotency key: the same key and the same request give the same data set."""


class UploadRequest(Request):
    """The same as query parameters, where the CSV itself is the body (`Content-Type: text/csv`)."""

    name: Name = "upload"
    """What people call it."""
    target: str | None = Field(default=None, max_length=200)
    """The column to predict; the last one by default."""
    task: Literal["auto", "classification", "regression"] = "auto"
    """What the target is. `auto`: text, or at most 20 different whole numbers, is classification.
    """


class ListDatasetsRequest(Request):
    """Which page."""

    page_size: PageSize = PAGE_SIZE
    page_token: PageToken | None = None


class PreviewDatasetRequest(Request):
    """How many rows; the rest is for generators alone."""

    rows: int = Field(default=10, ge=1, le=1000)
    """How many rows, from the first."""
    samples: int | None = Field(default=None, ge=1)
    """Generators only: how many points."""
    noise: float | None = Field(default=None, ge=0)
    """Generators only: standard deviation (or reach) of the noise, in the data's own units."""
    classes: int | None = Field(default=None, ge=1)
    """`blobs`: how many of them; `sorting` and `reversal`: letters of the alphabet."""
    features: int | None = Field(default=None, ge=1)
    """`blobs` only: dimensions of the space."""
    length: int | None = Field(default=None, ge=1)
    """Sequences only: their places."""
    seed: Seed = 0
    """Generators only: the same seed gives the same points."""


class DatasetParameter(Reply):
    """A number that a generator takes, from `minimum` to `maximum`, both included."""

    name: str
    """`samples`, `noise` and the like: a field of the data set in a job."""
    default: float
    """What it is where nothing is said."""
    minimum: float
    """The smallest that is taken."""
    maximum: float
    """The largest that is taken."""
    whole: bool
    """Only whole numbers are meant."""
    description: str
    """What it counts or measures."""


class Dataset(Reply):
    """What is known of a data set. Built-in ones have their name as their id."""

    id: str
    """What a job calls it."""
    name: str
    """What people call it."""
    description: str
    """A sentence on what it is."""
    task: Literal["binary", "multiclass", "regression", "sequence"]
    """What may be learned from it; `sequence`: a class at each of several places."""
    samples: int
    """Rows."""
    features: int
    """Numbers in one sample."""
    feature_names: list[str]
    """In the order of the inputs."""
    class_names: list[str]
    """Of the labels 0, 1, 2 …; empty for regression."""
    target_names: list[str]
    """One for each number of a regression, and for each place of a sequence; one for classes."""
    token_names: list[str] = Field(default_factory=list)
    """What the inputs 0, 1, 2 … are called where they are tokens, as an embedding takes them."""
    builtin: bool
    """Whether it is always there."""
    generated: bool
    """Whether the `parameters` and `seed` may be chosen."""
    source: str
    """Where it comes from."""
    license: str
    """What may be done with it."""
    created_at: datetime | None = None
    """Absent for built-in ones."""
    parameters: list[DatasetParameter] = Field(default_factory=list)
    """What a generator takes beside its seed, with its defaults; none where nothing is chosen."""


class DatasetPage(Reply):
    """A page of data sets."""

    datasets: list[Dataset]
    """The built-in ones first, then yours, newest first."""
    next_page_token: str | None = None
    """What to ask for next; absent on the last page."""


class DatasetPreview(Reply):
    """The first rows."""

    dataset: Dataset
    """What they are rows of."""
    inputs: list[list[float]]
    """In the data's own units."""
    targets: list[list[float]]
    """Class targets are labels 0, 1, 2 …, in the order of `class_names`."""
