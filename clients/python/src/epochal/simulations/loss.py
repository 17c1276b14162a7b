"""Section 6 of the journey: losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..specs import Spec
from ..types import LossSimulation, TokenLossSimulation
from .explorer import Explorer


class LossExplorer(Explorer):
    """Part of `client.simulate`."""

    def loss(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        losses: str | Sequence[str] | None = None,
        options: Spec | None = None,
        points: int | None = None,
        minimum: float | None = None,
        maximum: float | None = None,
    ) -> LossSimulation:
        """What several losses say of one prediction, with their slopes, and of all others.

        One number, or one for each output, up to 100: `prediction` and `target` are of one length.
        By default these are all losses that fit. The curve has `points` places (2 to 1,001) from
        `minimum` to `maximum`.

        >>> answer = client.simulate.loss(0.7, 1, losses="binary_cross_entropy").losses[0]
        >>> round(answer.value.value, 4), round(answer.logit_slopes[0].value, 4)
        (0.3567, -0.3)
        """
        return self._ask(
            "SimulateLoss",
            LossSimulation,
            prediction=np.ravel(np.asarray(prediction, np.float64)),
            target=np.ravel(np.asarray(target, np.float64)),
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
        """How surprising the true tokens were, in nats, bits and perplexity.

        Either rows of `probabilities` or `logits` `(places, vocabulary)` with the `targets`
        `(places,)`, numbers from 0, or the `target_probabilities` `(places,)` alone with the size
        of the `vocabulary`. `tokens` are their texts, for the answer: those of the vocabulary, or,
        with `target_probabilities`, one for each place.

        >>> client.simulate.token_loss(target_probabilities=[0.5], vocabulary=1000).bits.value
        1.0
        """

        def rows(given: ArrayLike | None) -> Any:
            return None if given is None else np.atleast_2d(np.asarray(given, np.float64))

        chances = target_probabilities
        return self._ask(
            "SimulateTokenLoss",
            TokenLossSimulation,
            probabilities=rows(probabilities),
            logits=rows(logits),
            targets=targets,
            target_probabilities=None
            if chances is None
            else np.ravel(np.asarray(chances, np.float64)),
            vocabulary=vocabulary,
            tokens=tokens,
        )
