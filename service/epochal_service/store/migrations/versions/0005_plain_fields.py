"""Rename fields in stored JSON: of augmentations, and of divergences."""

import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

AUGMENTATION_FIELDS = {"reach": "max_shift", "deviation": "standard_deviation"}
DIVERGENCE_FIELDS = {"what": "symptom"}


def upgrade() -> None:
    _rewrite("job_specs", "job_id", "spec", '"augmentation":[{', _spec)
    _rewrite("jobs", "id", "divergence", '"what":', _divergence)
    # The progress of the members of a sweep.
    _rewrite("jobs", "id", "latest", '"what":', _progress)


def _rewrite(table: str, key: str, column: str, text: str, change: Callable[[Any], Any]) -> None:
    """Change the JSON in a column of the rows that contain the text, one row at a time."""
    rows = sa.table(table, sa.column(key), sa.column(column))
    id_, value = rows.c[key], rows.c[column]
    connection = op.get_bind()
    matching = sa.select(id_).where(value.contains(text, autoescape=True))
    for row_id in connection.execute(matching).scalars().all():
        old = connection.execute(sa.select(value).where(id_ == row_id)).scalar_one()
        new = json.dumps(change(json.loads(old)), separators=(",", ":"), ensure_ascii=False)
        connection.execute(sa.update(rows).where(id_ == row_id).values({column: new}))


def _renamed(fields: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in fields.items()}


def _spec(spec: dict[str, Any]) -> dict[str, Any]:
    if "job" in spec:  # of a sweep
        return {**spec, "job": _spec(spec["job"])}
    changed = [_renamed(change, AUGMENTATION_FIELDS) for change in spec["augmentation"]]
    return {**spec, "augmentation": changed}


def _divergence(divergence: dict[str, Any]) -> dict[str, Any]:
    return _renamed(divergence, DIVERGENCE_FIELDS)


def _progress(members: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**member, "divergence": _divergence(member["divergence"])}
        if member.get("divergence")
        else member
        for member in members
    ]
