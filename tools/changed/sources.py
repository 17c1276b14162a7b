"""The units of Python files: functions, classes without their methods, other names; who uses them.

A unit is named `file:function`, `file:Class.method`, `file:Class` or `file:NAME`. Comments, and
strings that stand alone, are not a part of it.
"""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
Function = ast.FunctionDef | ast.AsyncFunctionDef
ROOTS = ("", "engine/", "service/", "workers/", "clients/python/src/", "clients/python/")
NAMELESS = "()"


def git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=True)
    return done.stdout.decode(errors="replace")


class _WithoutTexts(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> Any:
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)


class Unit:
    """A function, or all statements that make a class or a name."""

    def __init__(self, nodes: list[Any]) -> None:
        self.nodes = nodes
        self.is_function = isinstance(nodes[0], Function)

    def spans(self) -> Iterator[tuple[int, int]]:
        """The first and the last line of each statement."""
        for node in self.nodes:
            decorators = [d.lineno for d in getattr(node, "decorator_list", ())]
            yield min([node.lineno, *decorators]), node.end_lineno

    @cached_property
    def text(self) -> str:
        return "".join(ast.dump(_WithoutTexts().visit(deepcopy(node))) for node in self.nodes)

    @cached_property
    def header(self) -> str:
        """The part of a function that others see when it is defined."""
        parts = [(f.args, f.returns, *f.decorator_list) for f in self.nodes]
        return "".join(ast.dump(node) for row in parts for node in row if node)

    @cached_property
    def names(self) -> set[str]:
        """The names that it mentions: `name` and `.attribute`."""
        row = set()
        for node in (node for top in self.nodes for node in ast.walk(top)):
            match node:
                case ast.Name(id=name) | ast.Global(names=[name]):
                    row.add(name)
                case ast.Attribute(attr=name):
                    row.add("." + name)
                case ast.Constant(value=str(text)) if text[:1].isupper() and len(text) < 80:
                    row.update(text.replace("[", " ").replace("]", " ").split())  # "Type[Other]"
        return row


class Import(NamedTuple):
    origin: str
    """A module as a path without its end."""
    name: str
    """A name in it; "" for the module itself."""
    here: str


class Module:
    """The units of a file, and its imports."""

    def __init__(self, file: str, source: str) -> None:
        tree = ast.parse(source)
        self.units: dict[str, Unit] = {}
        for node in self._add(tree.body):
            for name in () if isinstance(node, ast.Import | ast.ImportFrom) else _targets(node):
                self._put(name, node)
        self.imports = [row for node in ast.walk(tree) for row in _imports(file, node)]

    def _put(self, name: str, node: ast.AST) -> None:
        if name in self.units:
            self.units[name].nodes.append(node)
        else:
            self.units[name] = Unit([node])

    def _add(self, body: list[ast.stmt], prefix: str = "") -> Iterator[ast.stmt]:
        """Add the functions and classes of a body; yield its other statements."""
        for node in body:
            if isinstance(node, Function):
                self._put(prefix + node.name, node)
            elif isinstance(node, ast.ClassDef):
                node.body = list(self._add(node.body, f"{prefix}{node.name}."))
                self._put(prefix + node.name, node)
            elif isinstance(node, ast.If | ast.Try) and not prefix:
                yield from self._add([*node.body, *node.orelse, *getattr(node, "finalbody", ())])
                for handler in getattr(node, "handlers", ()):
                    yield from self._add(handler.body)
            elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
                yield node

    def unit_at(self, line: int) -> str | None:
        """The innermost unit with a line."""
        rows = [(last - first, name) for first, last, name in self._spans if first <= line <= last]
        return min(rows)[1] if rows else None

    @cached_property
    def _spans(self) -> list[tuple[int, int, str]]:
        return [(*span, name) for name, unit in self.units.items() for span in unit.spans()]


