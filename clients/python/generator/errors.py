"""The text of errors.py: the service has the same tree and the same classes of refusals."""

from __future__ import annotations

import re

from epochal_service.errors import EpochalError

from .classes import PACKAGE, block, docstring

START, END = "# The errors of the service: written by `make protos`.", "# End of those errors."
BRANCH = "│   "
"""How the lines of the tree begin that are written here."""


def errors_file() -> str:
    """Return the text of errors.py; what is not about the errors of the service stays."""
    kinds = EpochalError.__subclasses__()
    names = [kind.__name__ for kind in kinds]
    before, _, rest = (PACKAGE / "errors.py").read_text("utf-8").partition(START)
    lines = [line for line in before.splitlines() if not line.startswith(BRANCH)]
    root = next(number for number, line in enumerate(lines) if line.startswith("├── ApiError"))
    return "\n".join(
        [
            *lines[: root + 1],
            *(_branch(kind, is_last=kind is kinds[-1]) for kind in kinds),
            *lines[root + 1 :],
            START,
            *map(_class, kinds),
            f"API_ERRORS: Sequence[type[ApiError]] = ({', '.join(names)})",
            f"__all__ += {sorted(names)}",
            END + rest.partition(END)[2],
        ]
    )


def _branch(kind: type[EpochalError], *, is_last: bool) -> str:
    clause = re.split("[:;]", kind.sentence())[0]
    text = clause[0].lower() + clause[1:]
    return f"{BRANCH}{'└' if is_last else '├'}── {kind.__name__:22}{kind.status}  {text}"


def _class(kind: type[EpochalError]) -> str:
    pause = "" if kind.retry_after is None else f"retry_after: float = {float(kind.retry_after)}"
    return block(
        f"class {kind.__name__}(ApiError):",
        docstring(kind.__doc__ or ""),
        f"status = {kind.status}\nreason = {kind.reason!r}",
        pause,
    )
