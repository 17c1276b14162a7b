"""Data sets: built-in, generated, and uploaded."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypedDict

from .errors import InvalidArgument
from .paging import pages
from .records import read, request
from .session import Session
from .specs import Spec
from .types import (
    ColumnKind,
    Dataset,
    DatasetName,
    DatasetPreview,
    DatePart,
    Gaps,
    GeneratorSpec,
    MissingPolicy,
    UnknownPolicy,
)


class ColumnChoice(TypedDict, total=False):
    """What a column of a CSV holds, where it should not follow from the cells."""

    kind: ColumnKind
    """Kind of the column. `ignore`, `group` and `weight` columns are not inputs."""
    missing: MissingPolicy
    """What happens to a missing value: an error, or a fill value computed from the column."""
    unknown: UnknownPolicy
    """What happens to an unknown category in a prediction: an error, or it counts as other."""
    parts: Sequence[DatePart]
    """Parts of a date that become features. Defaults to those that vary."""
    day_first: bool
    """Whether the date 3/4/2021 is 3 April."""


class Datasets:
    """`client.datasets`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list(self, *, page_size: int | None = None) -> Iterator[Dataset]:
        """Yield the built-in data sets, then the uploaded ones, newest first, page by page."""
        for row in pages(self._session, "ListDatasets", "datasets", {"page_size": page_size}):
            yield read(Dataset, row)

    def get(self, dataset_id: DatasetName | str) -> Dataset:
        """Return the data set with this id; the id of a built-in one is its name.

        Raises `NotFound`.
        """
        return read(Dataset, self._session.call("GetDataset", {"id": dataset_id}))

    def preview(
        self,
        dataset: DatasetName | str | Dataset,
        *,
        rows: int | None = None,
        samples: int | None = None,
        noise: float | None = None,
        classes: int | None = None,
        features: int | None = None,
        length: int | None = None,
        seed: int | None = None,
    ) -> DatasetPreview:
        """Return the first `rows` rows of a data set or of its id, 10 by default.

        The other arguments are for generators; `get(…).parameters` lists those of a data set with
        their bounds. Raises `NotFound`, and `InvalidArgument` for other arguments.

        >>> client.datasets.preview("xor", rows=4).inputs.tolist()
        [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
        """
        dataset_id = dataset.id if isinstance(dataset, Dataset) else dataset
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
        columns: Mapping[str, ColumnKind | ColumnChoice] | None = None,
        missing: Gaps = "error",
        request_id: str | None = None,
    ) -> Dataset:
        """Store a CSV with a header row as a data set: a path, or the text as str or UTF-8 bytes.

        A str with a line break is text; any other str is a path. `target` is the column to
        predict, by default the last one; `name` is the name of the file by default.

        The kinds of the other columns follow from their cells. `columns` changes some of them:
        `{"zip": "category", "sold": {"kind": "date", "day_first": True}}`. A missing value is an
        error; `missing="auto"` fills it, and drops rows without a target. The result has the
        `columns`, with what was filled, and `warnings` about them.

        The service stores one data set for each `request_id`; a random one is used by default.
        Raises `InvalidArgument` for an invalid CSV, `TooLarge`, and `OSError` if the file cannot be
        read.
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
        fields = {
            "name": name or "upload",
            "csv": source,
            "target": target,
            "task": task,
            "missing": missing,
            "columns": [
                {"name": column, **({"kind": choice} if isinstance(choice, str) else choice)}
                for column, choice in (columns or {}).items()
            ],
        }
        return read(Dataset, self._session.create("CreateDataset", fields, request_id))

    def create(
        self, name: str, *, generator: GeneratorSpec | Spec, request_id: str | None = None
    ) -> Dataset:
        """Store the points of a generator: `generator={"name": "two_moons", "noise": 0.1}`.

        The service stores one data set for each `request_id`; a random one is used by default.
        Raises `InvalidArgument` for arguments that the generator does not have.
        """
        fields = {"name": name, "generator": request(generator, "generator")}
        return read(Dataset, self._session.create("CreateDataset", fields, request_id))

    def delete(self, dataset_id: str) -> None:
        """Delete an uploaded data set. Raises `NotFound`, and `Conflict` for a built-in one or
        while a job is waiting to train on it.
        """
        self._session.call("DeleteDataset", {"id": dataset_id})
