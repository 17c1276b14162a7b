"""Random filters, and filters as text."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from epochal_service.specs.filters import Comparison, Every, Not, Search, Some, Tree, Value
from epochal_service.specs.jobs import job_fields

FIELDS = job_fields()
TEXTS = ("moons", "a", "", 'a "b"', "*", "50%_", "\\", "Ü", "AND", "-a")
NUMBERS = (0, 1, 3, -2.5, 0.01, 1e-9, 1e300)
COMPARED = (
    *("state", "stop_reason", "owner", "name", "labels.course", "labels.week.1"),
    *("epoch", "best.value", "best.validation_loss", "latest.train_loss", "created_at"),
    *("spec.optimizer.type", "spec.optimizer.learning_rate", "spec.shuffle", "spec.dataset.name"),
    *("spec.early_stopping.patience", "experiment.seed", "baselines.constant.train_loss"),
)
PRESENT = (*COMPARED, "best", "latest", "divergence", "spec.early_stopping", "labels", "experiment")


def path_of(name: str) -> tuple[str, ...]:
    is_label = name.startswith("labels.")
    return ("labels", name.removeprefix("labels.")) if is_label else tuple(name.split("."))


@st.composite
def comparisons(draw: st.DrawFn) -> Comparison:
    if draw(st.integers(0, 4)) == 0:
        return Comparison(path_of(draw(st.sampled_from(PRESENT))), "has")
    name = draw(st.sampled_from(COMPARED))
    field = FIELDS.get(name)
    kind = field.kind if field else "text"
    operator = draw(st.sampled_from(["=", "<", "<=", ">", ">="]))
    starts = ends = False
    value: Any
    match kind:
        case "text":
            value = draw(st.sampled_from(TEXTS))
            if operator == "=":
                starts, ends = draw(st.booleans()), draw(st.booleans())
                # A single asterisk ends with the empty text.
                starts &= bool(value) or ends
        case "word":
            assert field is not None
            operator, value = "=", draw(st.sampled_from(field.words))
        case "boolean":
            operator, value = "=", draw(st.booleans())
        case _:
            value = draw(st.sampled_from(NUMBERS if kind == "number" else (0.0, 1.5, 7.0)))
    return Comparison(path_of(name), operator, value, kind, starts, ends)


def trees() -> st.SearchStrategy[Tree]:
    leaf: st.SearchStrategy[Tree] = comparisons() | st.sampled_from(TEXTS).map(Search)

    def larger(part: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        parts = st.lists(part, min_size=2, max_size=3).map(tuple)
        return part.map(Not) | parts.map(Every) | parts.map(Some)

    return st.recursive(leaf, larger, max_leaves=8)


def shown(tree: Tree) -> str:
    """Write a filter with parentheses around each part."""
    match tree:
        case Search(text):
            return _quoted(text)
        case Not(part):
            return f"NOT ({shown(part)})"
        case Every(parts):
            return " AND ".join(f"({shown(part)})" for part in parts)
        case Some(parts):
            return " OR ".join(f"({shown(part)})" for part in parts)
        case Comparison(path, "has"):
            return f"{_name(path)}:*"
        case Comparison(path, operator, value, kind, starts, ends):
            return f"{_name(path)} {operator} {_value(value, kind, starts, ends)}"


def _name(path: tuple[str, ...]) -> str:
    return ".".join(path)


def _value(value: Value, kind: str, starts: bool, ends: bool) -> str:
    if kind == "time":
        return datetime.fromtimestamp(float(value), UTC).isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return repr(value)
    return f'"{"*" * ends}{_escaped(value)}{"*" * starts}"'


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return "".join(f"\\{c}" if c in '"\\*' else c for c in text)
