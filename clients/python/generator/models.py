"""The models of the service, their fields, and the names of their word lists and unions."""

from __future__ import annotations

import importlib
import pkgutil
import types
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from inspect import cleandoc
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

import epochal_course.specs
import epochal_service.specs
from epochal_service.specs.base import KeyOf, Reply, Spec
from epochal_service.specs.describe import field_descriptions


@dataclass(frozen=True)
class Field:
    """One field of a model."""

    name: str
    annotation: Any
    required: bool
    description: str


def models() -> list[type[BaseModel]]:
    """Return every model of both APIs in the order of the source."""
    matches: list[type[BaseModel]] = []
    for module in _modules():
        for member in vars(module).values():
            # Models that follow from the engine are the values of a dict.
            members = member.values() if isinstance(member, dict) else [member]
            matches += [m for m in members if is_model(m) and m.__module__ == module.__name__]
    return [model for model in dict.fromkeys(matches) if model not in (Spec, Reply)]


def _modules() -> list[types.ModuleType]:
    return [
        importlib.import_module(module.name)
        for package in (epochal_service.specs, epochal_course.specs)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    ]


def is_model(member: object) -> bool:
    """Return whether `member` is a pydantic model."""
    return isinstance(member, type) and issubclass(member, BaseModel)


def fields(model: type[BaseModel]) -> list[Field]:
    """Return the fields of a model in order."""
    hints = typing.get_type_hints(model, include_extras=True)
    texts = field_descriptions(model)
    return [
        Field(name, hints[name], about.is_required(), cleandoc(texts.get(name, "")))
        for name, about in model.model_fields.items()
    ]


def metadata_of(hint: Any) -> tuple[Any, ...]:
    """Return the metadata of an Annotated hint; empty for any other."""
    return tuple(get_args(hint)[1:]) if get_origin(hint) is Annotated else ()


def bare(hint: Any) -> Any:
    """Return `hint` without its metadata."""
    return bare(get_args(hint)[0]) if get_origin(hint) is Annotated else hint


def words_of(hint: Any) -> tuple[str, ...] | None:
    """Return the words of a Literal, or of a string that must be a key of a table."""
    if get_origin(bare(hint)) is Literal:
        return tuple(get_args(bare(hint)))
    for about in metadata_of(hint):
        if isinstance(about, KeyOf):
            return tuple(about.table)
    return None


def union_members(hint: Any) -> tuple[Any, ...]:
    """Return the members of a union without None; empty for any other hint."""
    if get_origin(bare(hint)) not in (Union, types.UnionType):
        return ()
    return tuple(m for m in get_args(bare(hint)) if m is not types.NoneType)


def is_optional(hint: Any) -> bool:
    """Return whether None is allowed."""
    is_union = get_origin(bare(hint)) in (Union, types.UnionType)
    return is_union and types.NoneType in get_args(bare(hint))


class Aliases:
    """Names of the word lists and unions that the modules of `specs` define."""

    def __init__(self) -> None:
        self.words: dict[tuple[str, ...], str] = {}
        self.unions: dict[tuple[str, ...], str] = {}
        for module in _modules():
            for name, member in vars(module).items():
                if name.startswith("_") or isinstance(member, type):
                    continue
                if (words := words_of(member)) and name not in self.words.values():
                    self.words.setdefault(words, name)
                parts = union_members(member)
                if parts and all(is_model(bare(part)) for part in parts):
                    self.unions.setdefault(tuple(bare(p).__name__ for p in parts), name)

    def word_type(self, words: tuple[str, ...]) -> str:
        """Return the name of a word list, or the list itself if it has no name."""
        return self.words.get(words) or quoted_words(words)


def quoted_words(words: Sequence[str]) -> str:
    """Return a Literal of words."""
    quoted = ", ".join(f'"{word}"' for word in words)
    return f"Literal[{quoted}]"


def type_word(model: type[BaseModel]) -> str:
    """Return the word in the `type` of a spec."""
    (word,) = words_of(model.model_fields["type"].annotation) or ("",)
    return word


ALIASES = Aliases()


def models_in(hint: Any) -> Iterator[type[BaseModel]]:
    """Yield every model in a hint."""
    hint = bare(hint)
    if is_model(hint):
        yield hint
    for argument in get_args(hint):
        yield from models_in(argument)


def reachable(roots: Sequence[type[BaseModel]]) -> list[type[BaseModel]]:
    """Return `roots` and every model in their fields, in the order of `models`."""
    matches: set[type[BaseModel]] = set()
    todo = list(roots)
    while todo:
        model = todo.pop()
        if model not in matches:
            matches.add(model)
            todo += [m for field in fields(model) for m in models_in(field.annotation)]
    return [model for model in models() if model in matches]
