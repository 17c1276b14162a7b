"""Everything that can be asked for by name: the generators, and four small public data sets."""

import difflib
import gzip
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Protocol

import numpy as np

from epochal_engine.generators import GENERATORS, Generator, Parameter
from epochal_service.datasets.dataset import Dataset, DatasetError, Task
from epochal_service.datasets.upload import parse_csv

__all__ = ["CATALOG", "Builtin", "load"]

# A seed is a whole number that every wire can carry: NumPy takes any that is not negative.
MAX_SEED = 2**63 - 1

CREATIVE_COMMONS = "CC BY 4.0"


class Make(Protocol):
    def __call__(self, *, seed: int, **parameters: float) -> Dataset: ...


@dataclass(frozen=True)
class Builtin:
    """One entry of the catalog.

    `parameters` has the default and the bounds of what `load` takes beside the seed; it is empty
    for a data set that was measured, which is what it is.
    """

    name: str
    description: str
    task: Task
    parameters: Mapping[str, Parameter]
    source: str
    license: str
    make: Make


def load(
    name: str,
    samples: int | None = None,
    noise: float | None = None,
    seed: int = 0,
    **parameters: float | None,
) -> Dataset:
    """The data set called `name`, the same one whenever the arguments are the same.

    What is None takes the default of `CATALOG[name].parameters`. `blobs` takes `classes` and
    `features` too. Raises DatasetError with one entry for each argument that has no meaning for
    this data set or lies outside of its bounds.
    """
    if name not in CATALOG:
        near = difflib.get_close_matches(name, CATALOG, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(CATALOG)}."
        raise DatasetError(("name", f"There is no data set {name[:40]!r}: {hint}"))
    builtin = CATALOG[name]
    asked = {"samples": samples, "noise": noise, **parameters}
    given = {key: value for key, value in asked.items() if value is not None}
    errors = [
        (key, problem)
        for key, value in given.items()
        if (problem := _problem(name, key, value, builtin.parameters.get(key)))
    ]
    if not 0 <= seed <= MAX_SEED:
        errors.append(("seed", f"seed must lie between 0 and {MAX_SEED}."))
    if errors:
        raise DatasetError(*errors)
    defaults = {key: parameter.default for key, parameter in builtin.parameters.items()}
    return builtin.make(seed=seed, **{**defaults, **given})


def _problem(name: str, key: str, value: float, parameter: Parameter | None) -> str | None:
    """What is wrong with the value of one parameter, or None."""
    if parameter is None:
        takes = " and ".join(CATALOG[name].parameters) or "nothing but its name"
        return f"{key} has no meaning for {name}, which takes {takes}."
    if not parameter.minimum <= value <= parameter.maximum:
        return f"{key} must lie between {parameter.minimum:g} and {parameter.maximum:g} for {name}."
    if parameter.whole and value != int(value):
        return f"{key} must be a whole number for {name}."
    return None


def _generated(generator: Generator) -> Builtin:
    source = ", ".join(filter(None, ("generated", generator.source)))

    def make(*, seed: int, **parameters: float) -> Dataset:
        numbers = {
            key: int(value) if generator.parameters[key].whole else value
            for key, value in parameters.items()
        }
        inputs, targets = generator.function(**numbers, rng=np.random.default_rng(seed))
        columns = inputs.shape[1]
        classes = 0 if generator.task == "regression" else int(numbers.get("classes", 2))
        return Dataset(
            name=generator.name,
            description=generator.description,
            task="binary" if classes == 2 else generator.task,
            inputs=inputs,
            targets=targets,
            feature_names=generator.feature_names or tuple(f"x{i + 1}" for i in range(columns)),
            class_names=tuple(str(label) for label in range(classes)),
            target_names=(generator.target_name or "class",),
            source=source,
        )

    return Builtin(
        name=generator.name,
        description=generator.description,
        task=generator.task,
        parameters=generator.parameters,
        source=source,
        license="",
        make=make,
    )


def _vendored(
    name: str, *, task: Task, description: str, source: str, input_scale: float = 1.0
) -> Builtin:
    """A table of `files/`, its inputs divided by `input_scale`; read once in a process."""

    @cache
    def read() -> Dataset:
        packed = resources.files(__package__).joinpath("files", f"{name}.csv.gz").read_bytes()
        table = parse_csv(gzip.decompress(packed), task="classification")
        return replace(
            table,
            name=name,
            description=description,
            inputs=table.inputs / input_scale,
            source=source,
            license=CREATIVE_COMMONS,
        )

    def make(*, seed: int, **parameters: float) -> Dataset:
        return read()

    return Builtin(
        name=name,
        description=description,
        task=task,
        parameters={},
        source=source,
        license=CREATIVE_COMMONS,
        make=make,
    )


CATALOG: dict[str, Builtin] = {
    builtin.name: builtin
    for builtin in (
        *map(_generated, GENERATORS.values()),
        _vendored(
            "iris",
            task="multiclass",
            description="150 irises of three species, by the length and width of sepal and petal "
            "in centimeters.",
            source="R. A. Fisher, Iris (1936), UCI Machine Learning Repository, "
            "doi:10.24432/C56C76, with samples 35 and 38 as in Fisher's paper",
        ),
        _vendored(
            "wine",
            task="multiclass",
            description="178 wines of three cultivars from one region of Italy, by 13 chemical "
            "measurements on very different scales.",
            source="S. Aeberhard and M. Forina, Wine (1992), UCI Machine Learning Repository, "
            "doi:10.24432/C5PC7J",
        ),
        _vendored(
            "breast_cancer",
            task="binary",
            description="569 tumors, benign or malignant, by 30 measurements of their cell nuclei "
            "on very different scales.",
            source="W. Wolberg, O. Mangasarian, N. Street and W. Street, Breast Cancer Wisconsin "
            "(Diagnostic) (1993), UCI Machine Learning Repository, doi:10.24432/C5DW2B",
        ),
        _vendored(
            "digits",
            task="multiclass",
            description="1,797 handwritten digits of 8×8 pixels, row by row, their 17 levels of "
            "ink divided by 16 to lie between 0 and 1.",
            source="E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits (1998), "
            "its test set, UCI Machine Learning Repository, doi:10.24432/C50P49",
            input_scale=16.0,
        ),
    )
}
