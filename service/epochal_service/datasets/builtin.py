"""The catalog of built-in data sets: generators, and small public data sets."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Protocol

import numpy as np

from epochal_engine.data import GENERATORS, Generator, Parameter
from epochal_service.datasets import language
from epochal_service.datasets.columns import Column
from epochal_service.datasets.dataset import PAIR, Dataset, DatasetError, Task
from epochal_service.datasets.text_rows import per_step

__all__ = ["CATALOG", "Builtin", "load"]

# The largest seed that JSON clients and gRPC can represent as a signed 64-bit integer.
MAX_SEED = 2**63 - 1

CREATIVE_COMMONS = "CC BY 4.0"


class Make(Protocol):
    def __call__(self, *, seed: int, **parameters: Any) -> Dataset: ...


@dataclass(frozen=True)
class Builtin:
    """One entry of the catalog.

    `parameters` has the defaults and bounds of a generator's parameters besides the seed; it is
    empty for a fixed data set. `vocabularies` are the data sets with characters that a text can
    use.
    """

    name: str
    description: str
    task: Task
    parameters: Mapping[str, Parameter]
    source: str
    license: str
    make: Make
    vocabularies: tuple[str, ...] = ()


def load(
    name: str,
    samples: int | None = None,
    noise: float | None = None,
    seed: int = 0,
    vocabulary: str | None = None,
    **parameters: float | None,
) -> Dataset:
    """Return the data set `name`; the same arguments return the same data.

    Arguments that are None take the default of `CATALOG[name].parameters`, which may also have
    `classes`, `features` and `length`. Raises `DatasetError` with one entry for each argument that
    the data set does not have, or that is out of bounds.
    """
    if name not in CATALOG:
        similar = difflib.get_close_matches(name, CATALOG, n=1)
        advice = (
            f"did you mean {similar[0]!r}?" if similar else f"choose one of {', '.join(CATALOG)}."
        )
        raise DatasetError(("name", f"There is no data set {name[:40]!r}: {advice}"))
    builtin = CATALOG[name]
    optional = {"samples": samples, "noise": noise, **parameters}
    arguments: dict[str, Any] = {k: value for k, value in optional.items() if value is not None}
    errors = [
        (key, problem)
        for key, value in arguments.items()
        if (problem := _problem(name, value, builtin.parameters.get(key)))
    ]
    if vocabulary is not None:
        arguments["vocabulary"] = vocabulary
        if not builtin.vocabularies:
            texts = " and ".join(key for key, other in CATALOG.items() if other.vocabularies)
            errors.append(("vocabulary", f"must be absent for {name}: only {texts} have a choice."))
        elif vocabulary not in builtin.vocabularies:
            choices = " or ".join(builtin.vocabularies)
            errors.append(("vocabulary", f"must be {choices} for {name}."))
    if not 0 <= seed <= MAX_SEED:
        errors.append(("seed", f"must be between 0 and {MAX_SEED}."))
    if errors:
        raise DatasetError(*errors)
    defaults = {
        key: parameter.default
        for key, parameter in builtin.parameters.items()
        if parameter.default is not None
    }
    return builtin.make(seed=seed, **{**defaults, **arguments})


def _problem(name: str, value: float, parameter: Parameter | None) -> str | None:
    """Return what is wrong with the value of one parameter; None if it is valid."""
    if parameter is None:
        names = " and ".join(CATALOG[name].parameters) or "none"
        return f"is not a parameter of {name}; its parameters: {names}."
    if not parameter.minimum <= value <= parameter.maximum:
        return f"must be between {parameter.minimum:g} and {parameter.maximum:g} for {name}."
    if parameter.integer and value != int(value):
        return f"must be a whole number for {name}."
    return None


def _generated(generator: Generator) -> Builtin:
    source = ", ".join(filter(None, ("generated", generator.source)))

    def make(*, seed: int, **parameters: float) -> Dataset:
        numbers = {
            key: int(value) if generator.parameters[key].integer else value
            for key, value in parameters.items()
        }
        if generator.is_paired and numbers["samples"] % 2:
            raise DatasetError(("samples", "must be even: two rows for each pair."))
        inputs, targets = generator.function(**numbers, rng=np.random.default_rng(seed))
        classes = 0 if generator.task == "regression" else int(numbers.get("classes", 2))
        class_names = generator.class_names or tuple(map(str, range(classes)))
        target_names: tuple[str, ...] = (generator.target_name or "class",)
        token_names = generator.token_names
        if generator.task == "regression":
            target_names = per_step(target_names, targets.shape[1])
        if generator.task == "sequence":
            letters = int(numbers.get("classes", len(generator.alphabet)))
            class_names = tuple(generator.alphabet[:letters])
            target_names = per_step(generator.feature_names, targets.shape[1])
            token_names = (*class_names, *generator.special_tokens)
        return Dataset(
            name=generator.name,
            description=generator.description,
            task=_task(generator, class_names),
            inputs=inputs,
            targets=targets,
            feature_names=per_step(generator.feature_names, inputs.shape[1]),
            class_names=class_names,
            target_names=target_names,
            source=source,
            token_names=token_names,
            groups={PAIR: np.arange(len(inputs)) // 2} if generator.is_paired else {},
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


def _task(generator: Generator, class_names: tuple[str, ...]) -> Task:
    return "binary" if generator.task == "multiclass" and len(class_names) == 2 else generator.task


def _vendored(
    name: str, *, task: Task, description: str, source: str, input_scale: float = 1.0
) -> Builtin:
    """Return the entry of a table in `files/`, which is read once per process.

    Its inputs are divided by `input_scale`.
    """

    @cache
    def read() -> Dataset:
        # These tables need no rules for the cells of others, which would take ten times as long.
        text = language.packed(f"{name}.csv.gz")
        names, *rows = (line.split(",") for line in text.splitlines())
        cells = np.array(rows)
        inputs = cells[:, :-1].astype(np.float64)
        classes, targets = np.unique(cells[:, -1], return_inverse=True)
        return Dataset(
            name=name,
            description=description,
            task=task,
            inputs=inputs / input_scale,
            targets=targets,
            feature_names=tuple(names[:-1]),
            class_names=tuple(map(str, classes)),
            target_names=(names[-1],),
            columns=tuple(
                Column(
                    feature,
                    kind="number",
                    features=[feature],
                    minimum=float(values.min()),
                    maximum=float(values.max()),
                    example=example,
                )
                for feature, values, example in zip(names[:-1], inputs.T, rows[0], strict=False)
            ),
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


def _derived(derive: Make, **metadata: Any) -> Builtin:
    """Return an entry with its metadata and with data from `derive`."""

    def make(*, seed: int, **parameters: Any) -> Dataset:
        fields = {key: metadata[key] for key in ("name", "description", "source", "license")}
        return replace(derive(seed=seed, **parameters), **fields)

    return Builtin(make=make, **metadata)


def _shifted_digits(*, seed: int, **parameters: float) -> Dataset:
    """Return the digits at random positions of a canvas: inputs `(samples, CANVAS²)`.

    The pictures of one digit are a group: a split that separates them measures memory.
    """
    digits = DIGITS.make(seed=seed)
    row = np.arange(int(parameters["samples"])) % digits.samples
    images = digits.inputs[row].reshape(-1, 8, 8)
    corners = np.random.default_rng(seed).integers(CANVAS - 7, size=(len(row), 2))
    canvases = np.zeros((len(row), CANVAS, CANVAS))
    for canvas, image, (top, left) in zip(canvases, images, corners, strict=True):
        canvas[top : top + 8, left : left + 8] = image
    return replace(
        digits,
        inputs=canvases.reshape(len(row), -1),
        targets=digits.targets[row],
        groups={"digit": row},
        feature_names=tuple(f"pixel_{i}_{j}" for i in range(CANVAS) for j in range(CANVAS)),
    )


CANVAS = 12


def _digit_images(*, seed: int, **parameters: float) -> Dataset:
    """Return the digits with their pixels as targets: `(samples, 64)`."""
    digits = DIGITS.make(seed=seed)
    return replace(
        digits,
        task="regression",
        targets=digits.inputs,
        class_names=(),
        target_names=digits.feature_names,
    )


def _sonnets(*, seed: int, vocabulary: str = "sonnets", **parameters: float) -> Dataset:
    return language.sonnets(int(parameters["length"]), vocabulary)


def _plays(*, seed: int, vocabulary: str = "plays", **parameters: float) -> Dataset:
    return language.plays(
        int(parameters["length"]),
        int(parameters["merges"]),
        int(parameters["samples"]) if "samples" in parameters else None,
        vocabulary,
    )


def _first_names(*, seed: int, **parameters: float) -> Dataset:
    return language.names(int(parameters["samples"]), seed)


def _questions(*, seed: int, **parameters: float) -> Dataset:
    return language.questions(DIGITS.make(seed=seed), int(parameters["samples"]), seed)


DIGITS = _vendored(
    "digits",
    task="multiclass",
    description="1,797 handwritten digits of 8×8 pixels, row by row, their 17 levels of "
    "ink divided by 16 to be between 0 and 1.",
    source="E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits (1998), "
    "its test set, UCI Machine Learning Repository, doi:10.24432/C50P49",
    input_scale=16.0,
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
        DIGITS,
        _derived(
            _shifted_digits,
            name="shifted_digits",
            description="The handwritten digits at random positions of a canvas of 12×12 pixels: "
            "a network must recognize them at every position.",
            task="multiclass",
            parameters={"samples": Parameter(1_797, 10, 20_000, "digits to place on canvases")},
            source=DIGITS.source,
            license=DIGITS.license,
        ),
        _derived(
            _digit_images,
            name="digit_images",
            description="The handwritten digits for an autoencoder: inputs and targets are the "
            "same 64 pixels.",
            task="regression",
            parameters={},
            source=DIGITS.source,
            license=DIGITS.license,
        ),
        _derived(
            _sonnets,
            name="sonnets",
            description="18 sonnets by Shakespeare in lower case, divided into windows: at each "
            "step the network predicts the next character.",
            task="sequence",
            parameters={"length": Parameter(32, 8, 256, "characters in a window")},
            vocabularies=language.TEXTS,
            source="William Shakespeare, Sonnets (1609): 1, 2, 12, 18, 27, 29, 30, 33, 55, 60, 64, "
            "65, 71, 73, 97, 106, 116 and 130, in modern spelling",
            license="public domain",
        ),
        _derived(
            _plays,
            name="plays",
            description="Plays by Shakespeare, divided into windows: at each step the network "
            "predicts the next of 65 characters, or the next token after merges by byte-pair "
            "encoding.",
            task="sequence",
            parameters={
                "samples": Parameter(
                    None,
                    10,
                    language.PLAYS_WINDOWS,
                    "windows of the text, by default as many as length and merges allow",
                ),
                "length": Parameter(64, 8, 128, "tokens in a window"),
                "merges": Parameter(0, 0, language.MAX_MERGES, "frequent pairs of tokens to merge"),
            },
            vocabularies=language.TEXTS,
            source="William Shakespeare, plays: the excerpt known as tiny Shakespeare, from "
            "A. Karpathy's char-rnn",
            license="public domain",
        ),
        _derived(
            _first_names,
            name="names",
            description="First names, character by character: the network predicts the next "
            "character, and so learns to invent names.",
            task="sequence",
            parameters={"samples": Parameter(32_033, 10, 32_033, "names")},
            source="US Social Security Administration, names given to babies in 2018, as collected "
            "by A. Karpathy for makemore",
            license="public domain",
        ),
        _derived(
            _questions,
            name="questions",
            description="Two handwritten digits beside each other and a question: which is the "
            "left one, the right one, or their sum? The answer is a word, letter by letter.",
            task="sequence",
            parameters={"samples": Parameter(5_000, 20, 20_000, "questions")},
            source=DIGITS.source,
            license=DIGITS.license,
        ),
    )
}
