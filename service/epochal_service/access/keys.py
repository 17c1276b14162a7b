"""API keys identify the caller and limit its methods.

    ep_<id>_<secret>

The database holds the SHA-256 of the secret. A secret has 118 random bits, so a slow hash would
protect nothing more; it is short enough to be typed from paper. A key belongs to an owner, and
reaches what this owner created: jobs, sweeps, networks, data sets and uploads. A key of a class
also reads what its pupils created: see `classes`.

    scope of an operator's key ──┐
                                 ├──> actions ── PresentedKey.check: the action of the method
    limits of a key made by it ──┤
                                 └──> jobs, labels ── Access: which rows are there for the caller
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import TYPE_CHECKING, NamedTuple

from ..errors import Forbidden, NotFound, Unauthenticated
from ..store import Access, Connection, Database, api_keys
from ..store.api_keys import KeyLimits, KeyRow, Stored

if TYPE_CHECKING:
    # They import the engine, which `epochald keys` does not need.
    from ..specs.keys import Action
    from ..specs.system import Scope

LOOKING: tuple[Action, ...] = ("read", "watch", "predict")
"""The actions that change nothing."""
ACTIONS: dict[Scope, tuple[Action, ...]] = {
    "read": LOOKING,
    "train": (*LOOKING, "train", "change", "delete", "share"),
    "admin": (*LOOKING, "train", "change", "delete", "share", "admin"),
}
"""The actions of each scope, which includes those before it."""
SCOPES = tuple(ACTIONS)

OF_JOBS = frozenset({"jobs", "events", "sweeps", "comparison", "usage", "limits", "version"})
"""The collections that a key for some jobs reaches. Their methods find jobs by the access of the
caller, and the other ones have nothing of an owner."""

LOCAL_OWNER = "local"
"""The owner of everything that was created without a key."""
DAY_SECONDS = 86_400.0
LINK = "link"
"""In place of `Bearer`: the key was in the URL."""

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
    connection: Connection,
    name: str,
    *,
    owner: str,
    scope: Scope,
    days: float | None,
    limits: KeyLimits | None = None,
    made_by: str | None = None,
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
        limits=limits,
        made_by=made_by,
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


class Need(NamedTuple):
    """What a key must allow for a request."""

    action: Action
    collection: str
    """The collection of the method's path, such as `jobs`."""


def actions_of(key: KeyRow) -> tuple[str, ...]:
    """Return what the key may do."""
    return ACTIONS[key.scope] if key.limits is None else key.limits.actions  # type: ignore[index]


class PresentedKey(NamedTuple):
    """The key of a request, and the only check of whether it is good."""

    id: str
    secret: str
    is_link: bool = False
    """Whether it came in a URL, which others read: there it must change nothing."""
    origin: str | None = None
    """The origin of the page that sent the request, unless it is a page of the service."""

    @classmethod
    def of(cls, authorization: str, origin: str | None = None) -> PresentedKey:
        """Return the key in a value of the `Authorization` header. Raises `Unauthenticated`."""
        kind, _, key = authorization.partition(" ")
        match = _KEY.fullmatch(key.strip())
        if kind.lower() not in ("bearer", LINK) or match is None:
            raise Unauthenticated(
                "The header Authorization must be `Bearer` and an API key such as ep_0123456789ab_…"
            )
        return cls(match[1], match[2], kind.lower() == LINK, origin)

    def check(self, stored: Stored | None, need: Need) -> Stored:
        """Return the stored key and its access. Raises `Unauthenticated`, `Forbidden`."""
        # The digests are compared in constant time, also if there is no key with this id.
        known = hmac.compare_digest(_digest(self.secret), stored[0].digest if stored else "")
        if stored is None or not known:
            raise Unauthenticated("The API key is not valid: it is mistyped, expired or revoked")
        key, access = stored
        actions = actions_of(key)
        if self.is_link and not (key.limits and {*actions} <= {*LOOKING}):
            raise Forbidden(
                "Only a key that was made to look, with the actions read, watch or predict, may "
                "stand in a URL: send this API key in the header Authorization"
            )
        if key.limits and key.limits.origins and self.origin not in (None, *key.limits.origins):
            pages = " and ".join(key.limits.origins)
            raise Forbidden(f"This API key is for pages of {pages}; this is one of {self.origin}")
        if need.action not in actions:
            raise Forbidden(f"{_sentence(stored)}; the method needs {need.action}")
        if access.is_narrow and need.collection not in OF_JOBS:
            raise Forbidden(f"{_sentence(stored)}, and reaches no {need.collection}")
        return stored


def _sentence(stored: Stored) -> str:
    """Return what a key may do, in words."""
    key, access = stored
    *others, last = actions_of(key)
    words = f"{', '.join(others)} and {last}" if others else last
    return f"This API key may {words}" + (f" {access} only" if access.is_narrow else "")


def check_again(key: KeyRow, stored: Stored | None) -> Access:
    """Return what a key reaches that was good before. Raises `Unauthenticated`."""
    if stored is None or stored[0].digest != key.digest:
        raise Unauthenticated("The API key has expired, or was revoked or rotated")
    return stored[1]


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
