"""Data sets: the built-in ones, generated points, and your own from CSV."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from .errors import InvalidArgument
from .paging import pages
from .records import Floats, read, request
from .session import Session
from .specs import Spec


@dataclass(frozen=True)
class DatasetParameter:
    """A number that a generator takes, from `minimum` to `maximum`, both included."""

    name: str
    default: float
    minimum: float
    maximum: float
    whole: bool
    """Only whole numbers are meant."""
    description: str


@dataclass(frozen=True)
class Dataset:
    """A data set; a job names it as `{"id": …}`, or as `{"name": …}` where it is built in."""

    id: str
    name: str
    description: str
    task: str
    """`binary`, `multiclass`, `regression` or `sequence`: a class at each of several places."""
    samples: int
    features: int
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    target_names: tuple[str, ...]
    """One for each number of a regression, and for each place of a sequence; one for classes."""
    token_names: tuple[str, ...]
    """What the inputs 0, 1, 2 … are called where they are tokens; else empty."""
    builtin: bool
    generated: bool
    """Whether the parameters and a seed may be chosen."""
    source: str
    license: str
    created_at: datetime | None
    parameters: tuple[DatasetParameter, ...]
    """What a generator takes beside its seed, with its defaults; none where nothing is chosen."""


@dataclass(frozen=True, eq=False)
class DatasetPreview:
    """The first rows: `inputs` `(rows, features)`, `targets` `(rows, 1)`, `(rows, outputs)` or
    `(rows, places)`.
    """

    dataset: Dataset
    inputs: Floats
    targets: Floats
    """Classes are 0, 1, 2 …, in the order of `dataset.class_names`."""


class Datasets:
    """`client.datasets`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list(self, *, page_size: int | None = None) -> Iterator[Dataset]:
        """The built-in ones first, then uploads, newest first, fetched page by page."""
        for item in pages(self._session, "ListDatasets", "datasets", {"page_size": page_size}):
            yield read(Dataset, item)

    def get(self, dataset_id: str) -> Dataset:
        """The data set with this id; a built-in one's id is its name. Raises `NotFound`."""
        return read(Dataset, self._session.call("GetDataset", {"id": dataset_id}))

    def preview(
        self,
        dataset_id: str,
        *,
        rows: int | None = None,
        samples: int | None = None,
        noise: float | None = None,
        classes: int | None = None,
        features: int | None = None,
        length: int | None = None,
        seed: int | None = None,
    ) -> DatasetPreview:
        """The first `rows` rows, 10 unless you say otherwise; the rest is for generators alone.

        What a generator takes, and from where to where, is in the `parameters` of `get`. Raises
        `NotFound`, and `InvalidArgument` for what it does not take.

        >>> client.datasets.preview("xor", rows=4).inputs.tolist()
        [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
        """
        choices = {
            "samples": samples,
            "noise": noise,
            "classes": classes,
            "features": features,
            "length": length,
            "seed": seed,
        }
        reply = self._session.call("PreviewDataset", {"id": dataset_id, "rows": rows, **choices})
        return read(DatasetPreview, reply)

    def upload_csv(
        self,
        source: str | os.PathLike[str] | bytes,
        *,
        name: str | None = None,
        target: str | None = None,
        task: Literal["auto", "classification", "regression"] = "auto",
        request_id: str | None = None,
    ) -> Dataset:
        """Stores a CSV with a header row: a path, or the text itself as str or UTF-8 bytes.

        A str that holds a line break is the text; any other is a path. `target` is the column to
        predict, the last one by default; `name` is the file's unless you say otherwise. The
        same `request_id` and the same CSV give the data set that was stored before. Raises
        `InvalidArgument` where the CSV cannot be read, `OSError` where the file cannot, `TooLarge`.
        """
        if isinstance(source, str) and "\n" not in source:
            source = Path(source)
        if isinstance(source, os.PathLike):
            name = name or Path(source).stem
            source = Path(source).read_bytes()
        if isinstance(source, bytes):
            try:
                source = source.decode("utf-8-sig")
            except UnicodeDecodeError:
                raise InvalidArgument.of("csv", "must be UTF-8") from None
        fields = {"name": name or "upload", "csv": source, "target": target, "task": task}
        return read(Dataset, self._session.create("CreateDataset", fields, request_id))

    def create(self, name: str, *, generator: Spec, request_id: str | None = None) -> Dataset:
        """Makes points once and keeps them: `generator={"name": "two_moons", "noise": 0.1}`.

        The same `request_id` and the same generator give the data set that was made before. Raises
        `InvalidArgument` for what the generator cannot make.
        """
        fields = {"name": name, "generator": request(generator, "generator")}
        return read(Dataset, self._session.create("CreateDataset", fields, request_id))

    def delete(self, dataset_id: str) -> None:
        """Deletes a data set of your own. Raises `NotFound`; `Conflict` for a built-in one, and
        while a job has yet to train on it.
        """
        self._session.call("DeleteDataset", {"id": dataset_id})
