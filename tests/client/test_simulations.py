"""The explorers and the lists of the journey, read by the SDK, once on each wire."""

import numpy as np
import pytest
from numpy.typing import ArrayLike

import epochal
from epochal.types import XorUnit

# ------------------------------------------------------- 1 what a network is, 2 the single neuron


def test_an_approximation_has_curves_as_arrays(client: epochal.Client) -> None:
    reply = client.course.simulate.approximation(target="bump", widths=[1, 3], seeds=2, steps=5)
    assert [fit.width for fit in reply.widths] == [1, 3]
    assert reply.widths[0].curve.shape == reply.curve_inputs.shape
    assert reply.widths[1].errors.shape == (2,)
    x = np.linspace(0, 1, 6)
    result = client.course.simulate.approximation(inputs=x, outputs=x**2, widths=[2], steps=3)
    np.testing.assert_array_equal(result.outputs, x**2)
    assert result.formula is None


def test_a_perceptron_is_read_with_its_proof(client: epochal.Client) -> None:
    reply = client.course.simulate.perceptron("xor", epochs=2)
    assert (reply.table, reply.separable, reply.separation) == ("xor", False, None)
    assert reply.certificate is not None
    np.testing.assert_array_equal(reply.certificate.meeting_point, [0.5, 0.5])
    assert reply.points.shape == (4, 2)
    assert str(reply.steps[1].updates[1]) == "w2 ← 0 + 1·(1 - 0)·1 = 1"
    learnt = client.course.simulate.perceptron(points=np.eye(3), targets=[0, 0, 1])
    assert learnt.converged
    assert learnt.certificate is None
    assert learnt.separation is not None
    assert learnt.separation.line is None


def test_xor_is_read_with_its_grid(client: epochal.Client) -> None:
    reply = client.course.simulate.xor(resolution=3)
    assert [unit.gate for unit in reply.hidden_units] == ["or", "nand"]
    np.testing.assert_array_equal(reply.grid.outputs, [[0, 0, 1], [0, 1, 0], [1, 0, 0]])
    assert reply.shown_seed is None
    unit: XorUnit = {"weights": [1.0, 1.0], "bias": -0.5}
    same = client.course.simulate.xor(hidden=[unit, unit], output=unit)
    assert not same.solved
    trained = client.course.simulate.xor(train=True, runs=2, epochs=20)
    assert [run.seed for run in trained.runs] == [0, 1]


def test_numbers_may_have_any_shape_and_what_is_none_is_refused_by_name(
    client: epochal.Client,
) -> None:
    summed = client.course.simulate.neuron(np.ones((2, 2)), np.ones(4)).weighted_sum
    assert float(summed) == 4
    with pytest.raises(epochal.InvalidArgument) as refused:
        client.course.simulate.neuron(["x"], [1.0])
    assert [error.field for error in refused.value.errors] == ["inputs[0]"]
    with pytest.raises(epochal.InvalidArgument):
        client.course.simulate.attention(queries=[[1], [1, 2]], keys=[[1]], values=[[1]])


# ---------------------------------------------------------------------------------- 3 activations


def test_activations_are_read_as_curves(client: epochal.Client) -> None:
    reply = client.course.simulate.activation("tanh", points=5)
    (curve,) = reply.activations
    np.testing.assert_allclose(curve.values, np.tanh(reply.x_values))
    assert float(curve.derivative) == pytest.approx(0.786448, abs=5e-7)
    assert curve.convention is None
    chain = client.course.simulate.activation_chain("sigmoid", depth=3)
    assert [layer.layer for layer in chain.layers] == [1, 2, 3]
    assert chain.label == "healthy"
    assert chain.gradient == pytest.approx(float(chain.layers[-1].forward_gradient))


def test_the_lists_of_parts_and_activations_are_read(client: epochal.Client) -> None:
    assert client.course.neuron_parts().parts[0].counterpart == "Inputs"
    listed = {activation.activation: activation for activation in client.course.activations()}
    assert listed["relu"].gain == pytest.approx(2**0.5)
    assert listed["softmax"].gain is None
    assert listed["linear"].source is None


# ---------------------------------- 4 layers and architecture, 5 forward propagation, 6 losses


def test_an_architecture_is_read_beside_famous_ones(client: epochal.Client) -> None:
    layers = [epochal.dense(4), epochal.dense(4), epochal.dense(2)]
    reply = client.course.simulate.architecture(
        {"input_shape": [3], "layers": layers}, optimizer="sgd"
    )
    assert float(reply.parameters) == 46
    assert [layer.parameters_formula for layer in reply.layers] == ["4·3 + 4", "4·4 + 4", "2·4 + 2"]
    assert reply.layers[0].output_shape == (4,)
    assert [count.convention for count in reply.counts] == ["with_input", "without_input"]
    assert reply.memory[0].optimizer_state.value == 0
    assert reply.comparisons[0].name == "LeNet-5"


