"""The name and the labels of a job or sweep, which may change in any state of it.

They are fields of its spec (of a sweep: of the spec of its job), rows of `job_labels` that lists
filter by, and lines of the text that a search reads. A worker writes none of these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import from_json, to_json

from ..errors import FieldError, InvalidArgument
from ..specs.base import MAX_LABELS
from ..specs.jobs import UpdateJobRequest
from ..store import Access, Database, jobs
from ..store.jobs import JobWithSpec
from . import lifecycle
from .lifecycle import Kind


def update(
    database: Database,
    job_id: str,
    access: Access,
    request: UpdateJobRequest,
    kind: Kind,
) -> JobWithSpec:
    """Change the name (unless None; an empty text removes it) and the labels; return the row.

    Raises `NotFound`, `Forbidden`; `InvalidArgument` if a label is both set and removed, or there
    would be too many.
    """
    check(request)
    while True:
        row = lifecycle.get(database, job_id, access, kind)
        access.require_owner(row.owner)
        # A spec may hold megabytes of data: parse it outside of the transaction.
        whole = from_json(row.spec)
        former = whole["job"] if kind == "sweep" else whole
        spec = _changed(former, request)
        terms = _replaced(row.search_text.split("\n"), _terms(former), _terms(spec))
        text = to_json({**whole, "job": spec} if kind == "sweep" else spec).decode()
        with database.write() as connection:
            if jobs.rewrite(
                connection,
                row,
                spec=text,
                labels=spec["labels"],
                search_text=lifecycle.search_text(*terms),
            ):
                return lifecycle.find(connection, job_id, access, kind)
        # Another request changed the spec in the meantime.


def check(request: UpdateJobRequest) -> None:
    """Raise `InvalidArgument` if a label is both set and removed."""
    if both := [key for key in request.remove_labels if key in request.labels]:
        raise InvalidArgument.of(FieldError("remove_labels", f"must not have {both[0]}, a label"))


def _changed(spec: Mapping[str, Any], request: UpdateJobRequest) -> dict[str, Any]:
    former, name = spec.get("labels", {}), request.name
    remaining = {k: v for k, v in former.items() if k not in request.remove_labels}
    merged = {**remaining, **request.labels}
    if len(merged) > MAX_LABELS:
        raise InvalidArgument.of(FieldError("labels", f"may be at most {MAX_LABELS} in all"))
    return {**spec, "name": spec.get("name") if name is None else name or None, "labels": merged}


def _terms(spec: Mapping[str, Any]) -> list[str]:
    """Return the lines of the search text that are the name and the labels of a spec."""
    labels = map("=".join, spec.get("labels", {}).items())
    return lifecycle.search_text(spec.get("name") or "", *labels).split("\n")


def _replaced(lines: Sequence[str], former: Sequence[str], new: Sequence[str]) -> list[str]:
    """Return the lines without the last occurrence of each former one, and the new ones."""
    rest = [*reversed(lines)]
    for line in former:
        if line in rest:
            rest.remove(line)
    return [*reversed(rest), *new]
