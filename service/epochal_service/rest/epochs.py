"""The epochs of a job in other formats than JSON: CSV, streamed, and arrays of NumPy."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat

from fastapi.responses import Response, StreamingResponse

from ..curves.epochs import Segment, merge
from ..jobs import lifecycle
from ..methods.context import Context
from ..methods.jobs import epoch_arrays
from ..specs.jobs import EpochRow, GetEpochColumnsRequest, ListEpochsRequest
from ..store import Database
from ..store import log as job_log
from ..store.packing import to_npz

CSV = "text/csv"
NPZ = "application/x-npz"
NAMES = tuple(EpochRow.model_fields)
# They take about 10 ms, during which the interpreter lock is held.
EPOCHS_AT_ONCE = 2000


def npz_response(context: Context, job_id: str, request: GetEpochColumnsRequest) -> Response:
    """The arrays `epoch` and one for each metric, `(n,)`, as an .npz file. Raises `NotFound`."""
    epochs, columns, _ = epoch_arrays(context, job_id, request)
    headers = {"Content-Disposition": f'attachment; filename="{job_id}-epochs.npz"'}
    return Response(to_npz({"epoch": epochs, **columns}), headers=headers, media_type=NPZ)


def csv_response(context: Context, job_id: str, request: ListEpochsRequest) -> StreamingResponse:
    """All epochs after `after_epoch` in one table. Raises `NotFound`."""
    last = lifecycle.get(context.database, job_id, context.access).epoch
    lines = csv_lines(context.database, job_id, request.after_epoch, last)
    return StreamingResponse(lines, media_type=CSV)


def csv_lines(
    database: Database, job_id: str, after: int, last: int, names: Sequence[str] = NAMES
) -> Iterator[str]:
    """The header, then the epochs after `after` and up to `last`, some at a time."""
    yield ",".join(names) + "\n"
    while after < last:
        with database.read() as connection:
            bodies = job_log.bodies(connection, job_id, after, min(after + EPOCHS_AT_ONCE, last))
        segment = merge((first, body) for first, _, body in bodies)
        if segment is None:  # the job has been deleted
            return
        yield _table(segment, after, last, names)
        after = int(segment.epochs[-1])


def _table(segment: Segment, after: int, last: int, names: Sequence[str]) -> str:
    """Return a line for each epoch of the segment after `after`, of numbers as in JSON."""
    part = slice(max(0, after + 1 - segment.first), max(0, last + 1 - segment.first))
    epochs = segment.epochs[part]
    columns: list[Iterable[str]] = [map(str, epochs.tolist())]
    for name in names[1:]:
        column = segment.columns.get(name)
        columns.append(repeat("") if column is None else texts(column[part].tolist()))
    return "".join([f"{','.join(row)}\n" for row in zip(*columns, strict=False)])


def texts(values: Sequence[float]) -> list[str]:
    """Return the numbers as texts: those of JSON, and NaN, Infinity and -Infinity."""
    return [repr(v) if math.isfinite(v) else json.dumps(v) for v in values]


FORMATS: dict[str, tuple[str, Callable[..., Response]]] = {
    "ListEpochs": (CSV, csv_response),
    "GetEpochColumns": (NPZ, npz_response),
}
"""The other media type of a method, and the function that replies in it."""
