"""Section 6 of the journey: loss functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..arrays import ArrayLike
from ..deferred import np
from ..types import LossName, LossOptionsSpec, LossSimulation, TokenLossSimulation
from .explorer import Explorer, flat


class LossExplorer(Explorer):
    """Part of `client.simulate`."""

    def loss(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        losses: LossName | Sequence[LossName] | None = None,
        options: LossOptionsSpec | None = None,
        points: int | None = None,
        minimum: float | None = None,
        maximum: float | None = None,
    ) -> LossSimulation:
        """Compute losses and their derivatives for one prediction, and their curves.

        `prediction` and `target` are numbers, or sequences of equal length with one number for each
        output, up to 100. `losses` are all that fit by default. The curves have `points` points (2
        to 1,001) from `minimum` to `maximum`.

        >>> trace = client.simulate.loss(0.7, 1, losses="binary_cross_entropy").losses[0]
        >>> round(trace.value.value, 4), round(trace.logit_derivatives[0].value, 4)
        (0.3567, -0.3)
        """
        return self._simulate(
            "SimulateLoss",
            LossSimulation,
            prediction=flat(prediction),
            target=flat(target),
            losses=[losses] if isinstance(losses, str) else losses,
            options=options,
            points=points,
            minimum=minimum,
            maximum=maximum,
        )

    def token_loss(
        self,
        *,
        probabilities: ArrayLike | None = None,
        logits: ArrayLike | None = None,
        targets: Sequence[int] | None = None,
        target_probabilities: ArrayLike | None = None,
        vocabulary: int | None = None,
        tokens: Sequence[str] | None = None,
    ) -> TokenLossSimulation:
        """Compute the cross-entropy of a text in nats and bits, and its perplexity.

        Give rows of `probabilities` or `logits` `(positions, vocabulary)` with the `targets`
        `(positions,)`, token indices from 0; or the `target_probabilities` `(positions,)` with the
        size of the `vocabulary`. `tokens` are texts to show: one for each token of the vocabulary,
        or, with `target_probabilities`, one for each position.

        >>> client.simulate.token_loss(target_probabilities=[0.5], vocabulary=1000).bits.value
        1.0
        """
        return self._simulate(
            "SimulateTokenLoss",
            TokenLossSimulation,
            probabilities=_rows(probabilities),
            logits=_rows(logits),
            targets=targets,
            target_probabilities=flat(target_probabilities),
            vocabulary=vocabulary,
            tokens=tokens,
        )


def _rows(values: ArrayLike | None) -> Any:
    return None if values is None else np.atleast_2d(np.asarray(values, np.float64))
