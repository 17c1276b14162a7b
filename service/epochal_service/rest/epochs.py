"""The epochs of a job as CSV: one row for each epoch, streamed page by page."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator

from fastapi.responses import StreamingResponse

from ..methods import jobs
from ..methods.context import Context
from ..specs.base import MAX_PAGE_SIZE
from ..specs.jobs import EpochPage, EpochRow, ListEpochsRequest
from .body import JSON

CSV = "text/csv"


def prefers_csv(accept: str) -> bool:
    """Whether the header ranks `text/csv` above JSON; ranges such as `*/*` count for JSON.

    https://www.rfc-editor.org/rfc/rfc9110#name-accept
    """
    quality = {CSV: 0.0, JSON: 0.0}
    for part in accept.lower().split(","):
        media_range, _, parameters = part.partition(";")
        name = media_range.strip()
        name = JSON if name in ("*/*", "application/*") else name
        weight = re.search(r"\bq\s*=\s*([01](?:\.\d{0,3})?)", parameters)
        if name in quality:
            quality[name] = max(quality[name], float(weight[1]) if weight else 1.0)
    return quality[CSV] > quality[JSON]


def csv_response(context: Context, job_id: str, request: ListEpochsRequest) -> StreamingResponse:
    """All epochs after `after_epoch` in one table. Raises `NotFound`."""
    first = jobs.list_epochs(
        context, job_id, request.model_copy(update={"page_size": MAX_PAGE_SIZE})
    )
    return StreamingResponse(_rows(context, job_id, first), media_type=CSV)


def _rows(context: Context, job_id: str, page: EpochPage) -> Iterator[str]:
    """A header row, then the rows of this page and of all that follow it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(EpochRow.model_fields), lineterminator="\n")
    writer.writeheader()
    while True:
        # By way of JSON, so that both forms write NaN, Infinity and -Infinity alike.
        writer.writerows(json.loads(row.model_dump_json()) for row in page.epochs)
        yield text.getvalue()
        text.seek(0)
        text.truncate()
        if page.next_after_epoch is None:
            return
        following = ListEpochsRequest(after_epoch=page.next_after_epoch, page_size=MAX_PAGE_SIZE)
        page = jobs.list_epochs(context, job_id, following)
