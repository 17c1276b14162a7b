"""The name and the labels of a job, which may change in any state of it.

They are fields of its spec, rows of `job_labels` that lists filter by, and lines of the text that a
search reads. A worker writes none of these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import from_json, to_json

from ..errors import FieldError, InvalidArgument
from ..specs.base import MAX_LABELS
from ..store import Access, Database, jobs
from ..store.jobs import JobWithSpec
from . import lifecycle


def update(
    database: Database,
    job_id: str,
    access: Access,
    *,
    name: str | None,
    labels: Mapping[str, str],
    remove_labels: Sequence[str],
) -> JobWithSpec:
    """Change the name (unless None; an empty text removes it) and the labels; return the row.

    Raises `NotFound`, `Forbidden`; `InvalidArgument` if a label is both set and removed, or there
    would be too many.
    """
    if both := [key for key in remove_labels if key in labels]:
        raise InvalidArgument.of(FieldError("remove_labels", f"must not have {both[0]}, a label"))
    while True:
        row = lifecycle.get(database, job_id, access)
        access.require_owner(row.owner)
        # A spec may hold megabytes of data: parse it outside of the transaction.
        former = from_json(row.spec)
        spec = _changed(former, name, labels, remove_labels)
        terms = _replaced(row.search_text.split("\n"), _terms(former), _terms(spec))
        text = to_json(spec).decode()
        with database.write() as connection:
            if jobs.rewrite(
                connection,
                row,
                spec=text,
                labels=spec["labels"],
                search_text=lifecycle.search_text(*terms),
            ):
                return lifecycle.find(connection, job_id, access)
        # Another request changed the spec in the meantime.


def _changed(
    spec: Mapping[str, Any],
    name: str | None,
    labels: Mapping[str, str],
    remove_labels: Sequence[str],
) -> dict[str, Any]:
    remaining = {k: v for k, v in spec.get("labels", {}).items() if k not in remove_labels}
    merged = {**remaining, **labels}
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
