"""The parameters and operations of a network, over HTTP."""

import time
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.course.explorers.arithmetic import agree
from tests.course.explorers.conftest import Ask

import epochal_engine as engine
from epochal_course.explorers.architecture import architecture
from epochal_course.explorers.models import GPT_2, LENET_5, famous_networks
from epochal_course.specs.explorers.architecture import SimulateArchitectureRequest
from epochal_service.errors import InvalidArgument
from epochal_service.specs.networks import NetworkSpec


def dense(units: int, **more: Any) -> dict[str, Any]:
    return {"type": "dense", "units": units, **more}


def network(*units: int) -> dict[str, Any]:
    first, *rest = units
    return {"input_shape": [first], "layers": [dense(n) for n in rest]}


def given_back(spec: NetworkSpec) -> dict[str, Any]:
    document: dict[str, Any] = spec.model_dump(mode="json", exclude_defaults=True)
    return document


def parameters(reply: dict[str, Any]) -> int:
    return int(reply["parameters"]["value"])


def test_3_4_4_2_has_46_parameters_13_neurons_with_the_input_and_10_without(ask: Ask) -> None:
    reply = ask("architecture", network=network(3, 4, 4, 2))
    assert reply["parameters"]["substituted"] == "parameters = 16 + 20 + 10 = 46"
    formulas = [layer["parameters_formula"] for layer in reply["layers"]]
    assert formulas == ["4·3 + 4", "4·4 + 4", "2·4 + 2"]
    with_input, without_input = reply["counts"]
    assert (with_input["convention"], with_input["layers"]) == ("with_input", 4)
    assert with_input["neurons"]["substituted"] == "neurons = 3 + 4 + 4 + 2 = 13"
    assert (without_input["convention"], without_input["layers"]) == ("without_input", 3)
    assert without_input["neurons"]["value"] == 10
    (estimate,) = [c for c in reply["comparisons"] if c["id"] == "gpt-4-estimate"]
    assert estimate["ratio"]["value"] == pytest.approx(3.91e10, rel=1e-3)
    assert estimate["source_type"] == "estimated"


@pytest.mark.parametrize(
    ("units", "count"),
    [((2, 2, 1), 9), ((784, 128, 10), 101_770), ((768, 3072, 768), 4_722_432)],
)
def test_dense_networks_of_the_journey(ask: Ask, units: tuple[int, ...], count: int) -> None:
    assert parameters(ask("architecture", network=network(*units))) == count


@pytest.mark.parametrize(("type", "count"), [("rnn", 620), ("gru", 1860), ("lstm", 2480)])
def test_recurrent_layers_of_ten_inputs_and_twenty_units(ask: Ask, type: str, count: int) -> None:
    layers = [{"type": type, "units": 20}]
    reply = ask("architecture", network={"input_shape": [1000, 10], "layers": layers})
    assert parameters(reply) == count


OURS = [famous for famous in famous_networks() if famous.network is not None]


@pytest.mark.parametrize("famous", OURS, ids=lambda famous: famous.id)
def test_a_famous_network_of_our_own_layers_has_as_many_parameters(ask: Ask, famous: Any) -> None:
    reply = ask("architecture", network=given_back(famous.network))
    assert parameters(reply) == famous.parameters
    (same,) = [c for c in reply["comparisons"] if c["id"] == famous.id]
    assert same["ratio"]["value"] == 1
    assert same["verdict"].startswith(f"{famous.name} has the same number of parameters;")


def test_lenet_5_from_its_first_weight_to_its_last(ask: Ask) -> None:
    reply = ask("architecture", network=given_back(LENET_5))
    assert reply["parameters"]["substituted"] == (
        "parameters = 156 + 2,416 + 48,120 + 10,164 + 850 = 61,706"
    )
    first = reply["layers"][0]
    assert first["output_shape"] == [28, 28, 6]
    assert (first["flops"], first["flops_formula"]) == (235_200, "2·150·784")
    assert sum(layer["parameter_fraction"] for layer in reply["layers"]) == pytest.approx(1)
    assert sum(layer["flops_fraction"] for layer in reply["layers"]) == pytest.approx(1)


def test_memory_is_counted_in_both_precisions(ask: Ask) -> None:
    reply = ask("architecture", network=network(3, 4, 4, 2), batch_size=10, optimizer="momentum")
    full, half = reply["memory"]
    # Weights, gradients and one copy; 3 + 4 + 4 + 2 numbers for each of ten samples.
    parts = ("weights", "gradients", "optimizer_state", "activations", "total")
    assert [full[part]["value"] for part in parts] == [184, 184, 184, 520, 1072]
    assert [half[part]["value"] for part in parts] == [92, 92, 92, 260, 536]
    assert (full["precision"], half["precision"]) == ("float32", "float16")
    copies = {row["optimizer"]: row["numbers_per_parameter"] for row in reply["optimizers"]}
    assert set(copies) == set(engine.OPTIMIZERS)
    assert (copies["sgd"], copies["momentum"], copies["adam"]) == (0, 1, 2)
    assert reply["training_flops"]["value"] == 3 * 72 * 10


def test_every_printed_sum_comes_to_its_value(ask: Ask) -> None:
    reply = ask("architecture", network=given_back(LENET_5), batch_size=7, optimizer="adam")
    for name in ("parameters", "flops", "training_flops"):
        agree(reply[name])
    for memory in reply["memory"]:
        for quantity in memory.values():
            if isinstance(quantity, dict):
                agree(quantity)
    for count in reply["counts"]:
        agree(count["neurons"])
    for comparison in reply["comparisons"]:
        agree(comparison["ratio"])