def test_a_famous_network_may_be_asked_about_as_it_is(client: epochal.Client) -> None:
    models = {model.id: model for model in client.course.models()}
    assert models["gpt-4-estimate"].network is None
    assert models["lenet-5"].network is not None
    reply = client.course.simulate.architecture(models["lenet-5"].network)
    assert float(reply.parameters) == models["lenet-5"].parameters == 61_706
    size = models["llama-2-70b"].size
    assert size is not None
    assert (size.family, size.key_value_heads) == ("llama", 8)
    by_size = client.course.simulate.transformer_cost(size=size, claimed_seconds=0.5)
    by_name = client.course.simulate.transformer_cost("llama-2-70b")
    assert by_size.flops == by_name.flops
    assert by_size.required_utilization is not None
    assert by_name.required_utilization is None
    assert by_name.device.id == "a100"


def test_a_forward_pass_takes_weights_as_a_checkpoint_has_them(client: epochal.Client) -> None:
    weights: dict[str, ArrayLike] = {
        "dense_1.weight": np.array([[1.0, -1.0], [2.0, 0.5]]),
        "dense_1.bias": [0.0, 0.5],
    }
    reply = client.course.simulate.forward(
        {"input_shape": [2], "layers": [epochal.dense(2, "relu")]}, [3.0, 1.0], weights=weights
    )
    np.testing.assert_array_equal(reply.output, [5.0, 0.0])
    (layer,) = reply.layers
    np.testing.assert_array_equal(layer.units[1].products, [-3.0, 0.5])
    assert str(layer.units[1].weighted_sum) == "z2 = (-1)·3 + 0.5·1 + 0.5 = -2"
    assert layer.inputs[0].tolist() == [3.0, 1.0]
    normed = client.course.simulate.forward(
        {"input_shape": [2], "layers": [{"type": "layer_norm"}]}, [1.0, 3.0]
    )
    assert normed.layers[0].units[0].weighted_sum is None


def test_losses_are_read_with_their_curves(client: epochal.Client) -> None:
    reply = client.course.simulate.loss(
        0.7, 1, losses="binary_cross_entropy", points=3, minimum=0, maximum=1
    )
    (trace,) = reply.losses
    assert str(trace.value) == "L = -log(0.7) = 0.3567"
    assert float(trace.logit_derivatives[0]) == pytest.approx(-0.3)
    np.testing.assert_array_equal(reply.curve_predictions, [0.0, 0.5, 1.0])
    assert reply.curves[0].values.shape == (3,)
    facts = {loss.loss: loss for loss in client.course.losses()}
    assert facts["binary_cross_entropy"].logit_derivative_formula == "ŷ - y"
    assert facts["mse"].output_activation is None
    assert facts["huber"].options == ("delta",)


def test_the_loss_of_tokens_is_read_place_by_place(client: epochal.Client) -> None:
    reply = client.course.simulate.token_loss(
        probabilities=[[0.25, 0.75], [0.5, 0.5]], targets=[0, 1], tokens=["no", "yes"]
    )
    assert [position.bits for position in reply.positions] == pytest.approx([2.0, 1.0])
    assert reply.positions[0].top_token == "yes"
    alone = client.course.simulate.token_loss(target_probabilities=[1e-5], vocabulary=100_000)
    assert alone.positions[0].rank is None
    assert alone.baselines[0].nats.value == pytest.approx(11.5129, abs=5e-5)


# ------------------------------------ 7 backpropagation, 8 the training loop, 9 the zoo


def test_a_backward_pass_is_read_with_its_check(client: epochal.Client) -> None:
    network = epochal.network([2], [epochal.dense(2, "tanh"), epochal.dense(1, "sigmoid")])
    weights = {"dense_2.weight": np.array([[1.0], [-1.0]])}
    reply = client.course.simulate.backward(
        network, [0.5, -1.0], [1.0], "binary_cross_entropy", weights=weights, check=True
    )
    assert [layer.name for layer in reply.layers] == ["dense_2", "dense_1"]
    assert reply.layers[1].parameters[0].gradient[0].shape == (2,)
    assert reply.layers[0].units[0].gradient is None
    assert reply.layers[1].units[0].derivative is not None
    assert reply.check is not None
    assert reply.check.agrees
    unchecked = client.course.simulate.backward(network, [0.5, -1.0], [1.0], "binary_cross_entropy")
    assert unchecked.check is None


