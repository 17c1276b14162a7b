"""Verification of a webhook's request, against the reference vector of Standard Webhooks."""

import base64
import hashlib
import hmac
import time

import pytest

import epochal

# From the reference libraries at https://github.com/standard-webhooks/standard-webhooks.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = '{"test": 2432232314}'
HEADERS = {
    "Webhook-Id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "WEBHOOK-TIMESTAMP": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
FOREVER = float("inf")


def signed(body: bytes, sent_at: float, secret: str = SECRET) -> dict[str, str]:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = f"msg_1.{sent_at:.0f}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, text, hashlib.sha256)).decode()
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": f"{sent_at:.0f}",
        "webhook-signature": f"v1,{signature}",
    }


@pytest.mark.parametrize("body", [BODY, BODY.encode()])
def test_the_reference_vector_is_verified(body: str | bytes) -> None:
    event = epochal.verify_webhook(body, HEADERS, SECRET, tolerance_seconds=FOREVER)
    assert event == {"test": 2432232314}


def test_one_of_several_signatures_is_enough() -> None:
    several = f"v1a,AAAA v1,bm90IGl0 nonsense {HEADERS['webhook-signature']}"
    headers = HEADERS | {"webhook-signature": several}
    assert epochal.verify_webhook(BODY, headers, SECRET, tolerance_seconds=FOREVER)


@pytest.mark.parametrize(
    ("body", "change", "message"),
    [
        (BODY + " ", {}, "No signature matches"),
        (BODY, {"Webhook-Id": "msg_2"}, "No signature matches"),
        (BODY, {"WEBHOOK-TIMESTAMP": "1614265331"}, "No signature matches"),
        (BODY, {"webhook-signature": ""}, "No signature matches"),
        (BODY, {"webhook-signature": "v1,%%%"}, "No signature matches"),
        (
            BODY,
            {"webhook-signature": HEADERS["webhook-signature"].replace("v1", "v1a")},
            "No signature matches",
        ),
    ],
)
def test_a_changed_request_is_not_verified(body: str, change: dict[str, str], message: str) -> None:
    with pytest.raises(epochal.WebhookNotVerified, match=message):
        epochal.verify_webhook(body, HEADERS | change, SECRET, tolerance_seconds=FOREVER)


def test_another_secret_does_not_verify() -> None:
    other = epochal.create_webhook_secret()
    with pytest.raises(epochal.WebhookNotVerified, match="No signature matches"):
        epochal.verify_webhook(BODY, HEADERS, other, tolerance_seconds=FOREVER)
    with pytest.raises(ValueError, match="whsec_"):
        epochal.verify_webhook(BODY, HEADERS, "whsec_%", tolerance_seconds=FOREVER)


@pytest.mark.parametrize("age", [-400, 400])
def test_a_request_of_another_time_is_not_verified(age: float) -> None:
    headers = signed(b"{}", time.time() - age)
    with pytest.raises(epochal.WebhookNotVerified, match="not of the last 300 seconds"):
        epochal.verify_webhook(b"{}", headers, SECRET)
    assert epochal.verify_webhook(b"{}", signed(b"{}", time.time()), SECRET) == {}


def test_what_is_missing_is_named() -> None:
    with pytest.raises(epochal.WebhookNotVerified, match="webhook-id"):
        epochal.verify_webhook(BODY, {}, SECRET)


@pytest.mark.parametrize("body", [b"[1]", b"text"])
def test_a_body_that_is_no_event_is_not_verified(body: bytes) -> None:
    with pytest.raises(epochal.WebhookNotVerified, match="not an event"):
        epochal.verify_webhook(body, signed(body, time.time()), SECRET)


def test_secrets_are_long_and_differ() -> None:
    secrets = {epochal.create_webhook_secret() for _ in range(9)}
    assert len(secrets) == 9
    assert all(len(base64.b64decode(secret.removeprefix("whsec_"))) == 32 for secret in secrets)
