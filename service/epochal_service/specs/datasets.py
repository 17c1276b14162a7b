"""Specs and replies of data sets: built-in, uploaded, or inline."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag

from .base import (
    PAGE_SIZE,
    IdOf,
    Name,
    PageSize,
    PageToken,
    Reply,
    Request,
    RequestId,
    Rows,
    Seed,
    Spec,
    exactly_one,
)

Scaling = Literal["none", "standard", "minmax"]
Color = Literal["grayscale", "rgb"]
Side = Annotated[int, Field(ge=1, le=4096)]


class GeneratorSpec(Spec):
    """A built-in data set, with the parameters of a generator."""

    name: str = Field(min_length=1, max_length=64)
    """Name of a built-in data set of `GET /v1/datasets`."""
    samples: int | None = Field(default=None, ge=1)
    """Number of samples; generators only. Defaults to the generator's default."""
    noise: float | None = Field(default=None, ge=0)
    """Standard deviation (or range) of the noise, in the data's own units; generators only."""
    classes: int | None = Field(default=None, ge=1)
    """Number of classes, for `blobs`; size of the alphabet of `sorting`, `reversal`, `repeats`."""
    features: int | None = Field(default=None, ge=1)
    """Number of features; `blobs` only."""
    length: int | None = Field(default=None, ge=1)
    """Number of time steps; sequences only."""
    merges: int | None = Field(default=None, ge=0)
    """Number of pairs of tokens to merge by byte-pair encoding; `plays` only."""
    vocabulary: str | None = Field(default=None, min_length=1, max_length=64)
    """The built-in text that supplies the characters, for a network that is trained on both;
    `plays` and `sonnets` only. Characters that the vocabulary lacks become lower case, or are left
    out. Defaults to its own.
    """
    seed: Seed = 0
    """Random seed of a generator. Default 0. The same seed gives the same samples."""


class NamedDataset(GeneratorSpec):
    """A built-in data set."""

    scaling: Scaling = "none"
    """Scaling of every input feature, computed from the training part. Default `none`."""


class UploadedDataset(Spec):
    """An uploaded data set."""

    id: str = Field(min_length=1, max_length=64)
    """Id of the data set, returned by `POST /v1/datasets`."""
    scaling: Scaling = "none"
    """Scaling of every input feature, computed from the training part. Categories and booleans of a
    table remain 0 and 1. Default `none`.
    """


def _rows(targets: object) -> object:
    """Turn a plain list of numbers into rows of one number each."""
    if isinstance(targets, list):
        return [[t] if isinstance(t, int | float) else t for t in targets]
    return targets


class InlineDataset(Spec):
    """Samples in the request itself."""

    inputs: Rows
    """Samples, one row per sample, one number per feature. Empty in the `basic` view of a job."""
    targets: Annotated[Rows, BeforeValidator(_rows)]
    """Targets, one row per sample: a number, a class label (0, 1, 2 …) or class probabilities. For
    several binary outputs, 0 or 1 for each. For sequences, one label per time step, or -1 for steps
    that do not count.
    """
    feature_names: list[Name] = Field(default_factory=list)
    """Names of the features. Defaults to x1, x2 …"""
    class_names: list[Name] = Field(default_factory=list)
    """Names of the labels 0, 1, 2 …. With names, targets are labels for every loss, and some
    classes may have no samples.
    """
    weights: list[Annotated[float, Field(ge=0)]] = Field(default_factory=list)
    """Weight of each sample in the loss: numbers of at least 0, not all 0 in any part. Only ratios
    matter. None by default: all samples count alike.
    """
    scaling: Scaling = "none"
    """Scaling of every input feature, computed from the training part. Default `none`."""


def _kind(value: Any) -> str | None:
    def has(key: str) -> bool:
        return key in value if isinstance(value, dict) else hasattr(value, key)

    if has("id"):
        return "@uploaded"
    if has("inputs") or has("targets"):
        return "@inline"
    return "@builtin"


DatasetSpec = Annotated[
    Annotated[NamedDataset, Tag("@builtin")]
    | Annotated[UploadedDataset, Tag("@uploaded")]
    | Annotated[InlineDataset, Tag("@inline")],
    Discriminator(_kind),
]


ColumnKind = Literal["number", "boolean", "category", "date", "ignore", "group", "weight"]
MissingPolicy = Literal["error", "median", "mean", "zero", "most_frequent", "category"]
UnknownPolicy = Literal["error", "other"]
DatePart = Literal["year", "month", "day", "weekday", "hour"]
WarningReason = Literal[
    "text",
    "identifier",
    "constant",
    "leakage",
    "rare",
    "empty",
    "rows",
    "mixed",
    "format",
    "encoding",
    "renamed",
]
Gaps = Literal["error", "auto"]
TextRows = Literal["windows", "lines", "pairs", "preferences"]


