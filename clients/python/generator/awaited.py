"""The text of _generated/aio.pyi: the types of `AsyncClient`, from the methods of `Client`."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator

from .classes import HEADER, PACKAGE

CLASSES = {
    "session": ["Part"],
    "handles": ["Handle"],
    "jobs.handle": ["JobHandle"],
    "jobs.predictions": ["Predictions"],
    "jobs.verification": ["Verifiable"],
    "jobs.inspection": ["Inspection"],
    "jobs.generation": ["Generation", "Writing"],
    "jobs.live": ["Live"],
    "jobs.job": ["Job"],
    "jobs.collection": ["Jobs"],
    "sweeps": ["Sweep", "Sweeps"],
    "experiments": ["Experiment", "Experiments"],
    "exercises": ["Exercises"],
    "models": ["Models"],
    "networks": ["Networks"],
    "datasets": ["Datasets"],
    "explorers": ["Explorers"],
    "simulations": ["Simulations"],
    "course": ["Course"],
    "keys": ["Keys"],
    "client": ["Client"],
}
"""The classes whose methods read from the service, by module; a base comes before its heirs."""
AWAITED = {name for names in CLASSES.values() for name in names}
TITLE = "The types of `AsyncClient` and its handles."
IMMEDIATE = {"with_options"}
"""Methods that read nothing."""
OPENED = {"live"}
"""Methods whose result is opened by `async with`."""
ITERATORS = {"Iterator", "Generator"}
IMPORTS = """
from collections.abc import AsyncIterator, Generator
from typing import Protocol, TypeVar

T_co = TypeVar("T_co", covariant=True)

class Opened(Protocol[T_co]):
    def __await__(self) -> Generator[None, None, T_co]: ...
    async def __aenter__(self) -> T_co: ...
    async def __aexit__(self, *_: object) -> None: ...
"""


def aio_file() -> str:
    """Return the text of _generated/aio.pyi."""
    imports: dict[str, None] = {}
    classes = []
    for module, names in CLASSES.items():
        path = PACKAGE.joinpath(*module.split(".")).with_suffix(".py")
        tree = ast.parse(path.read_text("utf-8"))
        imports |= dict.fromkeys(_imports(tree, f"epochal.{module}"))
        classes += [
            _stub(node)
            for node in tree.body
            if isinstance(node, ast.ClassDef) and node.name in names
        ]
    return "\n".join([f'"""{TITLE}\n\n{HEADER}\n"""', *imports, IMPORTS, *classes])


def _imports(tree: ast.Module, module: str) -> Iterator[str]:
    """Yield the imports of a module, and of its names that its classes use, as absolute ones."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module != "__future__":
            name = "." * node.level + (node.module or "")
            source = importlib.util.resolve_name(name, module.rpartition(".")[0])
            names = [alias for alias in node.names if alias.name not in AWAITED]
            for alias in names:
                yield ast.unparse(ast.ImportFrom(source, [alias], 0))
        elif isinstance(node, ast.Import):
            yield ast.unparse(node)
    for node in tree.body:
        match node:
            case ast.ClassDef(name=name) if name not in AWAITED:
                yield f"from {module} import {name}"
            case (
                ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name))
            ) if not name.startswith("__"):
                yield f"from {module} import {name}"


class _Renamed(ast.NodeTransformer):
    """Types of the blocking client to those of the asynchronous one."""

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(f"Async{node.id}") if node.id in AWAITED else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.Attribute:
        return node


def _stub(node: ast.ClassDef) -> str:
    bases = [ast.unparse(_Renamed().visit(base)) for base in node.bases]
    lines = [f"class Async{node.name}({', '.join(bases)}):"]
    overloaded: set[str] = set()
    for item in node.body:
        if isinstance(item, ast.FunctionDef):
            if any(ast.unparse(decorator) == "overload" for decorator in item.decorator_list):
                overloaded.add(item.name)
            elif item.name in overloaded:
                continue  # a stub has no implementation
        lines += [f"    {line}" for line in _member(item, node.name)]
    if node.name == "Client":
        lines.append("    async def __aenter__(self) -> Self: ...")
        lines.append("    async def __aexit__(self, *_: object) -> None: ...")
    return "\n".join([*lines, *(["    ..."] if len(lines) == 1 else [])])


def _member(item: ast.stmt, owner: str) -> Iterator[str]:
    """Yield the lines of a member of a stub."""
    match item:
        case ast.AnnAssign(target=ast.Name(id=name)) if not name.startswith("_"):
            yield ast.unparse(_Renamed().visit(item))
        case ast.FunctionDef(name="__init__") if owner in ("Client", "Course"):
            if owner == "Client":
                yield from _function(item, is_async=False)
            for step in item.body if owner == "Course" else []:
                yield from _part(step)
        case ast.FunctionDef(name="_use"):
            for step in item.body:
                yield from _part(step)
        case ast.FunctionDef(name="__iter__"):
            item.name = "__aiter__"
            yield from _function(item, is_async=False)
        case ast.FunctionDef(name=name) if not name.startswith("_"):
            is_property = any(ast.unparse(d) == "property" for d in item.decorator_list)
            returns = ast.unparse(item.returns) if item.returns else ""
            iterates = returns.partition("[")[0] in ITERATORS
            if name in OPENED:
                item.returns = ast.parse(f"Opened[{returns}]", mode="eval").body
            is_async = not (is_property or iterates or name in IMMEDIATE | OPENED)
            yield from _function(item, is_async=is_async)


def _part(step: ast.stmt) -> Iterator[str]:
    """Yield the annotation of `self.jobs = Jobs(session)`."""
    match step:
        case ast.Assign(
            targets=[ast.Attribute(attr=name)], value=ast.Call(func=ast.Name(id=kind))
        ) if kind in AWAITED:
            yield f"{name}: Async{kind}"


class _Iterators(ast.NodeTransformer):
    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name("AsyncIterator") if node.id in ITERATORS else node


def _function(item: ast.FunctionDef, *, is_async: bool) -> Iterator[str]:
    for decorator in item.decorator_list:
        yield f"@{ast.unparse(decorator)}"
    arguments = ast.unparse(_Renamed().visit(item.args))
    assert item.returns, f"{item.name} has no return type"
    returns = _Iterators().visit(_Renamed().visit(item.returns))
    keyword = "async def" if is_async else "def"
    yield f"{keyword} {item.name}({arguments}) -> {ast.unparse(returns)}: ..."
