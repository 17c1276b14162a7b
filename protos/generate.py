"""Write into the .proto files what the models say of their fields, and compile them for both
distributions; with --check, only report what is stale or has no comment.

A message has the name of the model that both wires share, and so have its fields: what these mean
is written once, in `epochal_service.specs`. Whatever has no model keeps the comment that it has.
"""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter

from epochal_service.rest.app import create_app
from epochal_service.settings import Settings
from epochal_service.specs import datasets, networks, training
from epochal_service.specs.base import Reply, Request, Spec

ROOT = Path(__file__).resolve().parent
TARGETS = (
    ROOT.parent / "service/epochal_service/_proto/epochal.binpb",
    ROOT.parent / "clients/python/src/epochal/_proto/epochal.binpb",
)

KINDS = {
    "LayerSpec": networks.LayerSpec,
    "OptimizerSpec": training.OptimizerSpec,
    "ScheduleSpec": training.ScheduleSpec,
    "AugmentationSpec": training.AugmentationSpec,
    "DatasetSpec": datasets.DatasetSpec,
}
"""Messages with the fields of several models, most of which have a `type` that names them."""
COMMENT_WIDTH = 100


# ---------------------------------------------------------------- comments


def commented() -> tuple[dict[Path, str], list[str]]:
    """The text of every .proto file with its comments, and the names of what has none."""
    known, files, silent = _known(), {}, []
    for path in sorted((ROOT / "epochal/v1").glob("*.proto")):
        lines: list[str] = []
        comment: list[str] = []
        scope: list[str] = []
        for line in path.read_text().splitlines():
            if line.lstrip().startswith("//"):
                comment.append(line)
                continue
            name = _declared(line, scope)
            if name in known:
                comment = _wrapped(known[name], line)
            elif name and not comment and not _explains_itself(line, name):
                silent.append(name)
            lines += [*comment, line]
            comment = []
            if line.endswith("{"):
                scope.append(name or "")
            elif line.strip() == "}":
                scope.pop()
        files[path] = "\n".join([*lines, *comment]) + "\n"
    return files, silent


def _declared(line: str, scope: list[str]) -> str | None:
    """The name of the message, field, enum, service or method that begins here."""
    if block := re.match(r"(?:message|enum|service) (\w+) {", line):
        return block[1]
    inside = scope[-1] if scope else ""
    if field := re.match(r"  (?:optional |repeated |map<.*> )?.*?(\w+) = \d+;$", line):
        return f"{inside}.{field[1]}"
    if method := re.match(r"  rpc (\w+)\(", line):
        return f"{inside}.{method[1]}"
    return None


def _explains_itself(line: str, name: str) -> bool:
    """An enum and its words, and the request of a method."""
    return line.startswith("enum") or name.rpartition(".")[2].isupper() or name.endswith("Request")


def _known() -> dict[str, str]:
    """What the models say: by `Message`, and by `Message.field`."""
    app = create_app(Settings(_env_file=None))
    methods = {
        f"{verb.upper()} {path}": _camel(operation["operationId"])
        for path, item in app.openapi()["paths"].items()
        for verb, operation in item.items()
    }
    found: dict[str, str] = {}
    for model in (one for kind in (Spec, Request, Reply) for one in _subclasses(kind)):
        found[model.__name__] = cleandoc(model.__doc__ or "")
        for field, about in _fields(model).items():
            found[f"{model.__name__}.{field}"] = _told(about)
    for message, union in KINDS.items():
        found |= {f"{message}.{field}": text for field, text in _by_kind(union).items()}
    return {name: _in_words_of_grpc(text, methods) for name, text in found.items() if text}


