"""An error names its field once, in its field, and describes it in words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import epochal_course
import epochal_service

SOURCES = [
    path
    for package in (epochal_service, epochal_course)
    for path in sorted(Path(str(package.__file__)).parent.rglob("*.py"))
]


def test_no_description_of_an_error_begins_with_the_name_of_its_field() -> None:
    pairs = [pair for path in SOURCES for pair in pairs_of(path.read_text("utf-8"))]
    assert len(pairs) > 300
    assert [(field, text) for field, text in pairs if is_named_twice(field, text)] == []


def test_a_field_that_is_named_twice_is_noticed() -> None:
    source = """
raise DatasetError(("samples", f"samples must be at most {most:,}"))
problems.add(at, f"{at} must be a row")
errors.append(FieldError(f"claims[{index}].metric", "metric is unknown"))
FieldError(f"jobs.{name}", f"{name} is unknown")
FieldError("job", "must be a job")
"""
    named = [text for field, text in pairs_of(source) if is_named_twice(field, text)]
    assert sorted(text.split()[0] for text in named) == ["metric", "samples", "{at}", "{name}"]


def test_no_model_has_a_pattern_without_words_for_its_error() -> None:
    models = [path for path in SOURCES if "specs" in path.parts]
    assert len(models) > 50
    assert [path.name for path in models if re.search(r"\bpattern=", path.read_text())] == []


def pairs_of(source: str) -> Iterator[tuple[str, str]]:
    """Yield the texts that stand beside each other as the arguments of a call, or as a pair."""
    for node in ast.walk(ast.parse(source)):
        values: list[ast.expr] = []
        if isinstance(node, ast.Tuple) and len(node.elts) == 2:
            values = node.elts
        elif isinstance(node, ast.Call):
            values = node.args[:2]
        texts = [text for value in values if (text := text_of(value))]
        if len(texts) == 2:
            yield texts[0], texts[1]


def text_of(node: ast.expr) -> str | None:
    """Return a text with its parts in braces; a variable is one part."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return f"{{{name}}}"
        case ast.JoinedStr(values=values):
            return "".join(text_of(value) or "" for value in values)
        case ast.FormattedValue(value=value):
            return f"{{{ast.unparse(value)}}}"
    return None


def is_named_twice(field: str, text: str) -> bool:
    return any(text.startswith(f"{name} ") for name in {field, field.rpartition(".")[2]} if name)
