"""Tables; `make test` takes a part of each."""

from collections.abc import Iterable
from typing import Any

import pytest


def one_in(number: int, rows: Iterable[object]) -> list[Any]:
    """Return the rows for `parametrize`; only the first of each `number` is in `make test`."""
    return [
        pytest.param(row, marks=pytest.mark.long if index % number else ())
        for index, row in enumerate(rows)
    ]
