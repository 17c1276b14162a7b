"""The examples in the SDK's docstrings run, and return what they show."""

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
            documented = finder.find(importlib.import_module(module.name))
            yield from (item for item in documented if item.examples)


EXAMPLES = sorted(examples(), key=lambda example: example.name)


def test_every_explorer_has_an_example() -> None:
    methods = {name for name in dir(Simulations) if not name.startswith("_")}
    assert len(methods) == 25
    shown = {
        example.name.rpartition(".")[2] for example in EXAMPLES if ".simulations." in example.name
    }
    assert methods - shown == {"call"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_is_true(example: doctest.DocTest, client: epochal.Client) -> None:
    example.globs |= {"client": client, "epochal": epochal}
    output: list[str] = []
    failed, tried = doctest.DocTestRunner(verbose=False).run(
        example, out=output.append, clear_globs=False
    )
    assert tried > 0
    assert failed == 0, "".join(output)
