"""Webhooks: secrets for the service, and verification of the requests that it sends.

The signatures follow Standard Webhooks, https://www.standardwebhooks.com.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from .errors import EpochalError

PREFIX = "whsec_"
SECRET_BYTES = 32
SIGNATURE_VERSION = "v1"


class WebhookNotVerified(EpochalError):
    """A request is not from the service, was changed on its way, or is too old."""


def create_webhook_secret() -> str:
    """Return a new secret for a webhook: `whsec_` and the base64 of 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def verify_webhook(
    body: bytes | str,
    headers: Mapping[str, str],
    secret: str,
    *,
    tolerance_seconds: float = 300.0,
) -> dict[str, Any]:
    """Return the event in the body of a request, after checking its signature and its time.

    `body` is the body as it was received, not as it is after parsing; `headers` belong to the
    request, in any case. The same event may arrive more than once: its `webhook-id` is the same.
    Raises `WebhookNotVerified`, and ValueError for a `secret` that is not one.

    >>> secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    >>> headers = {
    ...     "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    ...     "webhook-timestamp": "1614265330",
    ...     "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ... }
    >>> verify_webhook('{"test": 2432232314}', headers, secret, tolerance_seconds=float("inf"))
    {'test': 2432232314}
    """
    content = body.encode() if isinstance(body, str) else body
    given = {name.lower(): value for name, value in headers.items()}
    try:
        delivery, sent_at, signatures = (
            given[f"webhook-{name}"] for name in ("id", "timestamp", "signature")
        )
    except KeyError as missing:
        raise WebhookNotVerified(f"The header {missing} is missing") from None
    signed = b".".join((delivery.encode(), sent_at.encode(), content))
    expected = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    if not any(_matches(signature, expected) for signature in signatures.split()):
        raise WebhookNotVerified("No signature matches the body and the secret")
    if not sent_at.isdecimal() or abs(time.time() - int(sent_at)) > tolerance_seconds:
        raise WebhookNotVerified(f"The request is not of the last {tolerance_seconds:g} seconds")
    try:
        event = json.loads(content)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise WebhookNotVerified("The body is not an event")
    return event


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("a secret is whsec_ and base64") from None


def _matches(signature: str, expected: bytes) -> bool:
    kind, _, text = signature.partition(",")
    try:
        given = base64.b64decode(text, validate=True)
    except binascii.Error:
        return False
    return kind == SIGNATURE_VERSION and hmac.compare_digest(given, expected)
