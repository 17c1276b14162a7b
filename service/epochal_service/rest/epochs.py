"""The epochs of a job in other formats than JSON: CSV, streamed, and arrays of NumPy."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat

import numpy as np
from fastapi.responses import Response, StreamingResponse
from numpy.typing import NDArray

from ..curves.epochs import Segment, merge
from ..jobs import lifecycle
from ..methods.context import Context
from ..methods.jobs import epoch_arrays
from ..specs.jobs import EpochRow, GetEpochColumnsRequest, ListEpochsRequest
from ..store import Database
from ..store import log as job_log
from ..store.packing import to_npz
from .body import JSON

CSV = "text/csv"
NPZ = "application/x-npz"
NAMES = tuple(EpochRow.model_fields)
# They take about 10 ms, during which the interpreter lock is held.
EPOCHS_AT_ONCE = 2000


def prefers(media_type: str, accept: str) -> bool:
    """Whether the header ranks the media type above JSON; ranges such as `*/*` count for JSON.

    https://www.rfc-editor.org/rfc/rfc9110#name-accept
    """
    quality = {media_type: 0.0, JSON: 0.0}
    for part in accept.lower().split(","):
        media_range, _, parameters = part.partition(";")
        name = media_range.strip()
        name = JSON if name in ("*/*", "application/*") else name
        weight = re.search(r"\bq\s*=\s*([01](?:\.\d{0,3})?)", parameters)
        if name in quality:
            quality[name] = max(quality[name], float(weight[1]) if weight else 1.0)
    return quality[media_type] > quality[JSON]


def npz_response(context: Context, job_id: str, request: GetEpochColumnsRequest) -> Response:
    """The arrays `epoch` and one for each metric, `(n,)`, as an .npz file. Raises `NotFound`."""
    epochs, columns, _ = epoch_arrays(context, job_id, request)
    headers = {"Content-Disposition": f'attachment; filename="{job_id}-epochs.npz"'}
    return Response(to_npz({"epoch": epochs, **columns}), headers=headers, media_type=NPZ)


def csv_response(context: Context, job_id: str, request: ListEpochsRequest) -> StreamingResponse:
    """All epochs after `after_epoch` in one table. Raises `NotFound`."""
    last = lifecycle.get(context.database, job_id, context.access).epoch
    lines = _lines(context.database, job_id, request.after_epoch, last)
    return StreamingResponse(lines, media_type=CSV)


def _lines(database: Database, job_id: str, after: int, last: int) -> Iterator[str]:
    """The header, then the epochs after `after` and up to `last`, some at a time."""
    yield ",".join(NAMES) + "\n"
    while after < last:
        with database.read() as connection:
            bodies = job_log.bodies(connection, job_id, after, min(after + EPOCHS_AT_ONCE, last))
        segment = merge((first, body) for first, _, body in bodies)
        if segment is None:  # the job has been deleted
            return
        yield _table(segment, after)
        after = int(segment.epochs[-1])


def _table(segment: Segment, after: int) -> str:
    """Return a line for each epoch of the segment after `after`, of numbers as in JSON."""
    skip = max(0, after + 1 - segment.first)
    epochs = segment.epochs[skip:]
    columns: list[Iterable[str]] = [map(str, epochs.tolist())]
    for name in NAMES[1:]:
        column = segment.columns.get(name)
        columns.append(repeat("") if column is None else _texts(column[skip:]))
    return "".join([f"{','.join(row)}\n" for row in zip(*columns, strict=False)])


def _texts(values: NDArray[np.float64]) -> list[str]:
    texts = list(map(repr, values.tolist()))
    for index in np.flatnonzero(~np.isfinite(values)).tolist():
        texts[index] = json.dumps(float(values[index]))  # NaN, Infinity, -Infinity
    return texts


FORMATS: dict[str, tuple[str, Callable[..., Response]]] = {
    "ListEpochs": (CSV, csv_response),
    "GetEpochColumns": (NPZ, npz_response),
}
"""The other media type of a method, and the function that replies in it."""