class ColumnSpec(Spec):
    """The content of a CSV column, where it should not be inferred from the cells."""

    name: str = Field(min_length=1, max_length=100)
    """Name of the column, as the header has it."""
    kind: ColumnKind | None = None
    """Kind of the column. `ignore`, `group` and `weight` columns are not inputs: groups are stored
    for splits, and a weight applies to the row in the loss. By default inferred from the cells.
    """
    missing: MissingPolicy | None = None
    """Handling of missing values: an `error`, or a fill value computed from the column. For
    categories, `category` makes missing values a separate category. Defaults to the setting of the
    request.
    """
    unknown: UnknownPolicy | None = None
    """Handling of a category that the file does not have when a network predicts: an `error`,
    or it counts as `other`. Default `error`; `other` if the column has more than 50 categories.
    """
    parts: list[DatePart] = Field(default_factory=list, max_length=5)
    """Parts of a date that become features; Monday is weekday 0. Defaults to the parts that
    vary."""
    day_first: bool | None = None
    """Whether the date 3/4/2021 is 3 April. Needed only if no date of the column shows it."""


class CreateDatasetRequest(Spec):
    """A CSV text, a generator or an upload: exactly one of the three."""

    model_config = ConfigDict(json_schema_extra=exactly_one("csv", "generator", "upload"))

    name: Name
    """Display name of the data set."""
    csv: str | None = None
    """CSV text with a header row, separated by commas, semicolons or tabs. The numbers of a column
    may have decimal commas, thousands separators, and a currency or percent sign.
    """
    target: str | None = Field(default=None, max_length=200)
    """Name of the target column; CSV only. Defaults to the last column."""
    task: Literal["auto", "classification", "regression"] = "auto"
    """Kind of target; CSV and arrays only. `auto` (the default) treats text as classes. In a CSV,
    it treats up to 20 distinct whole numbers so too, if they stand in two rows each on average or
    are only 0 and 1; arrays of integers are classes. Other numbers are a regression.
    """
    columns: list[ColumnSpec] = Field(default_factory=list, max_length=4096)
    """The content of columns; CSV only. Columns without an entry are inferred from their cells."""
    missing: Gaps = "error"
    """Handling of missing values; CSV only. `auto` fills numbers and dates with the median,
    others with the most frequent value, and drops rows without a target. Default `error`.
    """
    generator: GeneratorSpec | None = None
    """Generator of the samples to store."""
    upload: str | None = Field(default=None, min_length=1, max_length=64)
    """Id of a complete upload, returned by `POST /v1/uploads`: a CSV, a zip archive of pictures
    with one folder per class, an .npz archive of arrays, or a text.
    """
    image_size: list[Side] | None = Field(default=None, min_length=2, max_length=2)
    """Height and width to which pictures are resized; pictures only. By default, pictures of one
    size of at most 32 x 32 keep it, and others become 28 x 28, or less if there are many.
    """
    color: Color | None = None
    """Color of the inputs; pictures only. Defaults to `rgb` if a picture has color."""
    text: TextRows | None = None
    """Rows of a text in UTF-8: `windows` of it, its `lines`, or `pairs`, JSON Lines of `{"prompt":
    …, "answer": …}` where only the answers count in the loss. Each row has the next tokens as its
    targets. `preferences` are JSON Lines of `{"prompt": …, "chosen": …, "rejected": …}` for the
    loss `preference`: a row with each answer; a prompt may be empty. Defaults to `pairs` or
    `preferences` for JSON Lines; other text is read as a CSV.
    """
    length: int | None = Field(default=None, ge=2, le=512)
    """Tokens in a row; text only. In [2, 512]. Defaults to 64 for windows, else to the longest
    line.
    """
    merges: int = Field(default=0, ge=0, le=1000)
    """Pairs of tokens to merge by byte-pair encoding, the most frequent first; text only.
    In [0, 1000]. Default 0: each token is a character.
    """
    vocabulary: str | None = Field(default=None, min_length=1, max_length=64)
    """The data set that supplies the tokens of a text, by id or built-in name, for networks that
    were trained on it; text only. Rows begin and end, and are as long, as in that data set.
    Defaults to the tokens of the text.
    """
    request_id: RequestId | None = None
    """Idempotency key: the same key and the same request return the same data set."""