@given(
    units=st.lists(st.integers(1, 10**6), min_size=2, max_size=6),
    batch=st.integers(1, 10_000),
)
@settings(max_examples=25)
def test_plain_python_counts_the_same(ask: Ask, units: list[int], batch: int) -> None:
    reply = ask("architecture", network=network(*units), batch_size=batch)
    pairs = list(pairwise(units))
    assert parameters(reply) == pytest.approx(sum(o * i + o for i, o in pairs))
    assert [layer["parameters"] for layer in reply["layers"]] == [o * i + o for i, o in pairs]
    assert [layer["flops"] for layer in reply["layers"]] == [2 * o * i for i, o in pairs]
    values = batch * sum(units)
    assert reply["memory"][0]["activations"]["value"] == 4 * values


def test_no_mask_is_made_for_a_sequence_that_could_not_be_held(ask: Ask) -> None:
    layers = [
        {"type": "multi_head_attention", "heads": 2, "causal": True},
        {"type": "transformer_block", "heads": 2, "hidden": 8, "causal": True},
    ]
    reply = ask("architecture", network={"input_shape": [1_000_000, 4], "layers": layers})
    # Four projections 4·4 + 4, and in the block as well; its dense layers and two norms.
    assert parameters(reply) == 80 + 80 + (4 * 8 + 8) + (8 * 4 + 4) + 16
    # Scores and the weighted sum are two products of four numbers for each pair of positions.
    assert reply["layers"][0]["flops"] == 4 * 2 * 10**6 * 16 + 2 * 2 * 4 * 10**12


@pytest.mark.parametrize(
    ("spec", "field", "description"),
    [
        (
            {
                "input_shape": [4],
                "layers": [dense(3), {"type": "conv2d", "filters": 2, "kernel_size": 3}],
            },
            "network.layers[1]",
            "layer conv2d_2 gets an input of shape (3,) but needs an image, "
            "(height, width, channels)",
        ),
        (
            {"input_shape": [4], "layers": [dense(10**8)]},
            "network.layers[0].units",
            "must be at most 10000000",
        ),
        (
            {"input_shape": [4], "layers": [dense(1)] * 257},
            "network.layers",
            "must be at most 256; got 257",
        ),
        (
            {"input_shape": [10**4, 10**4], "layers": [dense(1)]},
            "network.input_shape",
            "must hold at most 10000000 numbers",
        ),
        (
            {
                "input_shape": [10**4],
                "layers": [
                    {"type": "embedding", "vocabulary": 2, "units": 1000},
                    {"type": "positional_encoding"},
                ],
            },
            "network.layers",
            "must have sinusoidal encodings of at most 1000000 numbers; got 10000000. The "
            'kind "learned" has no such limit',
        ),
        (
            {
                "input_shape": [10**7],
                "layers": [
                    {"type": "embedding", "vocabulary": 10**7, "units": 10**7},
                    {"type": "dense", "units": 10**7},
                ],
            },
            "network.layers",
            "must take at most 1e+18 numbers a batch",
        ),
        (
            {"input_shape": [2], "layers": [{"type": "dropout", "rate": 0.5}]},
            "network.layers",
            "a network needs a layer with parameters",
        ),
    ],
)
def test_an_error_names_the_field_that_is_out_of_range(
    ask: Ask, spec: dict[str, Any], field: str, description: str
) -> None:
    problem = ask("architecture", network=spec, status=400)
    assert problem["errors"] == [{"field": field, "description": description}]


LARGE: dict[str, dict[str, Any]] = {
    "dense": {"units": 10**7},
    "conv1d": {"filters": 10**7, "kernel_size": [2048], "padding": "same"},
    "conv2d": {"filters": 10**7, "kernel_size": [32], "padding": "same"},
    "average_pool2d": {"pool_size": [32]},
    "lstm": {"units": 10**7, "return_sequences": True},
    "embedding": {"vocabulary": 10**7, "units": 10**7},
    "transformer_block": {"heads": 1, "hidden": 10**7, "causal": True},
    "positional_encoding": {"kind": "learned"},
    "reshape": {"shape": [10**6, -1]},
}


@pytest.mark.parametrize("axes", [[10**7], [10**3, 10**4], [10**2, 10**2, 10**3]])
@pytest.mark.parametrize("first", LARGE)
@pytest.mark.parametrize("second", LARGE)
def test_sizes_near_the_limits_are_counted_or_refused_at_once(
    axes: list[int], first: str, second: str
) -> None:
    layers = [{"type": name, **LARGE[name]} for name in (first, second)]
    request = SimulateArchitectureRequest.model_validate(
        {"network": {"input_shape": axes, "layers": layers}}
    )
    begin = time.thread_time()  # to walk over that many numbers would take minutes
    with suppress(InvalidArgument):
        assert 0 < architecture(request).parameters.value < 1e18
    assert time.thread_time() - begin < 10


def test_gpt_2_is_summed_up_though_it_could_not_be_trained_here(ask: Ask) -> None:
    reply = ask("architecture", network=given_back(GPT_2), batch_size=1, optimizer="adamw")
    assert parameters(reply) == 124_439_808
    assert reply["memory"][0]["optimizer_state"]["value"] == 2 * 4 * 124_439_808
    assert "124,439,808 parameters, 31 % of them in tokens" in reply["verdict"]
