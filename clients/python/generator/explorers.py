"""The text of simulations.py: `client.course.simulate`, with one method for each explorer."""

from __future__ import annotations

from typing import Any, get_args, get_origin

from epochal_course.api import COURSE
from epochal_service.methods.method import Method
from epochal_service.specs.base import Spec

from .builders import documented
from .classes import HEADER, block, is_record
from .examples import EXAMPLES
from .models import ALIASES, Field, bare, fields, models, reachable, union_members, words_of
from .spelling import CHOICES, SPEC_NAMES, place_of, record_name, request_type, spec_name

POSITIONAL = {"image", "model", "table", "text"}
"""Fields that are positional although they have a default."""
WIDER = {
    "NetworkSpec": "NetworkSpec | Spec",
    "OptimizerSpec": "OptimizerChoice",
    "ScheduleSpec": "ScheduleChoice",
    "ShortDataset": "ShortDatasetChoice",
    "TransformerSizeSpec": "TransformerSizeSpec | TransformerSize",
    "Sequence[GivenWeights]": "Mapping[str, ArrayLike]",
}
"""The type of an argument, by the type of the field."""
WEIGHTS = 'Parameters that replace the initial ones, as in a checkpoint: {"dense_1.weight": …}.'
IMPORTS = """\
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from .arrays import ArrayLike
from .explorers import Explorers, by_layer, filled, flat, listed, rows
from .specs import Spec, with_objects
"""
CLASS = '''
"""`client.course.simulate`: stateless computations with explained numbers.

>>> client.course.simulate.neuron([1, 0.5, 0.8], [0.7, -0.3, 0.5], bias=-0.2).weighted_sum.value
0.75

An explained number is a `Quantity`: its `value`, its `formula`, and the formula with the
numbers `substituted`. Lists of numbers are arrays; tables are tuples with an array for each
row. Omitted arguments take the service's defaults.

All methods raise `InvalidArgument`. Its `errors` name each invalid field, or the cost of a
request that would take longer than a fraction of a second; for that, use a job or a sweep.
"""
'''


def simulations_file() -> str:
    """Return the text of simulations.py."""
    explorers = [method for method in COURSE.methods.values() if method.is_pure]
    replies = [method.reply for method in explorers if method.reply]
    records = [record_name(model) for model in reachable(replies) if is_record(model)]
    records += SPEC_NAMES
    specs = [spec_name(model) for model in models() if issubclass(model, Spec)]
    names = {*records, *specs, *ALIASES.words.values(), *ALIASES.unions.values(), *CHOICES}
    exported = sorted({*records, "Simulations"})
    return "\n\n".join(
        [
            '"""The explorers of the journey: small computations with every number explained.\n\n'
            f'{HEADER}\n"""',
            IMPORTS + f"from .types import {', '.join(sorted(names))}",
            f"__all__ = {exported!r}",
            block("class Simulations(Explorers):", CLASS, *map(_method, explorers)),
        ]
    )


def _method(method: Method) -> str:
    """Return the method of one explorer."""
    assert method.body
    assert method.reply
    request, reply = method.body, record_name(method.reply)
    name = method.name.removeprefix("simulate_")
    given = fields(request)
    types = {field.name: _type(field, place_of(request, field)) for field in given}
    first = [field for field in given if field.required or field.name in POSITIONAL]
    rest = [field for field in given if field not in first]
    first.sort(key=lambda field: not field.required)

    def argument(field: Field) -> str:
        text = f"{field.name}: {types[field.name]}"
        return text if field.required else f"{text} | None = None"

    texts = {
        field.name: WEIGHTS if "Mapping" in types[field.name] else field.description
        for field in [*first, *rest]
    }
    signature = ["self", *map(argument, first), *(["*"] if rest else []), *map(argument, rest)]
    specified = [name for name in types if types[name].endswith("Choice")]
    parts = [repr(method.rpc), reply]
    if specified:
        objects = ", ".join(f'"{name}": {name}' for name in specified)
        parts.append(f"**with_objects({{{objects}}})")
    parts += [f"{f.name}={_value(f, types[f.name])}" for f in given if f.name not in specified]
    return block(
        f"def {name}({', '.join(signature)}) -> {reply}:",
        documented(method.description, texts, EXAMPLES[name].strip(), indent=8),
        f"return self._simulate({', '.join(parts)})\n",
    )


def _type(field: Field, place: str) -> str:
    """Return the type of an argument without None."""
    text = request_type(field.annotation, place).removesuffix(" | None")
    if text.startswith("Sequence[") and words_of(_item(field)):
        return f"{text.removeprefix('Sequence[').removesuffix(']')} | {text}"
    return WIDER.get(text, text)


def _value(field: Field, kind: str) -> str:
    """Return an argument in the form of the API."""
    if kind == "ArrayLike":
        return f"{'rows' if get_origin(bare(_item(field))) is list else 'flat'}({field.name})"
    if kind.startswith("Mapping"):
        return f"by_layer({field.name})"
    if " | Sequence[" in kind:
        return f"listed({field.name})"
    return f"filled({field.name})" if "TransformerSize" in kind else field.name


def _item(field: Field) -> Any:
    """Return the type of the items of a list."""
    (hint,) = union_members(field.annotation) or (field.annotation,)
    return get_args(bare(hint))[0]
