"""Webhooks: the end of a job is sent to the receivers that its creator named, at least once.

    end of a job ──┬── its transaction inserts the deliveries
                   └── claim ──> POST ──> result ──┬── delivered
                         ^                         ├── failed: not allowed, gone, or too often
                         └───── after a pause ─────┘

Every API process claims due deliveries; if it is killed, its deliveries are due again. Signatures
follow Standard Webhooks, https://www.standardwebhooks.com.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

import structlog
from pydantic_core import from_json, to_json

from ..errors import EpochalError, FieldError, InvalidArgument
from ..specs.base import timestamp
from ..specs.webhooks import Webhook, WebhookSpec, secret_key
from ..store import Database, deliveries
from ..store.deliveries import PENDING, DeliveryRow, EndedJob
from .lifecycle import kind_of
from .receivers import Answer, DeliveryFailed, Receivers

logger = structlog.get_logger(__name__)

MAX_ATTEMPTS = 8
PAUSE_FACTOR = 5.0
MAX_PAUSE_SECONDS = 86_400.0
JITTER = 0.2
SLOTS = 16  # attempts at the same time, in each process
# How much longer than an attempt its claim lasts.
CLAIM_MARGIN_SECONDS = 5.0
GONE = 410

Outcome = Literal["delivered", "retried", "failed", "refused"]
"""The outcome of an attempt at a delivery; refused: the service may not send to the receiver."""
STATES: Mapping[Outcome, str] = {
    "delivered": "delivered",
    "retried": PENDING,
    "failed": "failed",
    "refused": "failed",
}


def check(webhooks: Sequence[WebhookSpec], receivers: Receivers) -> None:
    """Raise `InvalidArgument` for webhooks that cannot be allowed; names are not resolved."""
    errors = []
    for index, webhook in enumerate(webhooks):
        try:
            receivers.check(webhook.url)
        except DeliveryFailed as error:
            errors.append(FieldError(f"webhooks[{index}].url", str(error)))
    if errors:
        raise InvalidArgument.of(*errors)


def dump(webhooks: Sequence[WebhookSpec]) -> str | None:
    """Return the webhooks with their secrets, for the column `webhooks`."""
    return json.dumps([webhook.model_dump() for webhook in webhooks]) if webhooks else None


def load(text: str | None) -> list[Webhook]:
    """Return the webhooks of the column without their secrets."""
    return [
        Webhook(url=stored["url"], on=stored["on"], is_signed=stored["secret"] is not None)
        for stored in json.loads(text or "[]")
    ]


def payload(job: EndedJob) -> bytes:
    """Return the JSON that describes how a job or sweep ended, without its spec, which may be
    large, and without the members of a sweep.
    """
    row, kind = job.row, kind_of(job.row.id)
    numbers: dict[str, Any] = {}
    if kind == "job":
        for field in ("latest", "best"):
            stored = getattr(row, field)
            numbers[field] = None if stored is None else from_json(stored)
    finished_at = timestamp(row.finished_at)
    data = {
        "id": row.id,
        "name": job.name,
        "labels": job.labels,
        "state": row.state,
        "stop_reason": row.stop_reason,
        "detail": row.detail,
        "epoch": row.epoch,
        **numbers,
        "created_at": timestamp(row.created_at),
        "started_at": timestamp(row.started_at),
        "finished_at": finished_at,
    }
    event = {"type": f"{kind}.{row.state}", "timestamp": finished_at, "data": data}
    return to_json(event, inf_nan_mode="strings")


def headers(delivery_id: str, secret: str | None, body: bytes, seconds: int) -> dict[str, str]:
    """Return the headers of an attempt at a time in seconds since 1970."""
    named = {
        "Content-Type": "application/json",
        "User-Agent": f"Epochal/{version('epochal-server')}",
        "webhook-id": delivery_id,
        "webhook-timestamp": str(seconds),
    }
    if secret is not None:
        signed = b".".join((delivery_id.encode(), str(seconds).encode(), body))
        digest = hmac.new(secret_key(secret), signed, hashlib.sha256).digest()
        named["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return named


def pause(attempt: int, first: float, retry_after: float | None = None) -> float:
    """Return the seconds after a failed attempt: 5 times as long each time, up to a day.

    At least the pause that the receiver requested, also up to a day.
    """
    seconds = first * PAUSE_FACTOR ** (attempt - 1) * random.uniform(1 - JITTER, 1 + JITTER)
    return min(max(seconds, retry_after or 0.0), MAX_PAUSE_SECONDS)


@dataclass(frozen=True)
class Message:
    """A claimed delivery, and its content."""

    row: DeliveryRow
    url: str
    secret: str | None
    body: bytes


class Deliverer:
    """Sends what is due, from one process. Needs the event loop."""

    def __init__(
        self,
        database: Database,
        receivers: Receivers,
        pause_seconds: float,
        on_attempt: Callable[[Outcome], object] = lambda outcome: None,
    ) -> None:
        self._database = database
        self._receivers = receivers
        self._pause_seconds = pause_seconds
        self._on_attempt = on_attempt
        self._posts: set[asyncio.Task[Answer]] = set()

    async def run(self, closing: asyncio.Event, interval: float) -> None:
        """Send until `closing` is set. Attempts that have no reply yet are due again later."""
        attempts: set[asyncio.Task[None]] = set()
        while not closing.is_set():
            free = SLOTS - len(attempts)
            messages = await asyncio.to_thread(self._claim, free) if free else []
            attempts |= {asyncio.create_task(self._attempt(message)) for message in messages}
            stop = asyncio.create_task(closing.wait())
            # With all slots in use, the next round comes as soon as one is free.
            waiting = attempts if len(attempts) == SLOTS else set()
            await asyncio.wait(
                {stop, *waiting}, timeout=interval, return_when=asyncio.FIRST_COMPLETED
            )
            stop.cancel()
            attempts = {attempt for attempt in attempts if not attempt.done()}
        # The attempts themselves are not cancelled: their threads use the database.
        for post in self._posts:
            post.cancel()
        if attempts:
            await asyncio.wait(attempts)

    def _claim(self, limit: int) -> list[Message]:
        try:
            with self._database.read() as connection:
                ids = deliveries.due(connection, limit)
            if not ids:
                return []
            seconds = self._receivers.seconds + CLAIM_MARGIN_SECONDS
            with self._database.write() as connection:
                rows = deliveries.claim(connection, ids, seconds)
            with self._database.read() as connection:
                claimed = [(row, deliveries.ended_job(connection, row.job_id)) for row in rows]
            return [_message(row, job) for row, job in claimed if job]
        except EpochalError as error:
            logger.warning("deliveries_not_claimed", error=str(error))
        except Exception:
            logger.exception("deliveries_not_claimed")
        return []

    async def _attempt(self, message: Message) -> None:
        row = message.row
        sent_at, started = time.time(), time.monotonic()
        head = headers(row.id, message.secret, message.body, int(sent_at))
        post = asyncio.create_task(self._receivers.post(message.url, head, message.body))
        self._posts.add(post)
        post.add_done_callback(self._posts.discard)
        answer, error = None, None
        try:
            answer = await post
            if not 200 <= answer.status < 300:
                error = DeliveryFailed(f"the receiver replied with status {answer.status}")
        except DeliveryFailed as failure:
            error = failure
        except asyncio.CancelledError:
            return
        except Exception as defect:
            logger.exception("delivery_failed", delivery=row.id)
            error = DeliveryFailed(f"an unexpected {type(defect).__name__}")
        entry = {
            "attempted_at": sent_at,
            "seconds": time.monotonic() - started,
            "status": None if answer is None else answer.status,
            "error": None if error is None else str(error),
        }
        with suppress(EpochalError):  # it is sent again
            await asyncio.to_thread(self._record, row, entry, answer, error)

    def _record(
        self,
        row: DeliveryRow,
        entry: Mapping[str, Any],
        answer: Answer | None,
        error: DeliveryFailed | None,
    ) -> None:
        is_gone = answer is not None and answer.status == GONE
        retry_after = None
        outcome: Outcome
        if error is None:
            outcome = "delivered"
        elif not error.retryable:
            outcome = "refused"
        elif is_gone or row.attempt >= MAX_ATTEMPTS:
            outcome = "failed"
        else:
            outcome = "retried"
            requested = None if answer is None else answer.retry_after
            retry_after = pause(row.attempt, self._pause_seconds, requested)
        log = json.dumps([*json.loads(row.log), entry])
        with self._database.write() as connection:
            deliveries.record(
                connection, row, state=STATES[outcome], log=log, retry_after=retry_after
            )
        self._on_attempt(outcome)
        logger.info(
            "delivery_attempted",
            job=row.job_id,
            delivery=row.id,
            attempt=row.attempt,
            state=STATES[outcome],
            error=entry["error"],
        )


def _message(row: DeliveryRow, job: EndedJob) -> Message:
    webhook = job.webhooks[row.position]
    return Message(row, webhook["url"], webhook["secret"], payload(job))