def test_gradient_flow_and_bars_are_read(client: epochal.Client) -> None:
    reply = client.course.simulate.gradient_flow(
        depth=4, width=6, seeds=2, normalization="batch_norm"
    )
    assert reply.layers[0].norms.shape == (2,)
    assert [remedy.is_on for remedy in reply.remedies] == [False, False, False, True]
    assert float(reply.ratio) == pytest.approx(np.median(reply.ratios))
    bars = client.course.simulate.vanishing_bars(first_seed=880, seeds=20)
    assert bars.matching_seeds == (889,)
    np.testing.assert_array_equal(bars.rounded_bars, bars.target_bars)


def test_a_short_run_is_read_step_by_step(client: epochal.Client) -> None:
    reply = client.course.simulate.training(
        dataset={"inputs": np.eye(2), "targets": [0, 1]}, epochs=4, batch_size=1, steps=2
    )
    assert reply.train_loss.shape == (4,)
    assert [step.samples.tolist() for step in reply.steps] in ([[0], [1]], [[1], [0]])
    assert reply.label.name in ("too_low", "slow", "good")
    assert reply.plane is None
    plane = client.course.simulate.training(epochs=8, maps=3).plane
    assert plane is not None
    assert [grid.epoch for grid in plane.maps] == [0, 2, 8]
    assert plane.maps[-1].outputs.shape == (len(plane.y_values), len(plane.x_values))
    assert plane.samples[0].inputs.shape == (2,)
    diverged = client.course.simulate.training(
        network=epochal.network([2], [epochal.dense(1)]),
        loss="mse",
        optimizer={"type": "sgd", "learning_rate": 1e12},
        epochs=9,
    )
    assert diverged.stop_reason == "diverged"


def test_learning_rates_and_schedules_are_read(client: epochal.Client) -> None:
    reply = client.course.simulate.learning_rates(epochs=20, lowest=1e-3, highest=1e-1, rates=3)
    assert [result.learning_rate for result in reply.results] == pytest.approx([1e-3, 1e-2, 1e-1])
    assert reply.results[0].curve.shape == reply.curve_epochs.shape
    assert sum(band.rates for band in reply.bands) == 3
    drawn = client.course.simulate.schedule({"type": "cosine"}, learning_rate=1.0, epochs=4)
    assert float(drawn.midpoint) == pytest.approx(0.5)
    assert [point.epoch for point in drawn.points] == [1, 2, 3, 4]


def test_windows_are_read_as_arrays(client: epochal.Client) -> None:
    image = np.arange(9.0).reshape(3, 3)
    reply = client.course.simulate.convolution(image, kernel=np.eye(2), padding="same")
    np.testing.assert_array_equal(np.stack(reply.output)[:2, :2], image[:2, :2] + image[1:, 1:])
    assert reply.windows[0].products[0].shape == (2,)
    np.testing.assert_array_equal(
        client.course.simulate.pooling(signal=[1, 3, 2, 0]).output, [[3, 2]]
    )


def test_a_sequence_is_read_by_cells_and_by_attention(client: epochal.Client) -> None:
    reply = client.course.simulate.recurrence(np.eye(3), cell="gru", units=2)
    assert np.stack(reply.states).shape == (3, 2)
    assert [gate.name for gate in reply.steps[0].gates] == ["update", "reset", "candidate"]
    looked = client.course.simulate.attention(tokens=["a", "b", "a"], causal=True, heads=2)
    assert np.stack(looked.heads[1].weights).shape == (3, 3)
    assert looked.heads[0].queries[1].visible_keys == 2
    given = client.course.simulate.attention(queries=np.eye(2), keys=np.eye(2), values=np.eye(2))
    assert np.stack(given.output).shape == (2, 2)
    encoding = client.course.simulate.positional_encoding(positions=4, units=6)
    assert np.stack(encoding.encodings).shape == (4, 6)
    cost = client.course.simulate.sequence_cost(lengths=[10, 20])
    assert [row.length for row in cost.kinds[-1].rows] == [10, 20]
    tokens = client.course.simulate.tokenization("to be", merges=0).tokens
    assert [token.text for token in tokens] == [*"to be"]


def test_the_zoo_is_read_with_its_graphs(client: epochal.Client) -> None:
    zoo = {architecture.id: architecture for architecture in client.course.architectures()}
    assert len(zoo) == 10
    lstm = client.course.architecture("lstm")
    assert lstm == zoo["lstm"]
    assert lstm.preset == "adding-lstm"
    assert {edge.kind for edge in lstm.graph.edges} == {"forward", "recurrent"}
    assert client.networks.summarize(lstm.network) == lstm.summary
    with pytest.raises(epochal.NotFound):
        client.course.architecture("none")
