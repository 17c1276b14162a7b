"""Pages of a list that is sorted by id, newest first: a page token is the last id of the page
before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from ..errors import FieldError, InvalidArgument
from ..specs.base import MAX_PAGE_SIZE


class HasId(Protocol):
    @property
    def id(self) -> str: ...


# A spec may hold its data: a thousand of these would be too much for one answer.
MOST_BYTES = 8 * 2**20

R = TypeVar("R", bound=HasId)

_TOKEN = r"{}_[0-9a-f]{{13}}_[0-9a-f]{{16}}"


def page_size(asked: int) -> int:
    """As many rows as asked for, and 1,000 at the most."""
    return min(asked, MAX_PAGE_SIZE)


def before(token: str | None, kind: str) -> str | None:
    """The id that the page starts after. Raises `InvalidArgument` for anything that was never a
    token of a list whose ids begin with `kind`, such as "job".
    """
    if token is not None and not re.fullmatch(_TOKEN.format(kind), token):
        raise InvalidArgument.of(
            FieldError("page_token", "must be the next_page_token of the page before")
        )
    return token


def cut(
    rows: Iterable[R], size: int, weight: Callable[[R], int] = lambda row: 0
) -> tuple[list[R], str | None]:
    """The page and the token of the next one, from up to `size + 1` rows.

    It ends early with the row that makes more than `MOST_BYTES` of what the rows weigh.
    """
    page: list[R] = []
    weighed = 0
    for row in rows:
        if len(page) == size or weighed > MOST_BYTES:
            return page, page[-1].id
        page.append(row)
        weighed += weight(row)
    return page, None
