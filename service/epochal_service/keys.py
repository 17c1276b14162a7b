"""API keys: who calls, and what the caller may do.

    ep_<id>_<secret>

The database holds the SHA-256 of the secret. A secret has 256 random bits, so a slow hash would
protect nothing more. A key belongs to an owner, and reaches what this owner created: jobs, sweeps,
networks, data sets and uploads.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Literal, get_args

from .errors import Forbidden, NotFound, Unauthenticated
from .store import Database, api_keys

Scope = Literal["read", "train", "admin"]
"""What a key may do. Each scope includes those before it."""
SCOPES: tuple[Scope, ...] = get_args(Scope)

LOCAL_OWNER = "local"
"""The owner of everything that was created without a key."""
DAY_SECONDS = 86_400.0

_KEY = re.compile(r"ep_([0-9a-f]{12})_([0-9a-f]{64})")
_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
MAX_NAME_LENGTH = 100


@dataclass(frozen=True)
class Caller:
    """Who makes a request."""

    owner: str
    scope: Scope
    key_id: str

    def require(self, scope: Scope) -> None:
        """Raise `Forbidden` unless the caller has the scope."""
        if SCOPES.index(self.scope) < SCOPES.index(scope):
            raise Forbidden(f"This API key has the scope {self.scope}; the method needs {scope}")


def create(database: Database, name: str, *, owner: str, scope: Scope, days: float | None) -> str:
    """Create a key and return it. It cannot be read again. Raises ValueError."""
    if not _OWNER.fullmatch(owner):
        raise ValueError(
            f"the owner {owner!r} must have 1 to 40 letters, digits, dots, dashes and underscores"
        )
    if not 0 < len(name) <= MAX_NAME_LENGTH:
        raise ValueError(f"the name must have 1 to {MAX_NAME_LENGTH} characters")
    if days is not None and not 0 < days <= 36_500:
        raise ValueError("days must be greater than 0 and at most 36500")
    key_id, secret = secrets.token_hex(6), secrets.token_hex(32)
    seconds = None if days is None else days * DAY_SECONDS
    with database.write() as connection:
        api_keys.insert(
            connection,
            id=key_id,
            owner=owner,
            name=name,
            scope=scope,
            digest=_digest(secret),
            seconds=seconds,
        )
    return f"ep_{key_id}_{secret}"


def rotate(database: Database, key_id: str) -> str:
    """Return the key with another secret; the former one is refused at once. Raises `NotFound`."""
    secret = secrets.token_hex(32)
    with database.write() as connection:
        if not api_keys.replace_digest(connection, key_id, _digest(secret)):
            raise NotFound(f"There is no valid key {key_id}")
    return f"ep_{key_id}_{secret}"


def revoke(database: Database, key_id: str) -> None:
    """Refuse the key from now on. Raises `NotFound`."""
    with database.write() as connection:
        if not api_keys.revoke(connection, key_id):
            raise NotFound(f"There is no key {key_id} that could be revoked")


def authenticate(database: Database, authorization: str) -> Caller:
    """Return the caller with this value of the `Authorization` header. Raises `Unauthenticated`."""
    kind, _, key = authorization.partition(" ")
    match = _KEY.fullmatch(key.strip())
    if kind.lower() != "bearer" or match is None:
        raise Unauthenticated(
            "The header Authorization must be `Bearer` and an API key such as ep_0123456789ab_…"
        )
    key_id, secret = match.groups()
    with database.read() as connection:
        row = api_keys.find_valid(connection, key_id)
    # The digests are compared in constant time, also if there is no key with this id.
    known = hmac.compare_digest(_digest(secret), row.digest if row else "")
    if row is None or not known:
        raise Unauthenticated("The API key is not valid: it is mistyped, expired or revoked")
    scope: Scope = row.scope  # type: ignore[assignment]
    return Caller(row.owner, scope, row.id)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
