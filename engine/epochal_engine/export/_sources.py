"""The source text of functions, which a program includes."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent


@cache
def functions_of(file: str) -> dict[str, str]:
    """Return the functions of a file below this folder, by name and in order."""
    text = (HERE / file).read_text("utf-8")
    lines = text.splitlines()
    return {
        node.name: "\n".join(lines[node.lineno - 1 : node.end_lineno])
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef)
    }


@cache
def body_of(file: str) -> str:
    """Return what follows the imports of a file below this folder."""
    text = (HERE / file).read_text("utf-8")
    first = next(n for n in ast.parse(text).body if isinstance(n, ast.ClassDef | ast.FunctionDef))
    return "\n".join(text.splitlines()[first.lineno - 1 :])


def included(calls: str, sources: Mapping[str, str]) -> str:
    """Return the called functions and all functions that they call, in order."""
    chosen: set[str] = set()
    pending = [calls]
    while pending:
        nodes = ast.walk(ast.parse(pending.pop()))
        new = {node.id for node in nodes if isinstance(node, ast.Name)} & sources.keys() - chosen
        chosen |= new
        pending += [sources[name] for name in new]
    texts = (source.strip("\n") for name, source in sources.items() if name in chosen)
    return "".join(f"\n\n{text}\n" for text in texts)
