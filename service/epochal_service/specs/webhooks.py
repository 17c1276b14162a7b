"""Webhooks: the receivers of the end of a job, and the deliveries to them."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from .base import Reply, Spec

EndState = Literal["succeeded", "failed", "cancelled"]
END_STATES: tuple[EndState, ...] = get_args(EndState)
DeliveryState = Literal["pending", "delivered", "failed"]

MAX_WEBHOOKS = 4
SECRET_PREFIX = "whsec_"
SECRET_BYTES = range(24, 65)
_URL = re.compile(r"https?://[!-~]+")


def secret_key(secret: str) -> bytes:
    """Return the bytes of a secret: base64 after `whsec_`. Raises ValueError."""
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError("the prefix is missing")
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    if len(key) not in SECRET_BYTES:
        raise ValueError("the length is wrong")
    return key


def _secret(secret: str | None) -> str | None:
    try:
        if secret is not None:
            secret_key(secret)
    except (ValueError, binascii.Error):
        raise PydanticCustomError(
            "secret", "must be whsec_ and the base64 of 24 to 64 random bytes"
        ) from None
    return secret


def _url(url: str) -> str:
    try:
        parts = urlsplit(url)
        valid = _URL.fullmatch(url) and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise PydanticCustomError(
            "url", "must be an address in ASCII, such as https://host.example/path"
        )
    if parts.username is not None or parts.fragment:
        raise PydanticCustomError("url", "must not have a user name, a password or a fragment")
    return url


class WebhookSpec(Spec):
    """A request that the service sends when the job ends."""

    url: Annotated[str, Field(max_length=2000), AfterValidator(_url)]
    """Where to send a POST with the outcome. The operator decides which hosts are allowed: see
    `EPOCHAL_WEBHOOK_HOSTS`. By default every public host, over https.
    """
    on: list[EndState] = Field(default_factory=lambda: [*END_STATES], min_length=1)
    """Final states that are sent. Default all."""
    secret: Annotated[str | None, AfterValidator(_secret)] = Field(
        default=None, max_length=100, repr=False, json_schema_extra={"writeOnly": True}
    )
    """Key of the signature, as Standard Webhooks defines it: `whsec_` and the base64 of 24 to 64
    random bytes. Never returned. Without one, requests have no signature.
    """


class Webhook(Reply):
    """A webhook of a job, without its secret."""

    url: str
    """Where the outcome is sent."""
    on: list[EndState]
    """Final states that are sent."""
    is_signed: bool
    """Whether there is a secret, and requests have a signature."""


class DeliveryAttempt(Reply):
    """One attempt to deliver."""

    attempted_at: datetime
    """Time of the attempt."""
    seconds: float
    """Duration in seconds."""
    status: int | None = None
    """HTTP status of the reply; absent without a reply."""
    error: str | None = None
    """Reason of the failure; absent if the receiver accepted the request."""


class Delivery(Reply):
    """The outcome of a job on its way to one receiver."""

    id: str
    """Id of the delivery, the same in each attempt: the header `webhook-id`."""
    url: str
    """Where it is sent."""
    event: EndState
    """Final state that is sent."""
    state: DeliveryState
    """`pending` until a receiver replies with a status of 200 to 299, or the last attempt fails."""
    attempts: list[DeliveryAttempt]
    """Attempts so far, in order."""
    created_at: datetime
    """Time of the job's end."""
    next_attempt_at: datetime | None = None
    """Time of the next attempt; absent if there is none."""


class DeliveryPage(Reply):
    """The deliveries of a job."""

    deliveries: list[Delivery]
    """Deliveries in the order of the webhooks; empty before the job ends."""
