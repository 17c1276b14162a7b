"""What the examples in the SDK's docstrings show is what comes back."""

import doctest
import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import epochal
from epochal.simulations import Simulations


def examples() -> Iterator[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    for module in pkgutil.walk_packages(epochal.__path__, "epochal."):
        if not {"_proto", "cli", "__main__"} & set(module.name.split(".")):
            found = finder.find(importlib.import_module(module.name))
            yield from (one for one in found if one.examples)


EXAMPLES = sorted(examples(), key=lambda one: one.name)


def test_every_explorer_has_an_example() -> None:
    methods = {name for name in vars(Simulations) if not name.startswith("_")}
    for base in Simulations.__mro__[1:-1]:
        methods |= {name for name in vars(base) if not name.startswith("_")}
    assert len(methods) == 24
    shown = {one.name.rpartition(".")[2] for one in EXAMPLES if ".simulations." in one.name}
    assert methods - shown == {"ask"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.name)
def test_an_example_is_true(example: doctest.DocTest, client: epochal.Client) -> None:
    example.globs |= {"client": client, "epochal": epochal}
    told: list[str] = []
    failed, tried = doctest.DocTestRunner(verbose=False).run(
        example, out=told.append, clear_globs=False
    )
    assert tried > 0
    assert failed == 0, "".join(told)
