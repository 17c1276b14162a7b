"""The owners with rows that a caller may read, and that it may change."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Forbidden


@dataclass(frozen=True, slots=True)
class Access:
    """The access of a caller: everything of its owner; read-only access to the members of its
    owner.

    A class is an owner with pupils as its members: see `store.members`.
    """

    owner: str
    members: tuple[str, ...] = ()

    @property
    def readable(self) -> tuple[str, ...]:
        """The owners that the caller may read from."""
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
