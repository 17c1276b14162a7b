"""Baselines of equal data are computed once."""

import numpy as np
import pytest

import epochal_engine as engine
from epochal_engine import Data, Dense, Embedding, GlobalAveragePool, Network
from epochal_service.preparation import baselines
from epochal_service.preparation.remembered import MOST_DIGESTED_BYTES

RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(60, 3))
TARGETS = INPUTS[:, :1] - INPUTS[:, 1:2]


def network(units: int) -> Network:
    return Network((3,), (Dense(units, "tanh"), Dense(1)))


def test_networks_on_equal_data_share_their_baselines() -> None:
    first = baselines.of_data(network(4), "mse", Data(INPUTS, TARGETS))
    second = baselines.of_data(network(8), "mse", Data(INPUTS.copy(), TARGETS.copy()))
    assert second is first
    computed = engine.baselines(network(8), "mse", Data(INPUTS, TARGETS))
    assert computed.linear is not None
    assert first.linear is not None
    assert first.constant.train_loss == computed.constant.train
    assert first.linear.train_loss == computed.linear.train


def test_other_data_and_another_loss_have_their_own() -> None:
    first = baselines.of_data(network(4), "mse", Data(INPUTS, TARGETS))
    others = [
        baselines.of_data(network(4), "mse", Data(INPUTS, 2.0 * TARGETS)),
        baselines.of_data(network(4), "mse", Data(-INPUTS, np.abs(TARGETS))),
        baselines.of_data(network(4), "mae", Data(INPUTS, TARGETS)),
        baselines.of_data(network(4), "mse", Data(INPUTS[:40], TARGETS[:40], INPUTS, TARGETS)),
    ]
    assert len({other.model_dump_json() for other in [first, *others]}) == 5


def test_a_network_that_reads_tokens_has_no_linear_model() -> None:
    tokens = RNG.integers(0, 5, (60, 3)).astype(np.float64)
    data = Data(tokens, tokens[:, :1])
    reader = Network((3,), (Embedding(5, 4), GlobalAveragePool(), Dense(1)))
    assert baselines.of_data(network(4), "mse", data).linear is not None
    assert baselines.of_data(reader, "mse", data).linear is None


@pytest.mark.long
def test_large_data_are_not_digested() -> None:
    inputs = np.zeros((MOST_DIGESTED_BYTES // 8, 3))
    data = Data(inputs, inputs[:, :1])
    first = baselines.of_data(network(2), "mse", data)
    assert baselines.of_data(network(2), "mse", data) is not first
