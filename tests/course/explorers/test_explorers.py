"""All explorers: their formulas, and how their functions are written."""

import ast
import random
from pathlib import Path
from typing import Any

import pytest
from tests.course.explorers.arithmetic import disagreement, quantities, steps_of

import epochal_course.explorers
from epochal_course.explorers.table import EXPLORERS

LONGEST_FUNCTION = 60
LONGEST_FILE = 450


def reply(rpc: str, request: dict[str, Any]) -> dict[str, Any]:
    explorer = EXPLORERS[rpc]
    document: dict[str, Any] = explorer.function(
        explorer.request.model_validate(request)
    ).model_dump()
    return document


def rows(rng: random.Random, count: int, size: int) -> list[list[float]]:
    return [[rng.gauss(0.0, 1.5) for _ in range(size)] for _ in range(count)]


def network(rng: random.Random, *, output: str = "sigmoid") -> dict[str, Any]:
    activation = rng.choice(["tanh", "gelu", "gelu_tanh", "mish", "selu", "elu", "softsign"])
    dense = {"type": "dense", "units": 3, "activation": activation}
    middle = rng.choice([{"type": "layer_norm"}, {"type": "residual", "layers": [dense]}])
    units = 1 if output == "sigmoid" else 3
    return {
        "input_shape": [3],
        "layers": [dense, middle, {"type": "dense", "units": units, "activation": output}],
    }


def random_requests() -> list[tuple[str, dict[str, Any]]]:
    """A few dozen requests with numbers that nobody chose."""
    rng = random.Random(8)
    requests: list[tuple[str, dict[str, Any]]] = []
    for seed in range(4):
        x, p = rows(rng, 1, 3)[0], rng.random()
        weights = rows(rng, 2, 3)
        requests += [
            ("SimulateNeuron", {"inputs": x, "weights": weights[0], "bias": rng.gauss(0.0, 1.0)}),
            (
                "SimulateActivation",
                {
                    "activations": ["sigmoid", "tanh", "selu", "gelu", "gelu_tanh", "mish", "elu"],
                    "x": rng.gauss(0.0, 3.0),
                    "points": 2,
                },
            ),
            (
                "SimulateActivationChain",
                {"activation": "tanh", "weight": rng.gauss(0.0, 2.0), "bias": 0.1, "depth": 12},
            ),
            ("SimulateForward", {"network": network(rng), "input": x, "seed": seed}),
            (
                "SimulateForward",
                {"network": network(rng, output="softmax"), "input": x, "seed": seed},
            ),
            (
                "SimulateBackward",
                {
                    "network": network(rng),
                    "input": x,
                    "seed": seed,
                    "target": [1.0],
                    "loss": "binary_cross_entropy",
                },
            ),
            (
                "SimulateBackward",
                {
                    "network": network(rng, output="softmax"),
                    "input": x,
                    "seed": seed,
                    "target": [2.0],
                    "loss": rng.choice(["cross_entropy"]),
                },
            ),
            ("SimulateLoss", {"prediction": p, "target": 1.0, "points": 2}),
            ("SimulateLoss", {"prediction": p, "target": rng.random(), "points": 2}),
            (
                "SimulateLoss",
                {"prediction": x, "target": weights[1], "losses": ["mse", "mae", "huber"]},
            ),
            (
                "SimulateTokenLoss",
                {"target_probabilities": [rng.random() for _ in range(9)], "vocabulary": 50_257},
            ),
            ("SimulateTokenLoss", {"logits": rows(rng, 2, 5), "targets": [0, 4]}),
            ("SimulatePerceptron", {"points": rows(rng, 6, 2), "targets": [0, 1, 0, 1, 1, 0]}),
            ("SimulateXor", {"train": True, "resolution": 2, "seed": seed, "epochs": 50}),
            ("SimulateConvolution", {"image": rows(rng, 4, 5), "kernel": rows(rng, 2, 2)}),
            ("SimulatePooling", {"image": rows(rng, 4, 4), "kind": "average"}),
            *(
                ("SimulateRecurrence", {"cell": cell, "inputs": rows(rng, 4, 2), "seed": seed})
                for cell in ("rnn", "lstm", "gru")
            ),
            ("SimulateAttention", {"tokens": ["a", "b", "c", "a"], "heads": 2, "seed": seed}),
            ("SimulatePositionalEncoding", {"positions": 40, "position": 11 * seed, "units": 7}),
            ("SimulateTraining", {"seed": seed, "epochs": 3}),
            ("SimulateTraining", {"seed": seed, "epochs": 3, "batch_size": 2}),
            ("SimulateGradientFlow", {"seed": seed, "seeds": 3, "depth": 4}),
            ("SimulateSchedule", {"schedule": {"type": "cosine"}, "learning_rate": p}),
            (
                "SimulateTransformerCost",
                {"model": rng.choice(["gpt-2", "bert-base"]), "tokens": rng.randrange(1, 5000)},
            ),
        ]
    return requests


EXAMPLES = [
    pytest.param(rpc, example, id=f"{rpc}-{k}")
    for rpc, explorer in EXPLORERS.items()
    for k, example in enumerate(explorer.examples.values())
]
REQUESTS = random_requests()
RANDOM = [pytest.param(*case, id=f"{case[0]}-{k}") for k, case in enumerate(REQUESTS)]


@pytest.mark.parametrize(("rpc", "request_"), [*EXAMPLES, *RANDOM])
def test_each_formula_with_the_shown_numbers_comes_to_the_shown_value(
    rpc: str, request_: dict[str, Any]
) -> None:
    document = reply(rpc, request_)
    assert [text for q in quantities(document) if (text := disagreement(q))] == []


def test_nearly_all_quantities_have_a_formula_with_numbers() -> None:
    texts = [q["substituted"] for case in REQUESTS for q in quantities(reply(*case))]
    with_numbers = [text for text in texts if steps_of(text)[0]]
    approximate = [text for text in texts if "≈" in text]
    assert len(texts) > 3000
    assert len(with_numbers) > 0.9 * len(texts)
    assert len(approximate) < 0.005 * len(texts)


FILES = sorted(Path(epochal_course.explorers.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_functions_and_files_are_short(file: Path) -> None:
    text = file.read_text("utf-8")
    lengths = {
        node.name: (node.end_lineno or 0) - node.lineno + 1
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    too_long = {name: n for name, n in lengths.items() if n > LONGEST_FUNCTION}
    assert too_long == {}
    assert text.count("\n") <= LONGEST_FILE


@pytest.mark.parametrize("rpc", EXPLORERS)
def test_an_explorer_has_a_title_a_description_and_examples(rpc: str) -> None:
    explorer = EXPLORERS[rpc]
    assert explorer.summary[0].isupper()
    assert not explorer.summary.endswith(".")
    assert explorer.function.__doc__
    assert explorer.examples
