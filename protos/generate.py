"""Generate the .proto files, and two lists in docs/, from methods, models and errors.

    python -m protos.generate [--check]

A message has the name and the fields of a model; a message of several kinds, such as `LayerSpec`,
has a `oneof` with a field for each member of a union. `numbers.json` has the numbers of fields and
enum words, and the names of enums and unions, which models do not have: it only ever grows. With
--check, the program reports what is stale instead of writing it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from epochal_service.apis import apis

from .contract import Contract, Enum, Field, Message
from .descriptions import ONEOFS, Descriptions, wrapped
from .errors import documented_errors

ROOT = Path(__file__).resolve().parent
NUMBERS = ROOT / "numbers.json"
TARGETS = (
    ROOT.parent / "service/epochal_service/_proto/epochal.binpb",
    ROOT.parent / "clients/python/src/epochal/_proto/epochal.binpb",
)
CONVENTIONS = """Conventions of all files here.

A message's fields have the names, defaults and limits of the JSON bodies. An unset field is `null`
in JSON. Enum words in JSON are lower-case, without the prefix: ACTIVATION_RELU is "relu".

A message of several kinds has a oneof; in JSON, the fields of the one that is set stand in its
place. If the oneof is called `type`, its name stands beside them: LayerSpec {dense: {units: 8}} is
{"type": "dense", "units": 8}. The server-sent event of an event is named like its field."""
API = ROOT.parent / "docs/api.md"
ERRORS = ROOT.parent / "docs/api/conventions.md"
START, END = "<!-- methods: written by `make protos` -->", "<!-- end of methods -->"
GENERATED = "// Generated from the models of the service by `make protos`. Do not edit."


def files(contract: Contract, descriptions: Descriptions) -> dict[Path, str]:
    """The text of every .proto file."""
    texts: dict[Path, str] = {}
    for file, services in contract.files.items():
        body: list[str] = []
        for service in services:
            body += [*wrapped(service.description, "//"), f"service {service.name} {{"]
            for method in service.methods:
                body += wrapped(descriptions.method(method), "  //")
                request, reply = contract.types_of(method)
                stream = "stream " if method.event else ""
                reply = contract.name_in(file, reply.removeprefix("stream "))
                body.append(f"  rpc {method.rpc}({request}) returns ({stream}{reply});")
            body += ["}", ""]
        for part in contract.parts(file):
            lines = (
                _enum(part, descriptions)
                if isinstance(part, Enum)
                else _message(part, descriptions, partial(contract.name_in, file))
            )
            body += [*lines, ""]
        parts = file.parent.parts
        head = [GENERATED, "", 'syntax = "proto3";', "", f"package {'.'.join(parts)};", ""]
        if imports := contract.imports(file):
            head += [*(f'import "{path}";' for path in imports), ""]
        head += [*_options(parts), ""]
        if not texts:
            head += [*wrapped(CONVENTIONS, "//"), ""]
        texts[ROOT / file] = "\n".join([*head, *body]).rstrip() + "\n"
    return texts


def _options(parts: Sequence[str]) -> list[str]:
    """What other languages call the package."""
    return [
        f'option csharp_namespace = "{".".join(map(str.capitalize, parts))}";',
        f'option go_package = "{"/".join(parts)};{"".join(parts)}";',
        "option java_multiple_files = true;",
        f'option java_package = "{".".join(parts)}";',
    ]


def documented(text: str) -> str:
    """The text of docs/api.md with the list of methods."""
    before, _, rest = text.partition(START)
    after = rest.partition(END)[2]
    lines: list[str] = []
    for service in (service for api in apis() for service in api.services):
        lines += ["", f"**{service.name}.** {service.description}", ""]
        lines += ["| gRPC | REST | |", "|---|---|---|"]
        for method in service.methods:
            stream = " (stream)" if method.event else ""
            lines.append(f"| `{method.rpc}`{stream} | `{method.http}` | {method.summary} |")
    return f"{before}{START}\n" + "\n".join(lines) + f"\n\n{END}{after}"


def _message(
    message: Message, descriptions: Descriptions, name_in: Callable[[str], str]
) -> list[str]:
    comment = wrapped(descriptions.message(message), "//")
    if not message.fields:
        return [*comment, f"message {message.name} {{}}"]
    lines = [*comment, f"message {message.name} {{"]
    reserved = [field for field in message.fields if field.kind is None]
    if reserved:
        lines.append(f"  reserved {', '.join(str(field.number) for field in reserved)};")
        lines.append(f"  reserved {', '.join(json.dumps(field.name) for field in reserved)};")
    oneof: list[str] = []
    for field in message.fields:
        if field.kind is not None:
            part, indent = (oneof, "    ") if field.is_kind else (lines, "  ")
            part += wrapped(descriptions.field(message, field), f"{indent}//")
            part.append(f"{indent}{_declaration(field, name_in(field.kind))} = {field.number};")
    if oneof:
        comment = wrapped(ONEOFS[message.oneof or ""], "  //")
        lines += [*comment, f"  oneof {message.oneof} {{", *oneof, "  }"]
    return [*lines, "}"]


def _declaration(field: Field, name: str) -> str:
    presence = "" if field.is_kind else "optional "
    label = {"one": presence, "list": "repeated ", "map": ""}[field.label]
    kind = f"map<string, {name}>" if field.label == "map" else name
    return f"{label}{kind} {field.name}"


def _enum(enum: Enum, descriptions: Descriptions) -> list[str]:
    lines = [*wrapped(descriptions.enum(enum), "//"), f"enum {enum.name} {{"]
    reserved = [word for word in enum.numbers if word not in enum.words]
    if reserved:
        lines.append(f"  reserved {', '.join(str(enum.numbers[word]) for word in reserved)};")
        names = (json.dumps(enum.value(word)) for word in reserved)
        lines.append(f"  reserved {', '.join(names)};")
    lines += ["  // Unset.", f"  {enum.value('unspecified')} = 0;"]
    for word, number in enum.numbers.items():
        if word in enum.words:
            lines += wrapped(descriptions.word(enum, word), "  //")
            lines.append(f"  {enum.value(word)} = {number};")
    return [*lines, "}"]


def main(check: bool) -> int:
    contract = Contract(json.loads(NUMBERS.read_text()))
    texts = files(contract, Descriptions())
    texts[NUMBERS] = contract.numbers_text()
    texts[API] = documented(API.read_text())
    texts[ERRORS] = documented_errors(ERRORS.read_text())
    stale = [path for path, text in texts.items() if not path.exists() or path.read_text() != text]
    stale += [path for path in ROOT.glob("epochal/**/*.proto") if path not in texts]
    if check:
        if stale:
            print("stale, run `make protos`:", *(path.relative_to(ROOT.parent) for path in stale))
        return 1 if stale else 0
    for path in stale:
        if path in texts:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[path])
        else:
            path.unlink()
    subprocess.run([sys.executable, str(ROOT / "compile.py"), *map(str, TARGETS)], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
