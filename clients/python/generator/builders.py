"""The text of the modules with spec builders, one function for each type of spec."""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Sequence
from inspect import cleandoc
from typing import Any

from pydantic import BaseModel

from epochal_service.datasets import CATALOG
from epochal_service.specs import datasets, networks, training

from .classes import HEADER, block, docstring
from .models import ALIASES, Field, bare, fields, type_word, union_members
from .spelling import place_of, request_type, spec_name

BUILDERS = {
    "layers": (networks.LayerSpec, "Layers of a network, one function for each type."),
    "optimizers": (training.OptimizerSpec, "Optimizers, one function for each type."),
    "schedules": (training.ScheduleSpec, "Learning rate schedules, one function for each type."),
    "augmentations": (
        training.AugmentationSpec,
        "Augmentations of training samples, one function for each type.",
    ),
    "corruptions": (
        training.CorruptionSpec,
        "Corruptions of samples, which become targets, one function for each type.",
    ),
}


def builders_file(union: Any, idea: str) -> str:
    """Return the text of a module with one function for each spec of a union."""
    members = [bare(member) for member in union_members(union)]
    functions = [_builder(model) for model in members]
    names = {*ALIASES.words.values(), *ALIASES.unions.values()}
    used = {name for name in names for text in functions if re.search(rf"\b{name}\b", text)}
    imported = sorted({spec_name(model) for model in members} | used)
    return _module(idea, [type_word(model) for model in members], imported, functions)


def data_file() -> str:
    """Return the text of data.py: one function for each built-in data set."""
    functions = [_dataset(name) for name in CATALOG]
    names = [_identifier(name) for name in CATALOG]
    idea = "Built-in data sets, one function for each."
    return _module(idea, names, ["NamedDataset", "Scaling"], functions)


def _module(
    idea: str, names: Sequence[str], imported: Sequence[str], functions: Sequence[str]
) -> str:
    return "\n\n".join(
        [
            f'"""{idea}\n\n{HEADER}\n"""',
            "from __future__ import annotations",
            "from collections.abc import Sequence\nfrom typing import Literal\n",
            f"from .building import build\nfrom .types import {', '.join(imported)}\n",
            f"__all__ = {sorted(names)!r}\n",
            *functions,
        ]
    )


def _builder(model: type[BaseModel]) -> str:
    """Return a function that builds the spec of one type from the fields of its model."""
    given = [field for field in fields(model) if field.name != "type"]
    # The activation is positional too: dense(4, "tanh").
    first = [field for field in given if field.required]
    first += [field for field in given if field.name == "activation" and not field.required]
    rest = [field for field in given if field not in first]
    # The fields of every layer come last.
    rest.sort(key=lambda field: field.name in ("name", "input"))

    def argument(field: Field) -> str:
        kind = request_type(field.annotation, place_of(model, field)).removesuffix(" | None")
        return f"{field.name}: {kind}" if field.required else f"{field.name}: {kind} | None = None"

    word = type_word(model)
    # A function called `slice` hides the built-in one, in a module that has no use for it.
    note = "  # noqa: A001" if word == "slice" else ""
    signature = [*map(argument, first), *(["*"] if rest else []), *map(argument, rest)]
    described = {field.name: field.description for field in [*first, *rest]}
    values = [f'type="{word}"', *(f"{name}={name}" for name in described)]
    return block(
        f"def {word}({note}\n{', '.join(signature)}) -> {spec_name(model)}:",
        documented(cleandoc(model.__doc__ or ""), described),
        f"return build({spec_name(model)}, {', '.join(values)})",
    )


def _dataset(name: str) -> str:
    """Return a function that builds the spec of one built-in data set."""
    entry = CATALOG[name]
    about = {field.name: field.description for field in fields(datasets.NamedDataset)}
    signature, described = ["*"], {}
    for key, parameter in entry.parameters.items():
        signature.append(f"{key}: {'int' if parameter.integer else 'float'} | None = None")
        text = f"{_sentence(parameter.description)} From {parameter.minimum:g} to "
        described[key] = f"{text}{parameter.maximum:g}."
        if parameter.default is not None:
            described[key] += f" Default {parameter.default:g}."
    if entry.vocabularies:
        signature.append("vocabulary: str | None = None")
        described["vocabulary"] = about["vocabulary"]
    if entry.parameters:
        signature.append("seed: int | None = None")
        described["seed"] = about["seed"]
    signature.append("scaling: Scaling | None = None")
    described["scaling"] = about["scaling"]
    values = [f'name="{name}"', *(f"{key}={key}" for key in described)]
    return block(
        f"def {_identifier(name)}({', '.join(signature)}) -> NamedDataset:",
        documented(entry.description, described),
        f"return build(NamedDataset, {', '.join(values)})",
    )


def documented(text: str, arguments: dict[str, str], example: str = "", indent: int = 4) -> str:
    """Return a docstring with a section on the arguments, and an example."""
    lines = [
        textwrap.fill(
            " ".join(f"{name}: {about}".split()),
            100 - indent,
            initial_indent="    ",
            subsequent_indent="        ",
            break_on_hyphens=False,
        )
        for name, about in arguments.items()
        if about
    ]
    head = docstring(text, indent)
    if not lines:
        return head
    described = "\n".join(lines).replace("\\", "\\\\")
    shown = f"\n\n{example}" if example else ""
    return f'{head.removesuffix(chr(34) * 3).rstrip()}\n\nArgs:\n{described}{shown}\n"""'


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:].rstrip('.')}."


def _identifier(name: str) -> str:
    """Return `name`, followed by an underscore if it is a keyword."""
    return f"{name}_" if keyword.iskeyword(name) else name