class UploadRequest(Request):
    """The same options as query parameters, with a file as the body."""

    name: Name = "upload"
    """Display name of the data set. Default `upload`."""
    target: str | None = Field(default=None, max_length=200)
    """Name of the target column; CSV only. Defaults to the last column."""
    task: Literal["auto", "classification", "regression"] = "auto"
    """Kind of target; CSV and arrays only. `auto` (the default) treats text as classes. In a CSV,
    it treats up to 20 distinct whole numbers so too, if they stand in two rows each on average or
    are only 0 and 1; arrays of integers are classes. Other numbers are a regression.
    """
    missing: Gaps = "error"
    """Handling of missing values; CSV only. `auto` fills numbers and dates with the median,
    others with the most frequent value, and drops rows without a target. Default `error`.
    """
    image_size: list[Side] | None = Field(default=None, min_length=2, max_length=2)
    """Height and width to which pictures are resized; pictures only. By default, pictures of one
    size of at most 32 x 32 keep it, and others become 28 x 28, or less if there are many.
    """
    color: Color | None = None
    """Color of the inputs; pictures only. Defaults to `rgb` if a picture has color."""
    text: TextRows | None = None
    """Rows of a text in UTF-8: `windows` of it, its `lines`, or `pairs`, JSON Lines of `{"prompt":
    …, "answer": …}` where only the answers count in the loss. Each row has the next tokens as its
    targets. `preferences` are JSON Lines of `{"prompt": …, "chosen": …, "rejected": …}` for the
    loss `preference`: a row with each answer; a prompt may be empty. Defaults to `pairs` or
    `preferences` for JSON Lines; other text is read as a CSV.
    """
    length: int | None = Field(default=None, ge=2, le=512)
    """Tokens in a row; text only. In [2, 512]. Defaults to 64 for windows, else to the longest
    line.
    """
    merges: int = Field(default=0, ge=0, le=1000)
    """Pairs of tokens to merge by byte-pair encoding, the most frequent first; text only.
    In [0, 1000]. Default 0: each token is a character.
    """
    vocabulary: str | None = Field(default=None, min_length=1, max_length=64)
    """The data set that supplies the tokens of a text, by id or built-in name, for networks that
    were trained on it; text only. Rows begin and end, and are as long, as in that data set.
    Defaults to the tokens of the text.
    """


class ListDatasetsRequest(Request):
    """Page of a list of data sets."""

    page_size: PageSize = PAGE_SIZE
    page_token: Annotated[PageToken, IdOf("data")] | None = None
    thumbnails: bool = False
    """Whether the first page has a thumbnail of each built-in data set. Default false."""


class GeneratorParameters(Request):
    """The parameters of a generator."""

    samples: int | None = Field(default=None, ge=1)
    """Number of samples; generators only. Defaults to the generator's default."""
    noise: float | None = Field(default=None, ge=0)
    """Standard deviation (or range) of the noise, in the data's own units; generators only."""
    classes: int | None = Field(default=None, ge=1)
    """Number of classes, for `blobs`; size of the alphabet of `sorting`, `reversal`, `repeats`."""
    features: int | None = Field(default=None, ge=1)
    """Number of features; `blobs` only."""
    length: int | None = Field(default=None, ge=1)
    """Number of time steps; sequences only."""
    merges: int | None = Field(default=None, ge=0)
    """Number of pairs of tokens to merge by byte-pair encoding; `plays` only."""
    vocabulary: str | None = Field(default=None, min_length=1, max_length=64)
    """The built-in text that supplies the characters, for a network that is trained on both;
    `plays` and `sonnets` only. Characters that the vocabulary lacks become lower case, or are left
    out. Defaults to its own.
    """
    seed: Seed = 0
    """Random seed of a generator. Default 0. The same seed gives the same samples."""


class PreviewDatasetRequest(GeneratorParameters):
    """Number of rows, and the parameters of a generator."""

    rows: int = Field(default=10, ge=1, le=1000)
    """Number of rows, from the first. In [1, 1000]. Default 10."""


class SuggestJobRequest(GeneratorParameters):
    """The parameters of the generator that draws the samples for the job."""


class DatasetParameter(Reply):
    """A parameter of a generator."""

    name: str
    """Name of the parameter, a field of the data set in a job's spec."""
    default: float | None = None
    """Default value. Absent if it depends on the other parameters: as much as they allow."""
    minimum: float
    """Smallest value."""
    maximum: float
    """Largest value."""
    integer: bool
    """Whether the value must be an integer."""
    description: str
    """Meaning of the parameter."""


