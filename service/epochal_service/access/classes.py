"""Classes: keys of a teacher, who reads the runs of all pupils, and of pupils, who see their own.

    10b          the class, which owns what the teacher creates
    10b.01 …     its members: owners like any other

A key of the class reads what belongs to its members and changes nothing of it. A further key of the
teacher or of a pupil is a key with their owner: `epochald keys create tablet --owner 10b.07`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import NotFound
from ..store import Connection, Database, api_keys, members
from . import keys

MAX_NAME_LENGTH = 36  # an owner has at most 40 characters; a number takes 4
MAX_PUPILS = 200  # a list reads the newest jobs of each


@dataclass(frozen=True)
class ClassKey:
    """A key, as it is shown once."""

    owner: str
    role: Literal["teacher", "pupil"]
    key: str


def create(database: Database, name: str, *, count: int, days: float | None) -> list[ClassKey]:
    """Create keys of a teacher and `count` pupils, or of further pupils of a class that exists.

    Raises ValueError.
    """
    if not keys.OWNER.fullmatch(name) or len(name) > MAX_NAME_LENGTH:
        raise ValueError(
            f"the class {name!r} must have 1 to {MAX_NAME_LENGTH} letters, digits, dots, dashes "
            "and underscores"
        )
    with database.write() as connection:
        former = len(members.of(connection, name))
        if not 0 < count <= MAX_PUPILS - former:
            raise ValueError(
                f"the count must be in 1 to {MAX_PUPILS - former}: a class has at most "
                f"{MAX_PUPILS} pupils"
            )
        pupils = [f"{name}.{number:02d}" for number in range(former + 1, former + count + 1)]
        owners = pupils if former else [name, *pupils]
        for owner in owners:
            if owner == keys.LOCAL_OWNER or api_keys.any_of(connection, owner):
                raise ValueError(f"there is an owner {owner} already: choose another name")
        members.insert(connection, name, pupils)
        made = {
            owner: keys.insert(connection, "class", owner=owner, scope="train", days=days)
            for owner in owners
        }
    return [_class_key(name, owner, key) for owner, key in made.items()]


def rotate(database: Database, name: str) -> list[ClassKey]:
    """Give all valid keys of the class another secret, and return them. Raises `NotFound`."""
    with database.write() as connection:
        return [
            _class_key(name, row.owner, keys.rotated(connection, row.id))
            for row in _valid_keys(connection, name)
        ]


def revoke(database: Database, name: str) -> int:
    """Refuse all keys of the class from now on; return their number. Raises `NotFound`."""
    with database.write() as connection:
        return sum(api_keys.revoke(connection, row.id) for row in _valid_keys(connection, name))


def _class_key(name: str, owner: str, key: str) -> ClassKey:
    return ClassKey(owner, "teacher" if owner == name else "pupil", key)


def _valid_keys(connection: Connection, name: str) -> list[api_keys.KeyRow]:
    pupils = members.of(connection, name)
    rows = api_keys.valid_of(connection, (name, *pupils)) if pupils else []
    if not rows:
        raise NotFound(f"There is no class {name} with a valid key")
    return rows
