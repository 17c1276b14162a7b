"""Rollouts: the samples of an epoch are texts that the network writes with its current weights.

    prompts ── a token for each position, in turn ── texts ── rewards, log-ratios ── advantages
                                                       │                                 │
                                               inputs and targets              weights of the loss

The mean of advantage · cross-entropy over all tokens has the gradient of REINFORCE. The samples
of the data give the prompts: what comes before the first target that counts. Each draw is one
number of the run's stream, so that the texts of any epoch have equal bits however often a run
stops.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

import numpy as np

from ..data.data import Data
from ..data.generators import IGNORED
from ..model.decoding import Steps, uncached_layer
from ..model.losses import CrossEntropy, find_loss
from ..model.network import Network
from ..model.predict import checked_parameters, forward_passes
from ..optimize.rewards import GRAMMARS, Rollouts, ScoreTexts
from ..symbolic.trace import Array, Call
from .training import Training

TEXTS_AT_ONCE = 128
"""Largest number of texts that are written together: their keys and values stay in the cache of the
processor."""
SMALLEST_DEVIATION = 1e-6
"""Added to the standard deviation of the advantages, which may be 0."""


class Sampler:
    """Writes the samples of an epoch with the current `parameters`."""

    def __init__(
        self,
        network: Network,
        training: Training,
        data: Data,
        parameters: Mapping[str, Array],
        reference: Mapping[str, Array],
    ) -> None:
        assert training.rollouts is not None
        self._rollouts: Rollouts = training.rollouts
        self._prompts = np.ascontiguousarray(data.train_inputs, training.dtype)
        self._first = (data.train_targets != IGNORED).argmax(1)
        shape = self._prompts.shape
        self._rows = np.empty_like(self._prompts)
        self._labels = np.empty(shape, np.int32)
        self._numbers = np.empty(shape)
        self._logits, self._others = (
            np.empty((*shape, network.output_shape[-1]), training.dtype) for _ in range(2)
        )
        read = find_loss(training.loss).logits
        self._passes = [
            forward_passes(network, weights, self._rows, logits, read)
            for weights, logits in ((parameters, self._logits), (reference, self._others))
        ]
        # Parts with the same number of texts share their arrays.
        self._steps: dict[int, Steps] = {}
        if uncached_layer(network) is None:
            for count in {len(self._rows[part]) for part in self._parts()}:
                self._steps[count] = Steps(network, parameters, count, read)
        self.weights = np.zeros((*shape, 1), training.dtype)
        """The advantage of the text of each target, `(n, length, 1)`; 0 if the target does not
        count."""
        self.metrics: dict[str, float] = {}
        """Means over the texts of the last epoch."""

    def calls(
        self, inputs: Array, targets: Array, rng: np.random.Generator
    ) -> Iterator[tuple[list[Call], float]]:
        """Yield the calls that write an epoch's samples into `inputs` and `targets` `(n, length)`,
        and of how many passes of one sample they are.
        """
        yield [(self._start, (rng,))], 0
        yield from self._written()
        for calls in chain(*self._passes):
            yield calls, len(inputs) / len(self._passes[0])
        yield [(self._finish, (inputs, targets))], 0

    def _parts(self) -> list[slice]:
        """Return the rows of the texts that are written together."""
        starts = range(0, len(self._rows), TEXTS_AT_ONCE)
        return [slice(start, start + TEXTS_AT_ONCE) for start in starts]

    def _written(self) -> Iterator[tuple[list[Call], float]]:
        """Yield the calls that write a token of some texts, and their cost."""
        length = self._rows.shape[1]
        if not self._steps:
            for position in range(int(self._first.min()), length):
                draw: Call = (self._draw, (slice(None), position, self._logits[:, position]))
                yield [*chain(*self._passes[0]), draw], len(self._rows)
            return
        for part in self._parts():
            rows = self._rows[part]
            steps = self._steps[len(rows)]
            for position in range(length):
                draw = (self._draw, (part, position, steps.outputs))
                yield [*steps.calls(position, rows[:, position]), draw], len(rows) / length

    def _start(self, rng: np.random.Generator) -> None:
        np.copyto(self._rows, self._prompts)
        positions = np.arange(self._rows.shape[1])
        end = self._rollouts.end
        # The part of the data after a prompt is not an input.
        self._rows[positions > self._first[:, None]] = 0 if end is None else end
        self._labels.fill(IGNORED)
        rng.random(out=self._numbers)
        self._is_written = np.ones(len(self._rows), bool)

    def _draw(self, part: slice, position: int, logits: Array) -> None:
        """Draw the token of a position of each text that has begun and not ended."""
        logits = logits.astype(np.float64)
        chances = np.exp(logits - logits.max(1, keepdims=True))
        reached = chances.cumsum(1)
        number = self._numbers[part, position, None] * reached[:, -1:]
        tokens = np.minimum((reached <= number).sum(1), logits.shape[1] - 1)
        written = self._is_written[part] & (self._first[part] <= position)
        self._labels[part, position][written] = tokens[written]
        if position + 1 < self._rows.shape[1]:
            self._rows[part, position + 1][written] = tokens[written]
        if self._rollouts.end is not None:
            self._is_written[part] &= ~(written & (tokens == self._rollouts.end))

    def _finish(self, inputs: Array, targets: Array) -> None:
        """Copy the texts, and compute the advantages."""
        counts = self._labels != IGNORED
        ratios = self._log_probabilities(self._logits) - self._log_probabilities(self._others)
        divergence = (ratios * counts).sum(1)
        texts = [self._text(row[row != IGNORED]) for row in self._labels]
        rewards = self._rollouts.reward(texts, self._rows)
        advantages = rewards - self._rollouts.beta * divergence
        advantages -= advantages.mean()
        advantages /= advantages.std() + SMALLEST_DEVIATION
        np.copyto(self.weights[..., 0], advantages[:, None] * counts)
        np.copyto(inputs, self._rows)
        np.copyto(targets, self._labels)
        self.metrics = {"reward": float(rewards.mean()), "kl": float(divergence.mean())}
        if self._rollouts.grammar is not None:
            is_valid = GRAMMARS[self._rollouts.grammar]
            self.metrics["valid"] = float(np.mean([is_valid(text) for text in texts]))

    def _log_probabilities(self, logits: Array) -> Array:
        """Return the log-probability of each label, `(n, length)`; of those without, any number."""
        values = logits.astype(np.float64)
        values -= values.max(-1, keepdims=True)
        labels = np.maximum(self._labels, 0)[..., None]
        of_labels = np.take_along_axis(values, labels, -1)[..., 0]
        return np.asarray(of_labels - np.log(np.exp(values).sum(-1)))

    def _text(self, tokens: Array) -> str:
        return "".join(self._rollouts.names[token] for token in tokens.tolist())


def check_rollouts(network: Network, training: Training, data: Data) -> None:
    """Raise ValueError unless the network can write, and the data have prompts for it."""
    loss = find_loss(training.loss)
    if not isinstance(loss, CrossEntropy) or loss.ignore_label is None or loss.label_smoothing:
        raise ValueError("rollouts need the loss cross_entropy, with a label that is ignored")
    if len(network.input_shape) != 1 or network.output_shape[:-1] != network.input_shape:
        raise ValueError("rollouts need a network that predicts the next token at each position")
    assert training.rollouts is not None
    reward = training.rollouts.reward
    if isinstance(reward, ScoreTexts):
        if reward.network.input_shape != network.input_shape:
            raise ValueError(
                f"the reward model needs the input shape {network.input_shape} of the network that "
                f"writes; it has {reward.network.input_shape}"
            )
        checked_parameters(reward.network, reward.weights)
    if data.train_targets.dtype.kind != "i":
        raise ValueError("rollouts need tokens as targets, not probabilities")
    if data.train_sample_weights is not None or training.augmentation or training.corruption:
        raise ValueError("rollouts cannot be combined with weights or changes of samples")
