"""The explorers and the lists of the journey, read by the SDK, once on each wire."""

import numpy as np
import pytest

import epochal

# ------------------------------------------------------- 1 what a network is, 2 the single neuron


def test_an_approximation_has_curves_as_arrays(client: epochal.Client) -> None:
    told = client.simulate.approximation(target="bump", widths=[1, 3], seeds=2, steps=5)
    assert [fit.width for fit in told.widths] == [1, 3]
    assert told.widths[0].curve.shape == told.curve_inputs.shape
    assert told.widths[1].errors.shape == (2,)
    x = np.linspace(0, 1, 6)
    own = client.simulate.approximation(inputs=x, outputs=x**2, widths=[2], steps=3)
    np.testing.assert_array_equal(own.outputs, x**2)
    assert own.formula is None


def test_a_perceptron_is_read_with_its_proof(client: epochal.Client) -> None:
    told = client.simulate.perceptron("xor", epochs=2)
    assert (told.table, told.separable, told.separation) == ("xor", False, None)
    assert told.certificate is not None
    np.testing.assert_array_equal(told.certificate.meeting_point, [0.5, 0.5])
    assert told.points.shape == (4, 2)
    assert str(told.steps[1].updates[1]) == "w2 = 0 + 1·(1 - 0)·1 = 1"
    learnt = client.simulate.perceptron(points=np.eye(3), targets=[0, 0, 1])
    assert learnt.converged
    assert learnt.certificate is None
    assert learnt.separation is not None
    assert learnt.separation.line is None


def test_xor_is_read_with_its_grid(client: epochal.Client) -> None:
    told = client.simulate.xor(resolution=3)
    assert [unit.gate for unit in told.hidden_units] == ["or", "nand"]
    np.testing.assert_array_equal(told.grid.outputs, [[0, 0, 1], [0, 1, 0], [1, 0, 0]])
    assert told.shown_seed is None
    unit = {"weights": [1.0, 1.0], "bias": -0.5}
    same = client.simulate.xor(hidden=[unit, unit], output=unit)
    assert not same.solved
    trained = client.simulate.xor(train=True, starts=2, epochs=20)
    assert [start.seed for start in trained.starts] == [0, 1]


# ---------------------------------------------------------------------------------- 3 activations


def test_activations_are_read_as_curves(client: epochal.Client) -> None:
    told = client.simulate.activation("tanh", points=5)
    (curve,) = told.activations
    np.testing.assert_allclose(curve.values, np.tanh(told.x_values))
    assert float(curve.derivative) == pytest.approx(0.786448, abs=5e-7)
    assert curve.convention is None
    chain = client.simulate.activation_chain("sigmoid", depth=3)
    assert [link.layer for link in chain.links] == [1, 2, 3]
    assert chain.label == "stable"
    assert chain.gradient == pytest.approx(float(chain.links[-1].forward_gradient))


def test_the_lists_of_parts_and_activations_are_read(client: epochal.Client) -> None:
    assert client.journey.neuron_parts().parts[0].counterpart == "Inputs"
    listed = {one.activation: one for one in client.journey.activations()}
    assert listed["relu"].gain == pytest.approx(2**0.5)
    assert listed["softmax"].gain is None
    assert listed["linear"].source is None
