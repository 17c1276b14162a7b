"""Common parts of the replies of jobs and sweeps: a row's fields, its price, and a page of rows."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from ..admission.price import Price
from ..jobs import webhooks
from ..preparation import baselines
from ..preparation.prepared import Cost
from ..specs import filters
from ..specs.base import timestamp
from ..specs.filters import Column, Order, Tree
from ..specs.jobs import SelectedJobs, job_fields
from ..specs.sweeps import ListSweepsRequest
from ..store import Connection, jobs
from ..store.jobs import JobWithSpec
from .context import Context
from .pages import after, cut, ordered_token


def fields_of(row: JobWithSpec) -> dict[str, Any]:
    """Return the fields of a reply that the row of a job or a sweep has."""
    return {
        "id": row.id,
        "owner": row.owner,
        "state": row.state,
        "stop_reason": row.stop_reason,
        "detail": row.detail,
        "baselines": baselines.load(row.baselines),
        "epoch": row.epoch,
        "parameters": row.parameters,
        "samples": row.samples,
        "flops": row.flops,
        "webhooks": webhooks.load(row.webhooks),
        "attempt": row.attempt,
        "seq": row.last_seq,
        "created_at": timestamp(row.created_at),
        "started_at": timestamp(row.started_at),
        "finished_at": timestamp(row.finished_at),
        "expires_at": timestamp(row.expires_at),
    }


def estimate_of(context: Context, cost: Cost, price: Price) -> dict[str, Any]:
    """Return the fields of a validated job or sweep that say what it costs."""
    return {
        "parameters": cost.parameters,
        "samples": cost.samples,
        "flops": cost.flops,
        "seconds": context.estimator.seconds(price.work),
        "memory_bytes": price.memory_bytes,
        "stored_bytes": price.stored_bytes,
    }


def parsed_label(text: str | None) -> tuple[str, str | None] | None:
    """Return the key and the value of `key=value`, or of `key` alone; None without a text."""
    key, equals, value = (text or "").partition("=")
    return (key, value if equals else None) if text else None


def page_of(
    connection: Connection,
    context: Context,
    request: SelectedJobs | ListSweepsRequest,
    kind: str,
    size: int,
    text: str | None = None,
    *,
    filter: Tree | None = None,
    orders: Sequence[Order] = (),
    basic: bool = False,
) -> tuple[list[JobWithSpec], str | None]:
    """Return a page of jobs or sweeps, by default newest first, and the token of the next page."""
    selected = _selected(context, request, kind, size, orders, text=text, filter=filter)
    with closing(jobs.page(connection, basic=basic, **selected)) as rows:
        page, token = cut(rows, size, lambda row: len(row.spec))
    return page, _token(connection, orders, token)


def columns_of(
    connection: Connection,
    context: Context,
    request: SelectedJobs,
    size: int,
    fields: Sequence[Column],
) -> tuple[list[Any], str | None]:
    """Return the ids of a page of jobs with the values of the fields, and the next page's token.

    Raises `InvalidArgument` for a filter or an order that cannot be read.
    """
    tree = filters.parse(request.filter or "", job_fields())
    orders = filters.parse_order(request.order_by or "", job_fields())
    selected = _selected(context, request, "job", size, orders, text=request.query, filter=tree)
    page, token = cut(jobs.columns(connection, fields=fields, **selected), size)
    return page, _token(connection, orders, token)


def _selected(
    context: Context,
    request: SelectedJobs | ListSweepsRequest,
    kind: str,
    size: int,
    orders: Sequence[Order],
    **conditions: Any,
) -> dict[str, Any]:
    """Return the arguments of `jobs.select` for a page, with one more row than it has."""
    values, before = after(request.page_token, orders, kind)
    return {
        "owners": tuple(name for name in context.access.owners if request.owner in (None, name)),
        "size": size + 1,
        "before": before,
        "only": context.access,
        "states": request.states,
        "label": parsed_label(request.label),
        "kind": kind,
        "orders": orders,
        "after": values,
        **conditions,
    }


def _token(connection: Connection, orders: Sequence[Order], last: str | None) -> str | None:
    """Return the token of the page after the job with the id `last`."""
    if last is None or not orders:
        return last
    return ordered_token(orders, jobs.sort_values(connection, last, orders), last)
