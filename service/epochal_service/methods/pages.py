"""Pages of a list, newest first. A page token is the last id of the previous page; in another order
also the values that the list is sorted by.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from ..errors import FieldError, InvalidArgument
from ..large import require_small
from ..specs.base import MAX_PAGE_SIZE, id_pattern
from ..specs.filters import Order


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
        raise InvalidArgument.of(_WRONG_TOKEN)
    return token


_WRONG_TOKEN = FieldError(
    "page_token", "must be the next_page_token of the previous page, in the same order"
)
_TYPES: dict[str, tuple[type, ...]] = {
    "number": (int, float),
    "time": (int, float),
    "boolean": (bool, int),
}


def ordered_token(orders: Sequence[Order], values: Sequence[Any], id: str) -> str:
    """Return the token of the page after the row with these values and this id."""
    content = json.dumps([*map(str, orders), *values, id])
    return urlsafe_b64encode(content.encode()).decode()


def after(token: str | None, orders: Sequence[Order], kind: str) -> tuple[list[Any], str | None]:
    """Return the values and the id of the row that the page starts after.

    Raises `InvalidArgument` unless the token is from a page in this order.
    """
    if not orders or token is None:
        return [], before(token, kind)
    try:
        content = json.loads(urlsafe_b64decode(token))
        *names, last = content
    except (ValueError, TypeError):
        raise InvalidArgument.of(_WRONG_TOKEN) from None
    values = names[len(orders) :]
    is_valid = names[: len(orders)] == [*map(str, orders)] and len(values) == len(orders)
    for order, value in zip(orders, values, strict=False):
        is_valid &= value is None or _has_kind(value, order.kind)
    if not is_valid:
        raise InvalidArgument.of(_WRONG_TOKEN)
    return values, before(str(last), kind)


def _has_kind(value: Any, kind: str) -> bool:
    """Return whether a value of a token is one that the database compares with such a field."""
    if isinstance(value, str):
        return kind not in _TYPES and "\0" not in value
    is_small = not isinstance(value, int) or abs(value) < 2**63
    return isinstance(value, _TYPES.get(kind, ())) and is_small


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