def _subclasses(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for child in model.__subclasses__():
        yield child
        yield from _subclasses(child)


def _fields(model: type[BaseModel]) -> dict[str, dict[str, Any]]:
    schema = model.model_json_schema()
    # A model that is a part of itself stands among its definitions.
    schema = schema.get("$defs", {}).get(model.__name__, schema)
    fields: dict[str, dict[str, Any]] = schema.get("properties", {})
    return fields


def _by_kind(union: Any) -> dict[str, str]:
    """Of each field, which kinds have it, and what it is to them."""
    schema = TypeAdapter(union).json_schema()
    kinds = [schema["$defs"][one["$ref"].rpartition("/")[2]] for one in schema["oneOf"]]
    told: dict[str, dict[str, dict[str, list[str]]]] = {}
    for kind in kinds:
        fields = dict(kind["properties"])
        name = fields.pop("type", {}).get("const", "")
        for field, about in fields.items():
            texts = told.setdefault(field, {}).setdefault(_meaning(about), {})
            texts.setdefault(_default(about), []).append(f"`{name}`" if name else "")
    return {
        field: "\n".join(_of_kinds(text, defaults, len(kinds)) for text, defaults in texts.items())
        for field, texts in told.items()
    }


def _of_kinds(text: str, defaults: dict[str, list[str]], count: int) -> str:
    names = [name for some in defaults.values() for name in some]
    if len(defaults) > 1:
        values = (f"{value or 'none'} ({', '.join(some)})" for value, some in defaults.items())
        text += f" If unset: {', '.join(values)}."
    else:
        text += _if_unset(*defaults)
    return text if len(names) == count or not any(names) else f"{', '.join(names)}: {text}"


def _told(about: dict[str, Any]) -> str:
    return _meaning(about) + _if_unset(_default(about))


def _meaning(about: dict[str, Any]) -> str:
    """What a field means, and the range that its JSON schema knows of."""
    number = next((one for one in about.get("anyOf", ()) if one.get("type") != "null"), about)
    low, high = number.get("minimum"), number.get("maximum")
    above, below = number.get("exclusiveMinimum"), number.get("exclusiveMaximum")
    facts = []
    if above is not None:
        facts.append(f"more than {_shown(above)}")
    if low is not None and high is not None:
        facts.append(f"from {_shown(low)} to {_shown(high)}")
    elif low or (low == 0 and below == 1):
        facts.append(f"at least {_shown(low)}")
    elif high is not None:
        facts.append(f"at most {_shown(high)}")
    if below is not None and below < 2**53:
        facts.append(f"less than {_shown(below)}")
    range_ = ", ".join(facts)
    text: str = about.get("description") or number.get("description", "")
    return text + (f" {range_[0].upper()}{range_[1:]}." if range_ else "")


def _default(about: dict[str, Any]) -> str:
    """What is taken if the field is unset; empty where that is what anybody would think."""
    default = about.get("default")
    return _shown(default) if isinstance(default, bool | int | float | str) and default else ""


def _if_unset(default: str) -> str:
    return f" {default[0].upper()}{default[1:]} if unset." if default else ""


def _shown(value: bool | float | str) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f"`{value}`"
        case float() if not 1e-3 <= abs(value) <= 1e6 and value:
            return re.sub(r"e([+-])0*", lambda match: f"e{match[1].strip('+')}", f"{value:g}")
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"


def _in_words_of_grpc(text: str, methods: dict[str, str]) -> str:
    """A method by its name here; what is null in JSON is unset."""
    for there, here in methods.items():
        text = text.replace(f"`{there}`", here)
    return re.sub(r"\bnull\b", "unset", re.sub(r"\bNull\b", "Unset", text))


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _wrapped(text: str, line: str) -> list[str]:
    indent = line[: len(line) - len(line.lstrip())] + "//"
    wrapped = []
    for paragraph in text.split("\n\n"):
        for part in paragraph.split("\n") if ".\n`" in paragraph else [paragraph]:
            wrapped += textwrap.wrap(
                part, COMMENT_WIDTH, initial_indent=f"{indent} ", subsequent_indent=f"{indent} "
            )
        wrapped.append(indent)
    return wrapped[:-1]


# ---------------------------------------------------------------- files


def main(check: bool) -> int:
    files, silent = commented()
    stale = [path for path, text in files.items() if path.read_text() != text]
    if not check:
        for path in stale:
            path.write_text(files[path])
        subprocess.run([sys.executable, str(ROOT / "compile.py"), *map(str, TARGETS)], check=True)
    if check and stale:
        print("stale, run `make protos`:", *(t.relative_to(ROOT.parent) for t in stale))
    if silent:
        print("without a comment:", *silent)
    return 1 if silent or (check and stale) else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
