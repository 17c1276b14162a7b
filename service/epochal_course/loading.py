"""Load the content of the course from its YAML files, which a teacher edits.

    content/NAME.yaml ──> plain data ──> validated models

Each part of the content calls `load` when it is first used, and keeps the result.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any, TypeVar

import yaml  # type: ignore[import-untyped]
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from epochal_service.specs.validation import field_errors

T = TypeVar("T")
# The compiled parser is ten times as fast. An installation without a wheel may lack it.
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ContentError(ValueError):
    """A file of the content is wrong. The message names the file, the line and the field."""


class Entry(BaseModel):
    """An entry of a file whose other facts are computed, or stand in Python."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class _Loader(_SafeLoader):  # type: ignore[misc]
    """A loader of plain data that refuses a key that is given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names: set[str] = set()
        for name, _ in node.value:
            if name.value in names:
                raise yaml.MarkedYAMLError(None, None, f"{name.value} twice", name.start_mark)
            names.add(name.value)
        return super().construct_mapping(node, deep)  # type: ignore[no-any-return]


def load(name: str, kind: type[T]) -> T:
    """Return the content of `content/NAME.yaml` as a model, or as a list or dict of models.

    Raises `ContentError`, which lists every wrong field.
    """
    file = f"{name}.yaml"
    text = files(__package__).joinpath("content", file).read_text(encoding="utf-8")
    try:
        data = yaml.load(text, _Loader)
        return TypeAdapter(kind).validate_python(data)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1
        raise ContentError(f"{file}, line {line}: {error.problem}") from None
    except ValidationError as error:
        root = yaml.compose(text, _Loader)
        raise ContentError(
            "\n".join(
                f"{file}, line {_line(root, path)}: {path} {sentence}"
                for path, sentence in field_errors(error, data)
            )
        ) from None


def _line(node: yaml.Node, path: str) -> int:
    """Return the line of the field at this path, or of the part of it that is in the file."""
    for part in re.findall(r"[^.\[\]]+", path):
        if isinstance(node, yaml.SequenceNode):
            node = node.value[int(part)]
        elif isinstance(node, yaml.MappingNode):
            node = next((value for name, value in node.value if name.value == part), node)
    return int(node.start_mark.line) + 1
