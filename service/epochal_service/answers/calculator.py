"""A calculator for networks that write: the call `[12*34]` in their text has the result 408.

Numbers are read with a pattern and computed as integers; no part of a text is run as code.
"""

from __future__ import annotations

import re

MAX_DIGITS = 12

_SIGNS = {"+": "+", "-": "-", "−": "-", "*": "*", "x": "*", "×": "*"}
_NUMBER = rf" ?(-? ?[0-9](?: ?[0-9]){{0,{MAX_DIGITS - 1}}}) ?"
_CALL = re.compile(rf"\[{_NUMBER}([+\-−*x×]){_NUMBER}\]\Z")
LONGEST_CALL = 2 * (2 * MAX_DIGITS + 4) + 3
"""Characters of a call, at most."""


def result_of(text: str) -> str | None:
    """Return the result of the call that a text ends with; None if it ends with none.

    A call is `[a+b]`, `[a-b]` or `[a*b]`, with `−`, `x` and `×` for the signs, of two integers of
    at most 12 digits, with a `-` before negative ones. One space may stand between two characters,
    as in texts of words.
    """
    call = _CALL.search(text[-LONGEST_CALL:])
    if call is None:
        return None
    first, sign, second = call.groups()
    a, b = (int(number.replace(" ", "")) for number in (first, second))
    match _SIGNS[sign]:
        case "+":
            return str(a + b)
        case "-":
            return str(a - b)
        case _:
            return str(a * b)
