"""The deliveries of the webhooks of a job or sweep."""

from __future__ import annotations

import json

from ..jobs import lifecycle
from ..jobs.lifecycle import Kind
from ..specs.base import timestamp
from ..specs.webhooks import Delivery, DeliveryAttempt, DeliveryPage
from ..store import deliveries
from ..store.deliveries import DeliveryRow
from .context import Context


def list_deliveries(context: Context, id: str) -> DeliveryPage:
    """List what the webhooks of a job have sent, and the attempts. Empty before the job ends.

    Raises `NotFound`.
    """
    return _list(context, id, "job")


def list_sweep_deliveries(context: Context, id: str) -> DeliveryPage:
    """List what the webhooks of a sweep have sent, and the attempts. Empty before the sweep ends.

    Raises `NotFound`.
    """
    return _list(context, id, "sweep")


def _list(context: Context, id: str, kind: Kind) -> DeliveryPage:
    with context.database.read() as connection:
        job = lifecycle.find(connection, id, context.access, kind)
        rows = deliveries.of_job(connection, id)
    urls = [webhook["url"] for webhook in json.loads(job.webhooks or "[]")]
    return DeliveryPage(deliveries=[_delivery(row, urls[row.position]) for row in rows])


def _delivery(row: DeliveryRow, url: str) -> Delivery:
    attempts = [
        DeliveryAttempt(**attempt | {"attempted_at": timestamp(attempt["attempted_at"])})
        for attempt in json.loads(row.log)
    ]
    return Delivery(
        id=row.id,
        url=url,
        event=row.event,
        state=row.state,
        attempts=attempts,
        created_at=timestamp(row.created_at),
        next_attempt_at=timestamp(row.due_at),
    )
