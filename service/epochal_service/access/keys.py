"""API keys identify the caller and limit its methods.

    ep_<id>_<secret>

The database holds the SHA-256 of the secret. A secret has 118 random bits, so a slow hash would
protect nothing more; it is short enough to be typed from paper. A key belongs to an owner, and
reaches what this owner created: jobs, sweeps, networks, data sets and uploads. A key of a class
also reads what its pupils created: see `classes`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import TYPE_CHECKING, NamedTuple

from ..errors import Forbidden, NotFound, Unauthenticated
from ..store import Access, Connection, Database, api_keys
from ..store.api_keys import KeyRow, Stored

if TYPE_CHECKING:
    from ..specs.system import Scope  # imports the engine, which `epochald keys` does not need

SCOPES: tuple[Scope, ...] = ("read", "train", "admin")
"""Each includes those before it."""

LOCAL_OWNER = "local"
"""The owner of everything that was created without a key."""
DAY_SECONDS = 86_400.0

_KEY = re.compile(r"ep_([0-9a-f]{12})_([0-9a-z]{24,64})")
OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
MAX_NAME_LENGTH = 100

_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # no two of them look alike on paper
_SECRET_LENGTH = 24


def create(database: Database, name: str, *, owner: str, scope: Scope, days: float | None) -> str:
    """Create a key and return it. It cannot be read again. Raises ValueError."""
    with database.write() as connection:
        return insert(connection, name, owner=owner, scope=scope, days=days)


def insert(
    connection: Connection, name: str, *, owner: str, scope: Scope, days: float | None
) -> str:
    """Insert a key and return it. Raises ValueError."""
    if not OWNER.fullmatch(owner):
        raise ValueError(
            f"the owner {owner!r} must have 1 to 40 letters, digits, dots, dashes and underscores"
        )
    if not 0 < len(name) <= MAX_NAME_LENGTH:
        raise ValueError(f"the name must have 1 to {MAX_NAME_LENGTH} characters")
    if days is not None and not 0 < days <= 36_500:
        raise ValueError("days must be greater than 0 and at most 36500")
    key_id, secret = secrets.token_hex(6), _new_secret()
    api_keys.insert(
        connection,
        id=key_id,
        owner=owner,
        name=name,
        scope=scope,
        digest=_digest(secret),
        seconds=None if days is None else days * DAY_SECONDS,
    )
    return f"ep_{key_id}_{secret}"


def rotate(database: Database, key_id: str) -> str:
    """Return the key with another secret; the former one is refused at once. Raises `NotFound`."""
    with database.write() as connection:
        return rotated(connection, key_id)


def rotated(connection: Connection, key_id: str) -> str:
    """Store another secret and return the key with it. Raises `NotFound`."""
    secret = _new_secret()
    if not api_keys.replace_digest(connection, key_id, _digest(secret)):
        raise NotFound(f"There is no valid key {key_id}")
    return f"ep_{key_id}_{secret}"


def _new_secret() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_SECRET_LENGTH))


def revoke(database: Database, key_id: str) -> None:
    """Refuse the key from now on. Raises `NotFound`."""
    with database.write() as connection:
        if not api_keys.revoke(connection, key_id):
            raise NotFound(f"There is no key {key_id} that could be revoked")


class PresentedKey(NamedTuple):
    """The key of a request, and the only check of whether it is good."""

    id: str
    secret: str

    @classmethod
    def of(cls, authorization: str) -> PresentedKey:
        """Return the key in a value of the `Authorization` header. Raises `Unauthenticated`."""
        kind, _, key = authorization.partition(" ")
        match = _KEY.fullmatch(key.strip())
        if kind.lower() != "bearer" or match is None:
            raise Unauthenticated(
                "The header Authorization must be `Bearer` and an API key such as ep_0123456789ab_…"
            )
        return cls(*match.groups())

    def check(self, stored: Stored | None, scope: Scope) -> Stored:
        """Return the stored key and its access. Raises `Unauthenticated`, `Forbidden`."""
        # The digests are compared in constant time, also if there is no key with this id.
        known = hmac.compare_digest(_digest(self.secret), stored[0].digest if stored else "")
        if stored is None or not known:
            raise Unauthenticated("The API key is not valid: it is mistyped, expired or revoked")
        key, _ = stored
        if key.scope not in SCOPES[SCOPES.index(scope) :]:
            raise Forbidden(f"This API key has the scope {key.scope}; the method needs {scope}")
        return stored


def check_again(key: KeyRow, stored: Stored | None) -> Access:
    """Return what a key reaches that was good before. Raises `Unauthenticated`."""
    if stored is None or stored[0].digest != key.digest:
        raise Unauthenticated("The API key has expired, or was revoked or rotated")
    return stored[1]


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
