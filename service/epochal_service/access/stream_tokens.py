"""Stream tokens: a browser's EventSource cannot send a header, so it sends one of these in the URL.

    <key id>.<expiry>.<HMAC of the id of the job and the expiry>

The key of the HMAC is the stored digest of the API key. Nothing is stored for a token, all
processes accept it, and it becomes invalid with the API key. It opens the events of one job or
sweep. Who reads the database can sign one, for events that are in the database.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re

from ..errors import Unauthenticated
from ..store import Connection, Database, api_keys
from ..store.api_keys import Stored
from ..store.database import current_time

SECONDS = 60.0

_TOKEN = re.compile(r"([0-9a-f]{12})\.([0-9]{1,12})\.([0-9a-f]{64})")


def issue(connection: Connection, key_id: str | None, subject: str) -> tuple[str, int]:
    """Return a token for the events of a job or sweep, and the time at which it expires.

    The token is empty without an API key. Raises `Unauthenticated` if the key is no longer valid.
    """
    expires = math.ceil(current_time(connection) + SECONDS)
    if key_id is None:
        return "", expires
    stored = api_keys.find_valid(connection, key_id)
    if stored is None:
        raise Unauthenticated("The API key is not valid: it has expired or was revoked")
    return f"{key_id}.{expires}.{_signature(stored[0].digest, subject, expires)}", expires


def authenticate(database: Database, token: str, subject: str) -> Stored:
    """Return the key that signed a token for the subject's events, and the key's access.

    Raises `Unauthenticated`.
    """
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise _invalid()
    key_id, expires, signature = match[1], int(match[2]), match[3]
    with database.read() as connection:
        stored = api_keys.find_valid(connection, key_id)
        time = current_time(connection)
    expected = _signature(stored[0].digest if stored else "", subject, expires)
    if not hmac.compare_digest(signature, expected) or stored is None or expires <= time:
        raise _invalid()
    return stored


def _signature(digest: str, subject: str, expires: int) -> str:
    text = f"stream token\n{subject}\n{expires}"
    return hmac.new(digest.encode(), text.encode(), hashlib.sha256).hexdigest()


def _invalid() -> Unauthenticated:
    return Unauthenticated(
        f"The stream token is not valid: it lasts {SECONDS:.0f} s and opens the events of one job"
    )