def _targets(node: ast.stmt) -> list[str]:
    """The names that a statement makes or changes: `a, b = …`, `t[x] = …`, `t.append(…)`."""
    tops: list[Any] = []
    for inner in ast.walk(node):
        match inner:
            case ast.Expr(value=ast.Call(func=ast.Attribute() as method)):
                tops.append(method)
            case ast.Name() | ast.Attribute() | ast.Subscript() if isinstance(inner.ctx, ast.Store):
                tops.append(inner)
    row = []
    for top in tops:
        while isinstance(top, ast.Attribute | ast.Subscript | ast.Call):
            top = top.func if isinstance(top, ast.Call) else top.value
        if isinstance(top, ast.Name):
            row.append(top.id)
    return row or [NAMELESS]


def _imports(file: str, node: ast.AST) -> Iterator[Import]:
    if isinstance(node, ast.ImportFrom):
        folder = file.split("/")[: -node.level] if node.level else []
        origin = "/".join([*folder, *(node.module or "").split(".")]).removesuffix("/")
        for alias in node.names:
            yield Import(origin, alias.name, alias.asname or alias.name)
    elif isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(alias.name.replace(".", "/"), "", alias.asname or alias.name)


@cache
def read(file: str, source: str) -> Module:
    """Return the units of a file; none if it is not Python."""
    try:
        return Module(file, source)
    except SyntaxError:
        return Module(file, "")


def difference(file: str, before: str, after: str) -> tuple[set[str], set[str]]:
    """Return the functions that differ, and the names that mean something else to others.

    A function that is new, gone or has another header is in both.
    """
    old, new = read(file, before), read(file, after)
    functions, names = set(), set()
    for name in old.units.keys() | new.units.keys():
        was, now = old.units.get(name), new.units.get(name)
        if was and now and was.text == now.text:
            continue
        both = was is not None and now is not None and was.is_function and now.is_function
        if any(unit and unit.is_function for unit in (was, now)):
            functions.add(name)
        if not both or (was and now and was.header != now.header):
            names.add(name)
    here = {row.here: row for row in new.imports}
    return functions, names | {r.here for r in old.imports if here.get(r.here, r) != r}


class Sources:
    """All Python files of a tree."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files
        self._modules = {
            file.removeprefix(root).removesuffix(".py").removesuffix("/__init__"): file
            for root in ROOTS
            for file in files
            if file.startswith(root)
        }

    def module(self, file: str) -> Module:
        return read(file, self.files.get(file, ""))

    def users(self, file: str, name: str) -> Iterator[tuple[str, str]]:
        """Yield (file, unit) of all that mention a name of a file; (file, name) of its imports."""
        for path, text in self.files.items():
            if name not in text and path != file:
                continue
            module = self.module(path)
            mention = {name} if path == file else set()
            for row in module.imports:
                if row.name in (name, "*") and self._modules.get(row.origin) == file:
                    yield path, name if row.name == "*" else row.here
                elif self._modules.get(f"{row.origin}/{row.name}".strip("/")) == file:
                    mention.add("." + name)
            for unit, content in module.units.items():
                if mention & content.names or (path == file and unit.startswith(name + ".")):
                    yield path, unit

    def registers(self, file: str, name: str) -> tuple[str, str] | None:
        """The base of a class where its `__init_subclass__` enters it, which others go through."""
        unit = self.module(file).units.get(name)
        for base in unit.nodes[0].bases if unit and isinstance(unit.nodes[0], ast.ClassDef) else ():
            if isinstance(base, ast.Name):
                origin = self.origin(file, base.id)
                known = f"{origin[1]}.__init_subclass__" in self.module(origin[0]).units
                if known or self.registers(*origin):
                    return origin
        return None

    def origin(self, file: str, name: str) -> tuple[str, str]:
        """Where a name that a file knows is made."""
        for row in self.module(file).imports:
            if row.here == name and row.name and (path := self._modules.get(row.origin)):
                return self.origin(path, row.name)
        return file, name
