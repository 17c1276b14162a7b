"""Pages of a list sorted by id, newest first. A page token is the last id of the previous page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from ..errors import FieldError, InvalidArgument
from ..large import require_small
from ..specs.base import MAX_PAGE_SIZE, id_pattern


class HasId(Protocol):
    @property
    def id(self) -> str: ...


# A spec may hold its data: a thousand of them would be too large for one reply.
MAX_BYTES = 8 * 2**20

R = TypeVar("R", bound=HasId)


def page_size(requested: int) -> int:
    """Return the number of rows of a page: as requested, at most 1000."""
    return min(requested, MAX_PAGE_SIZE)


def before(token: str | None, kind: str) -> str | None:
    """Return the id that the page starts after.

    Raises `InvalidArgument` unless the token is an id that begins with `kind`, such as "job".
    """
    if token is not None and not re.fullmatch(id_pattern(kind), token):
        raise InvalidArgument.of(
            FieldError("page_token", "must be the next_page_token of the previous page")
        )
    return token


def cut(
    rows: Iterable[R], size: int, weight: Callable[[R], int] = lambda row: 0
) -> tuple[list[R], str | None]:
    """Return the page and the token of the next one, from up to `size + 1` rows.

    The page ends early with the row that brings the sum of weights, in bytes, above `MAX_BYTES`.
    """
    page: list[R] = []
    total = 0
    for row in rows:
        if len(page) == size or total > MAX_BYTES:
            return page, page[-1].id
        page.append(row)
        total += weight(row)
        require_small(total)
    return page, None
