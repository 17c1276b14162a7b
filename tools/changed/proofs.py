"""The savings of the selection, by the history, and its misses, by planted faults."""

from __future__ import annotations

import ast
import copy
import random
import statistics
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tools.changed.record import Record
from tools.changed.selection import is_python, select
from tools.changed.sources import Sources, git
from tools.mutation.__main__ import FAILED, copy_tree, run_tests

PRODUCT = ("engine/epochal_engine/", "service/", "workers/", "clients/python/src/")
OTHER: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


def history(record: Record, count: int) -> int:
    """Print the tests that each of the last commits can break, and their seconds on two cores."""
    row: list[float] = []
    blobs: dict[str, str] = {}

    def text(blob: str) -> str:
        if blob not in blobs:
            blobs[blob] = git("cat-file", "blob", blob)
        return blobs[blob]

    def files(commit: str) -> dict[str, str]:
        lines = [line.split("\t") for line in git("ls-tree", "-r", commit).splitlines()]
        return {path: about.split()[2] for about, path in lines}

    for commit in git("rev-list", f"-{count}", "HEAD").split():
        old, new = files(f"{commit}^"), files(commit)
        sources = Sources({path: text(blob) for path, blob in new.items() if is_python(path)})
        changes = []
        for path in sorted(p for p in old.keys() | new.keys() if old.get(p) != new.get(p)):
            texts = [text(f[path]) if is_python(path) and path in f else "" for f in (old, new)]
            changes.append((path, texts[0], texts[1]))
        selection = select(record, sources, changes)
        tests = selection.all_tests()
        row.append(record.time(tests) / 2)
        about = git("log", "-1", "--format=%h %s", commit).strip()
        print(f"{tests.bit_count():5} tests {row[-1]:6.0f} s  {about}", flush=True)
    whole = record.time((1 << len(record.tests)) - 1) / 2
    print(f"median {statistics.median(row):.0f} s of {whole:.0f} s")
    return 0


def faults(node: ast.AST) -> Iterator[tuple[ast.AST, str, Any]]:
    """Yield (node, attribute, other value) of all faults that can be planted in a function."""
    for inner in ast.walk(node):
        match inner:
            case ast.Compare(ops=[operator]) if type(operator) in OTHER:
                yield inner, "ops", [OTHER[type(operator)]()]
            case ast.BinOp(op=operator) | ast.BoolOp(op=operator) | ast.AugAssign(op=operator) if (
                type(operator) in OTHER
            ):
                yield inner, "op", OTHER[type(operator)]()
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                yield inner, "value", number + 1
            case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
                yield inner, "test", ast.UnaryOp(ast.Not(), test)
        for name in ("body", "orelse"):
            body: Any = getattr(inner, name, None)
            for place, statement in enumerate(body if isinstance(body, list) else ()):
                match statement:
                    case ast.Expr(value=ast.Constant()):
                        pass
                    case ast.Expr() | ast.Assign() | ast.AugAssign() | ast.Raise():
                        yield inner, name, [*body[:place], ast.Pass(), *body[place + 1 :]]


def plant(source: str, function: Any, choose: random.Random) -> str | None:
    """Return the source with one fault in a function; None if none fits."""
    choices = list(faults(function))
    if not choices:
        return None
    node, attribute, value = choose.choice(choices)
    before = getattr(node, attribute)
    setattr(node, attribute, value)
    text = ast.unparse(ast.fix_missing_locations(copy.deepcopy(function)))
    setattr(node, attribute, before)
    lines = source.splitlines(keepends=True)
    first = min([function.lineno, *(d.lineno for d in function.decorator_list)])
    indent = " " * function.col_offset
    planted = [f"{indent}{line}\n" for line in text.splitlines()]
    return "".join([*lines[: first - 1], *planted, *lines[function.end_lineno :]])


class _Tree:
    """A copy of the sources, and the tests that fail there without a fault."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broken: set[str] = set()
        self.sound: set[str] = set()
        copy_tree(folder)

    def finder(self, tests: list[str], file: str, source: str) -> str | None:
        """Return the first test that fails with this source and passes without it."""
        path = self.folder / file
        while chosen := [test for test in tests if test not in self.broken]:
            before = path.read_text()
            path.write_text(source)
            code, output = run_tests(self.folder, chosen)
            path.write_text(before)
            if code in (0, 5):
                return None
            failed = FAILED.search(output)
            if failed is None:
                return "no test could run"
            test = failed[1].split("[")[0]
            if test in self.sound or "::" not in test or run_tests(self.folder, [test])[0] == 0:
                self.sound.add(test)
                return test
            self.broken.add(test)
        return None


def mutants(
    record: Record, sources: Mapping[str, str], count: int, seed: int, rooms: tuple[str, ...]
) -> int:
    """Plant faults; return 1 if only tests that are not selected find one."""
    choose, missed, noticed = random.Random(seed), [], 0
    known = Sources(sources)
    seconds = dict(zip(record.tests, record.seconds, strict=True))
    units = sorted(unit for unit in record.units if unit.startswith(PRODUCT))
    with tempfile.TemporaryDirectory() as folder:
        tree = _Tree(Path(folder))
        while count:
            file, _, name = choose.choice(units).partition(":")
            unit = known.module(file).units.get(name)
            if not unit or not unit.is_function or not file.startswith(rooms or PRODUCT):
                continue
            planted = plant(sources[file], unit.nodes[0], choose)
            if planted is None:
                continue
            count -= 1
            after = Sources({**sources, file: planted})
            selection = select(record, after, [(file, sources[file], planted)])
            module = 0
            for other, tests in record.units.items():
                module |= tests if other.startswith(f"{file}:") else 0
            rest = record.named(module & ~selection.tests)
            rest += record.named(selection.left_out & ~module)
            chosen = sorted(record.named(selection.tests), key=seconds.__getitem__)
            finder = tree.finder(chosen, file, planted)
            noticed += finder is not None
            print(f"{file}:{name}: {len(chosen)} tests, {finder or 'survives'}", flush=True)
            if finder is None and (finder := tree.finder(rest, file, planted)):
                missed.append(f"{file}:{name}: {finder}\n{planted}")
                print(f"MISSED: {finder} finds it", flush=True)
    print(f"{noticed} faults are noticed, {len(missed)} of them by tests that were not selected.")
    return bool(missed)
