"""Where the data of a training came from: what a program needs to prepare a file as it was."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from textwrap import indent
from typing import Any, Literal

from ...data.generators import GENERATORS
from .._sources import HERE, body_of, functions_of, included
from ..numpy_script import encoder
from ..scaling import Table


@dataclass(frozen=True)
class Generated:
    """A data set that a generator draws: its name, its parameters and its seed."""

    name: str
    parameters: Mapping[str, float]
    seed: int


@dataclass(frozen=True)
class Source:
    """How the rows of a data set became the samples of a training."""

    split_seed: int
    validation_fraction: float
    """0 also where another data set validates."""
    test_fraction: float
    is_stratified: bool
    group_column: str | None
    """The column whose equal cells stay in one part."""
    group_features: Sequence[int] | None
    """The features of that column; None if it is no input."""
    scaling: Literal["none", "standard", "minmax"]
    unscaled: Sequence[int]
    """Features that keep their values."""
    target_scaling: Literal["none", "standard"]
    target_form: str
    """What the loss reads: `numbers`, `binary` or `classes`."""
    table: Table
    generated: Generated | None = None


def section_of(source: Source | None) -> str:
    """Return the part of a program that compares its data with a file."""
    if source is None:
        return (
            "\n\ndef data_differences(path):\n"
            '    print("No file can be compared with the data of this training.", file=sys.stderr)'
            "\n    sys.exit(2)\n"
        )
    values = {name: value for name, value in asdict(source).items() if name != "table"}
    values["feature_names"] = [*source.table.feature_names]
    values["class_names"] = [*source.table.class_names]
    values["target"] = source.table.target_names[0]
    columns = [column["name"] for column in source.table.columns]
    values["columns"] = columns or values["feature_names"]
    listed = "".join(f"    {name!r}: {value!r},\n" for name, value in values.items())
    splitting = functions_of("../data/data.py")
    return (
        "\n\nimport csv\nimport io\nimport re\n"
        "from collections import namedtuple\nfrom datetime import datetime\n\n"
        f"DATA = {{\n{listed}}}\n"
        'Rows = namedtuple("Rows", "train validation test")\n'
        + included("split_rows()", splitting)
        + _generator(source.generated)
        + _reader(source.table)
        + body_of("training/_data.py")
        + "\n"
    )


def _reader(table: Table) -> str:
    """Return the source of `read(text)` and `encode(rows)`, with helpers of their own."""
    sources = encoder(table) or f"{functions_of('_rows.py')['read']}\n\n\n{_ENCODE_NUMBERS}"
    return (
        "\n\ndef reader():\n"
        '    """Return what reads a table, and what turns its rows into inputs."""\n'
        f"{indent(sources.strip(), '    ')}\n\n    return read, encode\n\n\n"
        "read, encode = reader()\n\n\n"
    )


_ENCODE_NUMBERS = '''def encode(rows):
    """Return rows, dicts by column name, as inputs."""
    return np.array([[float(row[name]) for name in DATA["feature_names"]] for row in rows])
'''


def _generator(generated: Generated | None) -> str:
    """Return the source of `generated()`, which draws the data set again."""
    if generated is None:
        return "\n\ngenerated = None\n"
    function: Any = GENERATORS[generated.name].function
    first = ""
    if isinstance(function, partial):
        function, first = function.func, "".join(f"{value!r}, " for value in function.args)
    given = "".join(f"{name}={value!r}, " for name, value in generated.parameters.items())
    call = f"{function.__name__}({first}{given}rng=np.random.default_rng({generated.seed}))"
    sources = included(call, _definitions("../data/generators.py"))
    return (
        "\n\ndef generated():\n"
        '    """Return the inputs and the targets of the data set, from its seed."""\n'
        f"{indent(sources.strip(), '    ')}\n\n    return {call}\n"
    )


@cache
def _definitions(file: str) -> dict[str, str]:
    """Return what a file defines: imports, constants and functions, by name and in order."""
    text = (HERE / file).read_text("utf-8")
    lines = text.splitlines()
    definitions: dict[str, str] = {}
    for node in ast.parse(text).body:
        match node:
            case ast.FunctionDef(name=name):
                names = [name]
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                names = [name]
            case ast.ImportFrom():
                names = [alias.asname or alias.name for alias in node.names]
            case _:
                continue
        source = "\n".join(lines[node.lineno - 1 : node.end_lineno])
        definitions.update(dict.fromkeys(names, source))
    return definitions
