"""The owners with rows that a caller may read, and that it may change."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import Forbidden


@dataclass(frozen=True, slots=True)
class Access:
    """The access of a caller: everything of its owner; read-only access to the members of its
    owner. A narrow access reaches some jobs and sweeps of these owners, and nothing else.

    A class is an owner with pupils as its members: see `store.members`.
    """

    owner: str
    members: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    """Ids of jobs and sweeps that a narrow access reaches."""
    labels: tuple[tuple[str, str], ...] = ()
    """It also reaches the jobs and sweeps with all of these labels."""
    sees_webhooks: bool = True
    """Whether its jobs and sweeps have their webhooks: the address of one is often a secret."""

    @property
    def is_narrow(self) -> bool:
        """Whether the caller reaches some jobs and sweeps alone."""
        return bool(self.jobs or self.labels)

    @property
    def readable(self) -> tuple[str, ...]:
        """The owners that the caller may read everything of."""
        return () if self.is_narrow else self.owners

    @property
    def owners(self) -> tuple[str, ...]:
        """The owners of the jobs and sweeps that the caller may read."""
        return (self.owner, *self.members)

    @property
    def without_members(self) -> Access:
        """The same without members: a new job may name nothing that they may delete."""
        return replace(self, members=())

    def narrowed(self, owner: str | None) -> tuple[str, ...]:
        """Return the readable owners, or this one of them: empty if the caller may not read it."""
        return tuple(name for name in self.readable if owner in (None, name))

    def may_read(self, job_id: str, owner: str) -> bool:
        """Return whether the caller may read a job with this owner, whatever its labels are."""
        return owner in self.readable or (owner in self.owners and job_id in self.jobs)

    def require_owner(self, owner: str) -> None:
        """Raise `Forbidden` unless what belongs to the owner may be changed."""
        if owner != self.owner:
            raise Forbidden(
                f"This belongs to {owner}, and only {owner} may change it: this API key belongs to "
                f"{self.owner}, which may read it"
            )

    def __str__(self) -> str:
        """The jobs that a narrow access reaches, in words."""
        labels = " and ".join(f"{key}={value}" for key, value in self.labels)
        parts = [*self.jobs, *([f"jobs with the label {labels}"] if labels else [])]
        return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
