"""The public surface of the package: its names, and how they load."""

import dataclasses
import inspect
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from tests.client.test_docstrings import EXAMPLES

import epochal
from epochal import errors, events, public

ROOT = Path(__file__).parents[2]


def test_the_list_of_public_names_is_what_the_package_has() -> None:
    names = {name for name in vars(public) if not name.startswith("_")}
    assert sorted(epochal.__all__) == sorted({*names, "__version__"})


def test_the_package_has_every_name_that_documents_and_examples_use() -> None:
    texts = [path.read_text("utf-8") for path in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]]
    texts.append((ROOT / "clients" / "python" / "README.md").read_text("utf-8"))
    programs = [code for text in texts for code in re.findall(r"```python\n(.*?)```", text, re.S)]
    programs += [step.source for example in EXAMPLES for step in example.examples]
    used = {name for code in programs for name in re.findall(r"\bepochal\.(\w+)", code)}
    assert len(used) > 5
    assert used - set(epochal.__all__) == set()


def test_the_package_has_every_error_and_event() -> None:
    declared = {
        name
        for module in (errors, events)
        for name, value in vars(module).items()
        if inspect.isclass(value) and value.__module__ == module.__name__
    }
    assert declared - set(epochal.__all__) == set()


def test_every_public_method_and_class_says_what_it_does() -> None:
    silent = []
    for name in epochal.__all__:
        member = getattr(epochal, name)
        if inspect.isclass(member) or inspect.isfunction(member):
            silent += [] if member.__doc__ else [name]
        for attribute, value in vars(member).items() if inspect.isclass(member) else ():
            public = inspect.isfunction(value) or isinstance(value, property | classmethod)
            if public and not attribute.startswith("_") and not inspect.getdoc(value):
                silent.append(f"{name}.{attribute}")
    assert silent == []


def test_the_version_is_that_of_the_distribution() -> None:
    assert epochal.__version__ == version("epochal")


def test_results_are_frozen() -> None:
    records = [v for v in vars(public).values() if dataclasses.is_dataclass(v)]
    assert len(records) > 20
    assert [r for r in records if not vars(r)["__dataclass_params__"].frozen] == []


def test_every_error_is_an_epochal_error() -> None:
    errors = [v for v in vars(public).values() if inspect.isclass(v) and issubclass(v, Exception)]
    assert len(errors) == 18
    assert all(issubclass(error, epochal.EpochalError) for error in errors)


def printed(code: str) -> str:
    """The output of a new process that runs `code`."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_client_loads_neither_numpy_nor_grpc_nor_the_terminal() -> None:
    others = {"numpy", "grpc", "plotext", "rich", "typer"}
    code = f"import sys, epochal; epochal.Client(); print({others} & set(sys.modules))"
    assert printed(code) == "set()"


def test_the_package_has_its_names_before_and_after_the_first_use() -> None:
    code = "import epochal; print(sorted(set(epochal.__all__) - set(dir(epochal))))"
    assert printed(code) == "[]"
    assert printed("from epochal import *; print(Client.__name__, data.__name__)") == (
        "Client epochal.data"
    )
    # A submodule that nobody imported, and a name that does not exist.
    assert printed("import epochal; print(epochal.types.Epoch.__name__)") == "Epoch"
    assert printed("import epochal; print(hasattr(epochal, 'Clint'))") == "False"
