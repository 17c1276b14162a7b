"""Filters and orders of lists of jobs as conditions and expressions of SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement

from ..specs.filters import Comparison, Every, Not, Order, Search, Some, Tree
from .tables import job_labels, job_specs, jobs

Condition = sa.ColumnElement[bool]

SETTINGS = sa.func.coalesce(job_specs.c.settings, job_specs.c.spec)
"""The spec of a job without the rows of inline data sets."""


class json_text(FunctionElement[str]):
    """The text at a path of a JSON document; NULL for null, and where there is nothing."""

    inherit_cache = True
    type = sa.Text()


class json_number(FunctionElement[float]):
    """The number at a path of a JSON document. "Infinity" is a number, and "NaN" is NULL."""

    inherit_cache = True
    type = sa.Float()


class json_boolean(FunctionElement[bool]):
    """The truth value at a path of a JSON document."""

    inherit_cache = True
    type = sa.Boolean()


@compiles(json_text, "sqlite")
@compiles(json_boolean, "sqlite")
def _sqlite_value(element: Any, compiler: Any, **kwargs: Any) -> str:
    return f"json_extract({compiler.process(element.clauses, **kwargs)})"


@compiles(json_number, "sqlite")
def _sqlite_number(element: Any, compiler: Any, **kwargs: Any) -> str:
    value = f"json_extract({compiler.process(element.clauses, **kwargs)})"
    infinite = f"CASE {value} WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 END"
    return f"CASE typeof({value}) WHEN 'text' THEN {infinite} ELSE {value} END"


def _postgresql_value(element: Any, compiler: Any, **kwargs: Any) -> str:
    document, path = (compiler.process(clause, **kwargs) for clause in element.clauses)
    # `json` reads a text once; `jsonb` would build the whole document, in twice the time.
    return f"(({document})::json #> string_to_array(ltrim({path}, '$.'), '.'))"


@compiles(json_text, "postgresql")
def _postgresql_text(element: Any, compiler: Any, **kwargs: Any) -> str:
    return f"({_postgresql_value(element, compiler, **kwargs)} #>> '{{}}')"


@compiles(json_boolean, "postgresql")
def _postgresql_boolean(element: Any, compiler: Any, **kwargs: Any) -> str:
    return f"({_postgresql_text(element, compiler, **kwargs)})::boolean"


@compiles(json_number, "postgresql")
def _postgresql_number(element: Any, compiler: Any, **kwargs: Any) -> str:
    value = _postgresql_value(element, compiler, **kwargs)
    text, infinite = "v #>> '{}'", "'Infinity', '-Infinity'"
    is_number = f"json_typeof(v) = 'number' OR {text} IN ({infinite})"
    number = f"CASE WHEN {is_number} THEN ({text})::float8 END"
    # OFFSET 0 lets the document be read once.
    return f"(SELECT {number} FROM (SELECT {value} AS v OFFSET 0) AS document)"


_COLUMNS: dict[tuple[str, ...], sa.ColumnElement[Any]] = {
    **{(name,): jobs.c[name] for name in ("id", "owner", "state", "stop_reason", "detail")},
    **{(name,): jobs.c[name] for name in ("epoch", "parameters", "samples", "flops", "attempt")},
    **{(f"{name}_at",): jobs.c[f"{name}_at"] for name in ("created", "started", "finished")},
    ("expires_at",): jobs.c.expires_at,
    ("seconds",): jobs.c.finished_at - jobs.c.started_at,
    ("seq",): jobs.c.last_seq,
    ("experiment",): jobs.c.experiment_id,
    ("experiment", "id"): jobs.c.experiment_id,
    ("experiment", "job"): jobs.c.experiment_job,
    ("experiment", "seed"): jobs.c.experiment_seed,
}
_DOCUMENTS = {name: jobs.c[name] for name in ("divergence", "baselines", "latest", "best")}
_FUNCTIONS: dict[str, type[FunctionElement[Any]]] = {
    "number": json_number,
    "boolean": json_boolean,
}


def condition(tree: Tree) -> Condition:
    """Return the condition of a filter on the table `jobs`."""
    match tree:
        case Search(text):
            return jobs.c.search_text.contains(text.casefold(), autoescape=True)
        case Every(parts):
            return sa.and_(*map(condition, parts))
        case Some(parts):
            return sa.or_(*map(condition, parts))
        case Not(part):
            # NULL is not true.
            return sa.not_(sa.func.coalesce(condition(part), sa.false()))
        case Comparison(("labels" | "spec", "labels", key) | ("labels", key)):
            return _has_label(job_labels.c.key == key, *_compared(job_labels.c.value, tree))
        case Comparison(("labels",) | ("spec", "labels")):
            return _has_label()
    return sa.and_(*_compared(expression(tree.path, tree.kind), tree, presence=True))


def _has_label(*conditions: Condition) -> Condition:
    return sa.exists().where(job_labels.c.job_id == jobs.c.id, *conditions)


def _compared(
    value: sa.ColumnElement[Any], comparison: Comparison, *, presence: bool = False
) -> list[Condition]:
    other: Any = comparison.value
    match comparison.operator:
        case "has":
            return [value.is_not(None)] if presence else []
        case "=" if comparison.starts and comparison.ends:
            return [value.icontains(other, autoescape=True)]
        case "=" if comparison.starts:
            return [value.istartswith(other, autoescape=True)]
        case "=" if comparison.ends:
            return [value.iendswith(other, autoescape=True)]
        case operator:
            return [value.op(operator, is_comparison=True)(_literal(other))]


def _literal(value: Any) -> sa.ColumnElement[Any]:
    """Return a value as SQL in its own type: that of a column may be a narrower one."""
    return sa.literal(value, sa.Float() if isinstance(value, float) else None)


def expression(path: tuple[str, ...], kind: str) -> sa.ColumnElement[Any]:
    """Return the value of a field of a job; NULL where the job has none."""
    match path:
        case _ if path in _COLUMNS:
            return _COLUMNS[path]
        case ("labels", key) | ("spec", "labels", key):
            of_job = job_labels.c.job_id == jobs.c.id, job_labels.c.key == key
            return sa.select(job_labels.c.value).where(*of_job).scalar_subquery()
        case ("best", "train_loss" | "validation_loss" as metric):
            is_metric = json_text(jobs.c.best, sa.literal("$.metric")) == metric
            return sa.case((is_metric, json_number(jobs.c.best, sa.literal("$.value"))))
        case ("name",):
            path = ("spec", "name")
    function: Any = _FUNCTIONS.get(kind, json_text)
    place = sa.literal(".".join(("$", *path[1:])))
    value: sa.ColumnElement[Any] = function(_DOCUMENTS.get(path[0], SETTINGS), place)
    if path[0] == "spec":
        return sa.select(value).where(job_specs.c.job_id == jobs.c.id).scalar_subquery()
    return value


def sort_keys(orders: Sequence[Order]) -> list[sa.ColumnElement[Any]]:
    """Return the values to sort by."""
    return [expression(order.path, order.kind) for order in orders]


def sorted_by(
    orders: Sequence[Order], keys: Sequence[sa.ColumnElement[Any]], job_id: sa.ColumnElement[str]
) -> list[sa.ColumnElement[Any]]:
    """Return the clauses of ORDER BY: jobs without a value come last, newer ones first."""
    pairs = zip(orders, keys, strict=True)
    sides = [key.desc() if order.descending else key.asc() for order, key in pairs]
    return [*(side.nulls_last() for side in sides), job_id.desc()]


def after(
    orders: Sequence[Order],
    keys: Sequence[sa.ColumnElement[Any]],
    values: Sequence[Any],
    job_id: str,
) -> Condition:
    """Return the condition for the jobs that follow the one with these values and this id."""
    same: list[Condition] = []
    choices: list[Condition] = []
    for order, key, value in zip(orders, keys, values, strict=True):
        if value is not None:
            further = key.op("<" if order.descending else ">", is_comparison=True)(_literal(value))
            choices.append(sa.and_(*same, sa.or_(further, key.is_(None))))
        is_same = key.op("=", is_comparison=True)(_literal(value))
        same.append(key.is_(None) if value is None else is_same)
    return sa.or_(*choices, sa.and_(*same, jobs.c.id < job_id))
