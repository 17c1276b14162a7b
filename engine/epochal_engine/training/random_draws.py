"""The random draws of a run in an epoch, computed again without training.

The streams depend on the seed alone, whatever happens in training. A dropout mask takes a known
count of numbers, so a stream jumps to any step; an order, an augmentation or a corruption does not,
so the numbers of earlier epochs are drawn again.
"""

from __future__ import annotations

import math
from collections.abc import Container
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..model.losses import find_loss
from ..model.network import Network
from ..model.predict import SAMPLES_AT_ONCE
from ..symbolic.trace import Array
from .masks import Mask, masks_of
from .step import draw
from .streams import Streams
from .training import Training


@dataclass(frozen=True)
class RandomDraws:
    """The draws of every epoch of a run. Epochs count from 1, the batches of an epoch from 0."""

    network: Network
    training: Training
    samples: int
    """The number of training samples; of pairs, the rows of both."""

    @property
    def together(self) -> int:
        """How many samples stay together: the rows of a pair."""
        return find_loss(self.training.loss).rows

    @property
    def batch_size(self) -> int:
        """Samples in a batch; the last one may have fewer."""
        return self.training.samples_per_step(self.samples // self.together) * self.together

    @property
    def batches(self) -> int:
        """The number of batches in an epoch."""
        return math.ceil(self.samples / self.batch_size)

    @property
    def is_shuffled(self) -> bool:
        """Whether every epoch has its own order."""
        return self.training.is_shuffled(self.samples // self.together)

    @cached_property
    def masks(self) -> tuple[Mask, ...]:
        """The masks of a step, in the order in which they are drawn."""
        return tuple(masks_of(self.network))

    def rows(self, batch: int) -> slice:
        """Return the positions of a batch in the order of its epoch."""
        start = batch * self.batch_size
        return slice(start, min(start + self.batch_size, self.samples))

    @cached_property
    def changes_size(self) -> int:
        """How many numbers all augmentations and the corruption of one sample draw."""
        sample = np.empty((1, *self.network.input_shape), self.training.dtype)
        rng = np.random.default_rng(0)
        return sum(drawn.size for drawn in self._drawn(sample, rng))

    def order(self, epoch: int) -> Array:
        """Return the order of the training samples in an epoch: their positions, `(samples,)`."""
        unshuffled = np.arange(self.samples // self.together)
        order = unshuffled.copy()
        if self.is_shuffled:
            stream = self._streams().shuffle
            for _ in range(epoch):
                np.copyto(order, unshuffled)
                stream.shuffle(order)
        return (order[:, None] * self.together + np.arange(self.together)).ravel()

    def drawn_masks(
        self, epoch: int, batch: int, layers: Container[str]
    ) -> list[tuple[Mask, Array]]:
        """Return the masks of a step of these layers, each `(samples, …)`."""
        rows = self.rows(batch)
        samples = rows.stop - rows.start
        before = ((epoch - 1) * self.samples + rows.start) * sum(mask.size for mask in self.masks)
        drawn = []
        for mask in self.masks:
            if mask.layer in layers:
                stream = self._dropout_after(before)
                values = np.empty(mask.drawn_for(samples), self.training.dtype)
                for function, arguments in draw(stream, values, mask.rate):
                    function(*arguments)
                drawn.append((mask, values.transpose(mask.axes)))
            before += samples * mask.size
        return drawn

    def changes(self, epoch: int) -> list[Array]:
        """Return what each augmentation draws in an epoch, `(samples, …)`, in the data's order; the
        last one is the corruption's, if there is one.
        """
        stream = self._streams().augmentation
        drawn: list[Array] = []
        for _ in range(epoch):
            # As in training: all changes of a block of samples, then the next block.
            blocks = [self._drawn(block, stream) for block in self._blocks()]
            drawn = [np.concatenate(parts) for parts in zip(*blocks, strict=True)]
        return drawn

    def _drawn(self, samples: Array, rng: np.random.Generator) -> list[Array]:
        """Return what all augmentations of the samples draw in order, then the corruption."""
        training = self.training
        drawn = [change.draw(samples, rng) for change in training.augmentation]
        if training.corruption is not None:
            targets = (len(samples), *self.network.output_shape)
            drawn.append(training.corruption.draw(samples.shape, targets, rng))
        return drawn

    def _blocks(self) -> list[Array]:
        """Return arrays with the shapes of the blocks in which samples are augmented."""
        shape = (self.samples, *self.network.input_shape)
        samples = np.broadcast_to(np.zeros((), self.training.dtype), shape)
        return [samples[i : i + SAMPLES_AT_ONCE] for i in range(0, self.samples, SAMPLES_AT_ONCE)]

    def _dropout_after(self, numbers: int) -> np.random.Generator:
        """Return the stream of the dropout masks after `numbers` numbers of the run's type."""
        stream = self._streams().dropout
        assert isinstance(stream.bit_generator, np.random.PCG64)
        if self.training.dtype == "float64":
            stream.bit_generator.advance(numbers)
        else:
            # A float32 takes half of a number of the generator; the other half waits.
            stream.bit_generator.advance(numbers // 2)
            stream.random(numbers % 2, np.float32)
        return stream

    def _streams(self) -> Streams:
        return Streams.from_seed(self.training.seed)
