"""Whose things a caller may read, and whose it may change."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Forbidden


@dataclass(frozen=True, slots=True)
class Access:
    """What a caller reaches: everything of its owner; of the members of its owner, reading alone.

    A class is an owner whose members are its pupils: see `store.members`.
    """

    owner: str
    members: tuple[str, ...] = ()

    @property
    def readable(self) -> tuple[str, ...]:
        """The owners whose things the caller may read."""
        return (self.owner, *self.members)

    def narrowed(self, owner: str | None) -> tuple[str, ...]:
        """Return the readable owners, or this one of them: empty if the caller may not read it."""
        return tuple(name for name in self.readable if owner in (None, name))

    def require_owner(self, owner: str) -> None:
        """Raise `Forbidden` unless what belongs to the owner may be changed."""
        if owner != self.owner:
            raise Forbidden(
                f"This belongs to {owner}, and only {owner} may change it: this API key belongs to "
                f"{self.owner}, which may read it"
            )