class Column(Reply):
    """A column of an uploaded table, and how its cells become features."""

    name: str
    """Name of the column."""
    kind: ColumnKind
    """Kind of the column."""
    features: list[str]
    """Names of its features, in order; empty if it is not an input."""
    categories: list[str] = Field(default_factory=list)
    """Categories, one per feature; of a boolean, the words for 0 and for 1."""
    missing: MissingPolicy
    """Handling of missing values."""
    fill_value: str | None = None
    """Text in place of a missing value; absent if a missing value is an error."""
    unknown: UnknownPolicy
    """Handling of unknown categories."""
    parts: list[DatePart] = Field(default_factory=list)
    """Parts of a date, one per feature."""
    day_first: bool | None = None
    """Whether the date 3/4/2021 is 3 April; absent if the column has no such dates."""
    decimal_commas: bool = False
    """Whether its numbers have decimal commas."""
    thousands: str = ""
    """Thousands separator of its numbers, such as the comma in 1,234.5; empty without one."""
    unit: str = ""
    """Currency of its numbers, such as the sign in $99, or `%`; empty without one. 12 % is 12."""
    marks_missing: bool = False
    """Whether its last feature is 1 where the value is missing, and else 0."""
    minimum: float | None = None
    """Smallest number; absent for other kinds."""
    maximum: float | None = None
    """Largest number; absent for other kinds."""
    example: str
    """A value of the column, from its first row that has one."""
    filled: int = 0
    """Number of missing values that were filled."""
    filled_lines: list[int] = Field(default_factory=list)
    """Lines of the file of the first of them."""
    scaled: bool = True
    """Whether the `scaling` of a job applies to its features. False for categories and booleans,
    except in data sets of earlier versions.
    """


class ColumnWarning(Reply):
    """A warning about a column, to read before training on it."""

    column: str
    """Name of the column; empty if the warning is about the whole file."""
    reason: WarningReason
    """Reason of the warning. Columns of free `text`, most columns that are an `identifier`, and
    `empty` columns are ignored. A `constant` column has one value. `leakage`: the column repeats
    the target. `rare`: rare categories count as one. `rows`: rows without a target are dropped.
    `mixed`: most values are numbers, but too few to read the column as numbers.
    `format`: how numbers such as $1,234 are read. `encoding`: how a file is read that is not UTF-8.
    `renamed`: two columns have one name.
    """
    description: str
    """Description in one sentence."""


class Dataset(Reply):
    """The metadata of a data set."""

    id: str
    """Id of the data set; of a built-in one, its name."""
    name: str
    """Display name."""
    description: str
    """Description in one sentence."""
    task: Literal["binary", "multiclass", "regression", "sequence"]
    """Task that the data set is for; `sequence` means one class per time step."""
    samples: int
    """Number of samples."""
    features: int
    """Number of features of a sample."""
    feature_names: list[str]
    """Names of the features, in order."""
    class_names: list[str]
    """Names of the labels 0, 1, 2 …; empty for regression."""
    target_names: list[str]
    """Names of the targets: one per number of a regression or time step of a sequence; one for
    classes.
    """
    token_names: list[str] = Field(default_factory=list)
    """Names of the tokens 0, 1, 2 …, if the inputs are tokens for an embedding; else empty."""
    builtin: bool
    """Whether the data set is built in."""
    generated: bool
    """Whether the data set is a generator with `parameters` and a seed."""
    source: str
    """Origin of the data."""
    license: str
    """License of the data."""
    created_at: datetime | None = None
    """Time of the upload; absent for built-in data sets."""
    parameters: list[DatasetParameter] = Field(default_factory=list)
    """Parameters of a generator besides its seed; empty for other data sets."""
    vocabularies: list[str] = Field(default_factory=list)
    """Built-in texts that can supply the characters of a built-in text, for `vocabulary`; empty
    for other data sets.
    """
    columns: list[Column] = Field(default_factory=list)
    """Columns of an uploaded CSV, in order, without the target; empty for other data sets."""
    warnings: list[ColumnWarning] = Field(default_factory=list)
    """Warnings about columns of an uploaded CSV."""


class Thumbnail(Reply):
    """A few rows of a data set, enough for a small picture of it."""

    dataset: str
    """Id of the data set."""
    inputs: list[list[float]]
    """Inputs of up to 120 random samples, fewer if they are long, rounded to three digits."""
    targets: list[list[float]]
    """Targets of the same samples; classes as labels in the order of `class_names`."""


class DatasetPage(Reply):
    """A page of data sets."""

    datasets: list[Dataset]
    """Built-in data sets (on the first page), then uploaded ones, newest first."""
    next_page_token: str | None = None
    """`page_token` of the next page; absent on the last page."""
    thumbnails: list[Thumbnail] = Field(default_factory=list)
    """Present for built-in data sets, if `thumbnails` of the request is true."""


class DatasetPreview(Reply):
    """The first rows of a data set."""

    dataset: Dataset
    """Metadata of the data set."""
    inputs: list[list[float]]
    """Inputs in the data's own units, one row per sample."""
    targets: list[list[float]]
    """Targets, one row per sample; classes as labels in the order of `class_names`."""
