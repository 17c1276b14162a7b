"""Iteration over lists that the service returns page by page."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from .session import Session

LARGEST_PAGE = 1000


def pages(
    session: Session, method: str, items: str, fields: dict[str, Any], limit: int | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the entries of all pages, newest first, or the first `limit` of them.

    Each page is fetched when it is needed.
    """
    if limit is not None and fields.get("page_size") is None:
        fields = {**fields, "page_size": max(1, min(limit, LARGEST_PAGE))}
    rows = (row for page in whole_pages(session, method, fields) for row in page.get(items) or ())
    return islice(rows, limit)


def whole_pages(session: Session, method: str, fields: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the pages of such a list, with their other fields."""
    token: str | None = None
    while True:
        page = session.call(method, {**fields, "page_token": token})
        yield page
        token = page.get("next_page_token")
        if not token:
            return


def pages_by_epoch(
    session: Session, method: str, fields: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield the pages of a list in the order of epochs, up to the latest stored epoch."""
    after = fields.get("after_epoch")
    while True:
        page = session.call(method, {**fields, "after_epoch": after})
        yield page
        after = page.get("next_after_epoch")
        if after is None:
            return
