"""Rollouts: texts that a network writes, their rewards, and the training on these."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from epochal_engine import (
    GRAMMARS,
    Adam,
    CountTexts,
    CrossEntropy,
    Data,
    Dense,
    Dropout,
    Embedding,
    Engine,
    GlobalAveragePool,
    Gru,
    Layer,
    Network,
    Reshape,
    Rollouts,
    Run,
    ScoreTexts,
    Sgd,
    State,
    Sweep,
    Training,
    TransformerBlock,
    choose_engine,
    chosen_engine,
    memory,
    predict,
    work,
)
from epochal_engine.symbolic import Array
from epochal_engine.training.blocks import join

NAMES = ("a", "b", ".")
LENGTH = 6
NETWORK = Network(
    (LENGTH,),
    (Embedding(3, 8), Gru(12, return_sequences=True), Dense(3, "softmax")),
)
COUNT_A = CountTexts(("a",))
Reward = CountTexts | ScoreTexts


def prompts(count: int, prompt: int = 1) -> Data:
    """Return rows that begin with letters that do not count."""
    rng = np.random.default_rng(5)
    inputs = rng.integers(2, size=(count, LENGTH)).astype(float)
    targets = np.concatenate([inputs[:, 1:], np.full((count, 1), 2.0)], 1).astype(np.int64)
    targets[:, : prompt - 1] = -1
    return Data(inputs, targets)


def training(
    epochs: int = 4, *, beta: float = 0.1, reward: Reward = COUNT_A, **options: Any
) -> Training:
    return Training(
        CrossEntropy(ignore_label=-1),
        Adam(0.01),
        epochs,
        8,
        dtype="float64",
        rollouts=Rollouts(reward, NAMES, beta, **options),
    )


JUDGE = Network((LENGTH,), (Embedding(3, 4), GlobalAveragePool(), Dense(1)))


def judge(dtype: str = "float64") -> ScoreTexts:
    """A reward model that gives 3 times the share of token a, minus 1."""
    weights = {name: np.zeros(shape, dtype) for name, shape in JUDGE.parameters.items()}
    table, weight, bias = weights
    weights[table][0, 0], weights[weight][0, 0], weights[bias][0] = 1, 3, -1
    return ScoreTexts(JUDGE, weights)


def finished(run: Run) -> Run:
    for _ in run:
        pass
    return run


def columns(run: Run) -> dict[str, Array]:
    return dict(join(run.take()).columns)


def test_rewarded_texts_become_more_probable() -> None:
    run = finished(Run(NETWORK, training(40), prompts(32)))
    rows = columns(run)
    assert set(rows) >= {"reward", "kl", "train_loss"}
    assert "valid" not in rows
    assert rows["kl"][0] == 0
    assert rows["kl"][-1] > 0.5
    assert rows["reward"][0] < 3
    assert rows["reward"][-1] > 4.5


def test_a_reward_model_scores_the_tokens_of_each_text() -> None:
    run = Run(NETWORK, training(40, reward=judge()), prompts(32))
    rewards = []
    for _ in run:
        assert run._sampler is not None
        if run.at_boundary:
            rewards.append(3 * (run._sampler._rows == 0).mean() - 1)
    rows = columns(run)
    assert rows["reward"] == pytest.approx(np.array(rewards))
    assert rows["reward"][0] < 0.7
    assert rows["reward"][-1] > 1.4


def test_a_reward_model_of_another_type_gives_numbers_in_double_precision() -> None:
    rows = np.array([[0, 0, 0, 1, 1, 1.0], [2, 2, 2, 2, 2, 2]])
    for dtype in ("float32", "float64"):
        rewards = judge(dtype)(["aaabbb", "......"], rows)
        assert rewards.dtype == np.float64
        assert rewards == pytest.approx([0.5, -1])


def test_what_is_no_reward_model_is_refused() -> None:
    with pytest.raises(ValueError, match="needs one output"):
        ScoreTexts(NETWORK)
    shorter = Network((LENGTH - 1,), JUDGE.layers)
    for reward, message in (
        (ScoreTexts(shorter, judge().weights), r"needs the input shape \(6,\)"),
        (ScoreTexts(JUDGE), "there is no weight named"),
    ):
        with pytest.raises(ValueError, match=message):
            Run(NETWORK, training(reward=reward), prompts(8))


def test_a_larger_beta_keeps_the_network_nearer_to_the_initial_weights() -> None:
    near, far = (
        columns(finished(Run(NETWORK, training(40, beta=beta), prompts(32)))) for beta in (5.0, 0.0)
    )
    assert near["kl"][-1] < 0.3 * far["kl"][-1]
    assert near["reward"][-1] < far["reward"][-1]


def test_a_step_is_that_of_reinforce() -> None:
    data, rate, beta = prompts(8, prompt=3), 0.01, 0.3
    settings = replace(training(2, beta=beta), batch_size=None, optimizer=Sgd(rate))
    run = Run(NETWORK, settings, data)
    reference = run.weights()
    epochs = iter(run)
    next(epochs)
    before = run.weights()
    next(epochs)
    assert run._sampler is not None
    inputs, labels = run._sampler._rows, run._sampler._labels
    # The prompts come from the data, and each token written is the next input.
    assert (inputs[:, :3] == data.train_inputs[:, :3]).all()
    assert (labels[:, :2] == -1).all()
    assert (inputs[:, 3:] == labels[:, 2:-1]).all()

    def log_probabilities(weights: dict[str, Array]) -> Array:
        chances = predict(NETWORK, weights, inputs)
        chosen = np.take_along_axis(chances, np.maximum(labels, 0)[..., None], 2)[..., 0]
        return np.asarray((np.log(chosen) * (labels >= 0)).sum(1))

    rewards = np.array([(row == 0).sum() for row in labels], float)
    divergence = log_probabilities(before) - log_probabilities(reference)
    advantages = rewards - beta * divergence
    advantages = (advantages - advantages.mean()) / advantages.std()
    rows = columns(run)
    assert rows["reward"][1] == pytest.approx(rewards.mean())
    assert rows["kl"][1] == pytest.approx(divergence.mean())

    rng = np.random.default_rng(2)
    direction = {name: rng.normal(size=array.shape) for name, array in before.items()}

    def objective(size: float) -> float:
        moved = {name: before[name] + size * direction[name] for name in before}
        counted = (labels >= 0).sum()
        return float(-(advantages * log_probabilities(moved)).sum() / counted)

    expected = (objective(1e-5) - objective(-1e-5)) / 2e-5
    after = run.weights()
    gradient = {name: (before[name] - after[name]) / rate for name in before}
    slope = sum(float((gradient[name] * direction[name]).sum()) for name in before)
    assert slope == pytest.approx(expected, rel=1e-4)


def test_tokens_are_drawn_with_their_probabilities() -> None:
    count = 4_000
    settings = replace(training(1, beta=0.0), batch_size=None)
    run = Run(NETWORK, settings, Data(np.zeros((count, LENGTH)), np.ones((count, LENGTH), int)))
    chances = predict(NETWORK, run.weights(), np.zeros((1, LENGTH)))[0, 0]
    finished(run)
    assert run._sampler is not None
    shares = np.bincount(run._sampler._labels[:, 0], minlength=3) / count
    np.testing.assert_allclose(shares, chances, atol=0.03)


CACHED = (Embedding(3, 8), TransformerBlock(2, 16, causal=True), Gru(12, return_sequences=True))
UNCACHED = (Embedding(3, 8), Reshape((LENGTH, 8)), Gru(12, return_sequences=True))


@pytest.mark.parametrize(
    ("layers", "passes"), [(CACHED, 1), (UNCACHED, LENGTH - 1)], ids=["cached", "uncached"]
)
def test_texts_are_those_that_passes_over_whole_rows_would_give(
    layers: tuple[Layer, ...], passes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("epochal_engine.training.rollouts.TEXTS_AT_ONCE", 8)
    network, data = Network((LENGTH,), (*layers, Dense(3, "softmax"))), prompts(20, prompt=2)
    run = Run(network, training(3, end=2), data)
    sampler = run._sampler
    assert sampler is not None
    assert sum(cost for _, cost in sampler._written()) == pytest.approx(passes * 20)
    for _ in range(3):
        weights = run.weights()
        next(iter(run))
        chances = predict(network, weights, sampler._rows).cumsum(2)
        # Each text counts up to its end.
        ends = (sampler._labels == 2).cumsum(1)
        is_written = np.concatenate([np.zeros((20, 1), int), ends[:, :-1]], 1) == 0
        is_written[:, 0] = False
        drawn = (chances <= sampler._numbers[..., None]).sum(2)
        assert (sampler._labels == np.where(is_written, drawn, -1)).all()
        assert (sampler._rows[:, 2:] == np.where(is_written, drawn, 2)[:, 1:-1]).all()


def test_a_text_ends_with_its_end_token() -> None:
    run = finished(Run(NETWORK, training(1, end=2), prompts(64)))
    assert run._sampler is not None
    for row, inputs in zip(run._sampler._labels, run._sampler._rows, strict=True):
        ends = np.flatnonzero(row == 2)
        if len(ends):
            assert (row[ends[0] + 1 :] == -1).all()
            assert (inputs[ends[0] + 1 :] == 2).all()
    assert (run._sampler._labels == -1).any()


@pytest.mark.parametrize("reward", [COUNT_A, judge("float32")], ids=["rule", "network"])
@pytest.mark.parametrize("engine", ["python", "compiled"])
def test_a_run_continues_with_equal_bits(engine: Engine, reward: Reward) -> None:
    before = chosen_engine()
    layers = (NETWORK.layers[0], Dropout(0.2), *NETWORK.layers[1:])
    network, data = Network((LENGTH,), layers), prompts(20)
    settings = replace(training(6, reward=reward, grammar="sentences"), dtype="float32")
    choose_engine(engine)
    try:
        whole = finished(Run(network, settings, data))
        parts, rows = Run(network, settings, data), []
        for _ in range(3):
            for epoch in parts:
                if parts.at_boundary and epoch % 2 == 0:
                    break
            rows.append(columns(parts))
            parts = Run(network, settings, data, parts.state())
    finally:
        choose_engine(before)
    assert all((whole.weights()[n] == array).all() for n, array in parts.weights().items())
    for name, column in columns(whole).items():
        assert np.concatenate([part[name] for part in rows]).tolist() == column.tolist(), name


@pytest.mark.parametrize("reward", [COUNT_A, judge("float32")], ids=["rule", "network"])
def test_both_engines_give_equal_bits(reward: Reward) -> None:
    network = Network((LENGTH,), (*CACHED, Dense(3, "softmax")))
    before = chosen_engine()
    results = []
    try:
        for engine in ("python", "compiled"):
            choose_engine(engine)
            settings = replace(training(3, reward=reward), dtype="float32")
            run = finished(Run(network, settings, prompts(20)))
            results.append((run.weights(), columns(run)))
    finally:
        choose_engine(before)
    (weights, rows), (others, other_rows) = results
    assert all((weights[name] == others[name]).all() for name in weights)
    assert all((rows[name] == other_rows[name]).all() for name in rows)


def test_validation_is_the_loss_on_the_data() -> None:
    data = prompts(20)
    with_validation = replace(
        data, validation_inputs=data.train_inputs, validation_targets=data.train_targets
    )
    run = Run(NETWORK, replace(training(1), optimizer=Sgd(1e-9)), with_validation)
    chances = predict(NETWORK, run.weights(), data.train_inputs)
    labels = data.train_targets
    expected = -np.log(np.take_along_axis(chances, labels[..., None], 2)).mean()
    assert columns(finished(run))["validation_loss"][0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("the young cat sees a gray moon. the sl", True),
        ("the young cat", True),
        ("the young cat sees a gray moon.", True),
        ("", True),
        ("young cat", False),
        ("the moon moon moon", False),
        ("the young cat sees a gray moon the", False),
    ],
)
def test_a_text_is_valid_if_sentences_can_begin_so(text: str, valid: bool) -> None:
    assert GRAMMARS["sentences"](text) == valid


def test_a_text_costs_a_pass_with_a_cache_and_else_one_for_each_token() -> None:
    plain = replace(training(1), rollouts=None)
    for layers, passes in ((CACHED, 1), (UNCACHED, LENGTH)):
        network = Network((LENGTH,), (*layers, Dense(3, "softmax")))
        more = work(network, training(1), 32).flops - work(network, plain, 32).flops
        assert more == 32 * network.flops * (passes + 2)
        assert memory(network, training(1), 32).total > memory(network, plain, 32).total
    network = Network((LENGTH,), (*CACHED[:2], Dense(3, "softmax")))
    assert work(network, training(1), 32).calls > 1.4 * work(network, plain, 32).calls


def test_texts_that_are_not_written_together_share_memory() -> None:
    network = Network((LENGTH,), (*CACHED, Dense(3, "softmax")))
    few, many = (Run(network, training(1), prompts(count))._sampler for count in (128, 1_280))
    assert few is not None
    assert many is not None
    assert list(few._steps) == list(many._steps) == [128]


def test_a_reward_model_costs_a_pass_for_each_text() -> None:
    counted, scored = training(1), training(1, reward=ScoreTexts(JUDGE))
    more = work(NETWORK, scored, 32).flops - work(NETWORK, counted, 32).flops
    assert more == 32 * JUDGE.flops
    more = memory(NETWORK, scored, 32).total - memory(NETWORK, counted, 32).total
    assert more > 2 * JUDGE.size * 8


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"loss": "cross_entropy"}, "with a label that is ignored"),
        ({"loss": CrossEntropy(label_smoothing=0.1, ignore_label=-1)}, "need the loss"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Run(NETWORK, replace(training(), **changes), prompts(8))


def test_weights_of_samples_and_single_outputs_are_refused() -> None:
    data = prompts(8)
    with pytest.raises(ValueError, match="cannot be combined"):
        Run(NETWORK, training(), replace(data, train_sample_weights=np.arange(8.0)))
    single = Network((LENGTH,), (Embedding(3, 8), Gru(12), Dense(3, "softmax")))
    with pytest.raises(ValueError, match="next token at each position"):
        Run(single, training(), Data(data.train_inputs, data.train_targets[:, 0]))
    with pytest.raises(ValueError, match="sweep cannot train with rollouts"):
        Sweep(NETWORK, [training()], data)


@pytest.mark.parametrize("options", [{"beta": -1.0}, {"beta": 101.0}, {"grammar": "French"}])
def test_options_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"beta|grammar"):
        Rollouts(COUNT_A, NAMES, **options)


def test_the_state_has_the_initial_weights() -> None:
    run = Run(NETWORK, training(4), prompts(8))
    initial = run.weights()
    assert not any(name.startswith("reference:") for name in run.state().arrays)
    next(iter(run))
    state: State = run.state()
    assert all((state.arrays[f"reference:{n}"] == array).all() for n, array in initial.items())
