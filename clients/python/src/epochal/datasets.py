"""Data sets: built-in, generated, and uploaded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, BinaryIO, Literal, TypedDict, overload

from .errors import Conflict, InvalidArgument
from .files import Source, is_text, opened
from .paging import whole_pages
from .records import read, request
from .session import Part
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
    Suggestion,
    TextRows,
    Thumbnail,
    UnknownPolicy,
    Upload,
)

PIECE_BYTES = 4 * 2**20


class ColumnChoice(TypedDict, total=False):
    """The content of a CSV column, where it should not be inferred from the cells."""

    kind: ColumnKind
    """Kind of the column. `ignore`, `group` and `weight` columns are not inputs."""
    missing: MissingPolicy
    """Handling of missing values: an error, or a fill value computed from the column."""
    unknown: UnknownPolicy
    """Handling of unknown categories in a prediction: an error, or it counts as other."""
    parts: Sequence[DatePart]
    """Parts of a date that become features. Defaults to the parts that vary."""
    day_first: bool
    """Whether the date 3/4/2021 is 3 April."""


class Datasets(Part):
    """`client.datasets`."""

    @overload
    def list(
        self,
        *,
        limit: int | None = None,
        page_size: int | None = None,
        thumbnails: Literal[False] = False,
    ) -> Iterator[Dataset]: ...
    @overload
    def list(
        self, *, limit: int | None = None, page_size: int | None = None, thumbnails: Literal[True]
    ) -> Iterator[tuple[Dataset, Thumbnail | None]]: ...
    def list(
        self, *, limit: int | None = None, page_size: int | None = None, thumbnails: bool = False
    ) -> Iterator[Dataset] | Iterator[tuple[Dataset, Thumbnail | None]]:
        """Yield the built-in data sets, then the uploaded ones, newest first, page by page, or the
        first `limit` of them.

        With `thumbnails`, yield each with its thumbnail, a few rounded rows; None if uploaded.

        >>> dataset, thumbnail = next(client.datasets.list(thumbnails=True))
        >>> thumbnail.dataset == dataset.id
        True
        """
        rows = islice(self._listed({"page_size": page_size, "thumbnails": thumbnails}), limit)
        return rows if thumbnails else (dataset for dataset, _ in rows)

    def _listed(self, fields: dict[str, Any]) -> Iterator[tuple[Dataset, Thumbnail | None]]:
        for page in whole_pages(self._session, "ListDatasets", fields):
            drawn = {row["dataset"]: read(Thumbnail, row) for row in page.get("thumbnails") or ()}
            for row in page.get("datasets") or ():
                yield read(Dataset, row), drawn.get(row["id"])

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

        The other arguments are for generators; `get(…).parameters` lists the arguments of a data
        set with their bounds. Raises `NotFound`, and `InvalidArgument` for other arguments.

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

    def upload(
        self,
        source: Source,
        *,
        name: str | None = None,
        target: str | None = None,
        task: Literal["auto", "classification", "regression"] = "auto",
        columns: Mapping[str, ColumnKind | ColumnChoice] | None = None,
        missing: Gaps = "error",
        image_size: tuple[int, int] | None = None,
        color: Literal["grayscale", "rgb"] | None = None,
        text: TextRows | None = None,
        length: int | None = None,
        merges: int = 0,
        vocabulary: str | None = None,
        on_progress: Callable[[int, int], object] | None = None,
        request_id: str | None = None,
    ) -> Dataset:
        """Store a file, a data frame or arrays as a data set.

        `source` is

        - a path: a CSV with a header row, separated by commas, semicolons or tabs; a zip archive of
          PNG and JPEG pictures in one folder per class; an .npz archive of `numpy.savez` with the
          arrays `inputs` and `targets`; JSON Lines of prompts and answers; a text (.txt); or
          Parquet, which needs `pip install 'epochal[parquet]'`;
        - the text of a CSV (a str with a line break), or the bytes of any of these files;
        - a data frame of pandas or polars;
        - arrays: `(inputs, targets)`, or a dict of them with `weights` of the rows,
          `feature_names` and `class_names`.

        `name` is the name of the file by default. `target` is the column of a table to predict, by
        default the last one.

        The kinds of the other columns follow from their cells. `columns` changes some of them:
        `{"zip": "category", "sold": {"kind": "date", "day_first": True}}`. A missing value is an
        error; `missing="auto"` fills it, and drops rows without a target. The result has the
        `columns`, with the filled values, and `warnings` about them. Pictures are resized to
        `image_size` `(height, width)`.

        A text becomes rows of `length` tokens, with the next tokens as targets: `text` says
        whether they are `windows` of it, its `lines`, `pairs` of a prompt and its answer, or
        `preferences`, a chosen and a rejected answer to a prompt. The tokens are characters, and
        the `merges` most frequent pairs of them; or the tokens of the data set `vocabulary`, an id
        or the name of a built-in one, for networks that were trained on it.

        The file is sent in pieces; `on_progress(sent, total)` is called after each. If the program
        or the connection breaks, the same call continues with the first piece that is missing. The
        service stores one data set for each `request_id`; a random one is used by default.

        Raises `InvalidArgument`, with fields that are lines, columns or members of the file;
        `TooLarge` above 100 MB; and `OSError` if the file cannot be read.

        >>> client.datasets.upload("a,b,kind\\n1,2,cat\\n3,4,dog\\n").class_names
        ('cat', 'dog')
        """
        with opened(source) as (stem, file):
            fields = {
                "name": name or stem,
                "target": target,
                "task": task,
                "missing": missing,
                "columns": [
                    {"name": column, **({"kind": choice} if isinstance(choice, str) else choice)}
                    for column, choice in (columns or {}).items()
                ],
                "image_size": None if image_size is None else list(image_size),
                "color": color,
                "text": text or ("windows" if is_text(source) else None),
                "length": length,
                "merges": merges,
                "vocabulary": vocabulary,
            }
            fields["upload"] = self._send(file, on_progress)
            try:
                reply = self._session.create("CreateDataset", fields, request_id)
            except InvalidArgument as error:
                if [field for field, _ in error.errors] != ["upload"]:
                    raise
                # The upload is damaged, or another process made a data set of the same file.
                self._session.call("DeleteUpload", {"id": fields["upload"]})
                fields["upload"] = self._send(file, on_progress)
                reply = self._session.create("CreateDataset", fields, request_id)
        return read(Dataset, reply)

    def _send(self, file: BinaryIO, on_progress: Callable[[int, int], object] | None) -> str:
        """Send a file in pieces and return the id of its upload.

        The service finds the upload of an earlier attempt by the digest of the file.
        """
        file.seek(0)
        digest = _digest(file)
        if not file.tell():
            raise InvalidArgument.of("source", "must not be empty")
        spec = {"size_bytes": file.tell(), "sha256": digest}
        upload = read(Upload, self._session.create("CreateUpload", spec, None))
        while upload.offset < upload.size_bytes:
            file.seek(upload.offset)
            piece = {"id": upload.id, "offset": upload.offset, "data": file.read(PIECE_BYTES)}
            try:
                reply = self._session.call("AppendUpload", piece)
            except Conflict as conflict:
                if conflict.reason != "wrong_offset":
                    raise
                # Another process sends the same file.
                reply = self._session.call("GetUpload", {"id": upload.id})
            upload = read(Upload, reply)
            if on_progress is not None:
                on_progress(upload.offset, upload.size_bytes)
        return upload.id

    def create(
        self, name: str, *, generator: GeneratorSpec | Spec, request_id: str | None = None
    ) -> Dataset:
        """Store the points of a generator: `generator={"name": "two_moons", "noise": 0.1}`.

        The service stores one data set for each `request_id`; a random one is used by default.
        Raises `InvalidArgument` for arguments that the generator does not have.
        """
        fields = {"name": name, "generator": request(generator, "generator")}
        return read(Dataset, self._session.create("CreateDataset", fields, request_id))

    def suggest(self, dataset: DatasetName | str | Dataset, **generator: float | str) -> Suggestion:
        """Suggest a job for a data set: a complete `spec`, and `reasons`, one for each choice.

        `client.jobs.create(suggestion.spec)` trains it. The other arguments are for generators:
        `get(…).parameters` lists the arguments of a data set. Raises `NotFound`, and
        `InvalidArgument` for other arguments.

        >>> suggestion = client.datasets.suggest("iris")
        >>> suggestion.spec["loss"]
        'cross_entropy'
        >>> print(suggestion.reasons[1].reason)
        The target species is one of 3 classes: one output for each, a probability.
        """
        dataset_id = dataset.id if isinstance(dataset, Dataset) else dataset
        return read(Suggestion, self._session.call("SuggestJob", {"id": dataset_id, **generator}))

    def delete(self, dataset_id: str) -> None:
        """Delete an uploaded data set. Raises `NotFound`, and `Conflict` for a built-in one or
        while a job is waiting to train on it.
        """
        self._session.call("DeleteDataset", {"id": dataset_id})


def _digest(file: BinaryIO) -> str:
    """Return the SHA-256 of a file, and leave its position at the end."""
    digest = hashlib.sha256()
    while chunk := file.read(2**20):
        digest.update(chunk)
    return digest.hexdigest()
