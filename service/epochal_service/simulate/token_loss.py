"""Cross-entropy over a vocabulary: how surprised a language model is by the token that came."""

from __future__ import annotations

import math

import numpy as np

from epochal_engine import ACTIVATIONS, LOSSES
from epochal_engine.losses import Floats
from epochal_engine.metrics import perplexity

from ..errors import FieldError, InvalidArgument
from ..specs.simulations.loss import (
    BaselineName,
    SimulateTokenLossRequest,
    TokenBaseline,
    TokenLoss,
    TokenLossSimulation,
)
from ..specs.simulations.quantity import Quantity
from .formulas import exponent, number, probability, whole

MAX_NUMBERS = 200_000
CONFIDENT = 0.99
ROUNDING = 1e-3
CROSS_ENTROPY = LOSSES["cross_entropy"]


def token_loss(request: SimulateTokenLossRequest) -> TokenLossSimulation:
    """How surprising the true tokens were, in nats, bits and perplexity, at each place and in all.

    Raises `InvalidArgument` where the rows are not of one length or no probabilities, a target is
    not in the vocabulary, or there are more than 200,000 numbers.
    """
    if request.target_probabilities is not None:
        return _by_chances(request, request.target_probabilities)
    rows, path = _rows(request)
    vocabulary = rows.shape[1]
    targets = _targets(request, len(rows), vocabulary)
    is_logits = request.logits is not None
    chances = ACTIVATIONS["softmax"].function(rows) if is_logits else rows
    _check_words(request, vocabulary)
    if not is_logits:
        sums = chances.sum(-1)
        errors = [
            FieldError(f"{path}[{i}]", f"must sum to 1, not {number(total)}")
            for i, total in enumerate(sums.tolist())
            if abs(total - 1.0) > ROUNDING
        ]
        if errors:
            raise InvalidArgument.of(*errors)
    wanted = CROSS_ENTROPY.targets(np.array(targets), rows.shape).astype(np.float64)
    measure = CROSS_ENTROPY.values_from_scores if is_logits else CROSS_ENTROPY.values
    nats = measure(rows, wanted).tolist()
    return _answer(
        [
            _place(request, target, chance, loss, row)
            for target, chance, loss, row in zip(
                targets,
                np.take_along_axis(chances, np.array(targets)[:, None], 1)[:, 0].tolist(),
                nats,
                chances,
                strict=True,
            )
        ],
        vocabulary,
    )


def _by_chances(request: SimulateTokenLossRequest, chances: list[float]) -> TokenLossSimulation:
    """The other tokens do not matter: what they share is only the rest."""
    _exclude(request, "target_probabilities", ("probabilities", "logits", "targets"))
    if request.vocabulary is None:
        raise InvalidArgument.of(FieldError("vocabulary", "is required here"))
    if request.tokens and len(request.tokens) != len(chances):
        raise InvalidArgument.of(
            FieldError("tokens", f"must be one for each place here: {len(chances)}")
        )
    rows = np.stack([chances, 1.0 - np.array(chances)], axis=-1)
    nats = CROSS_ENTROPY.values(rows, np.broadcast_to([1.0, 0.0], rows.shape))
    tokens: list[str | None] = list(request.tokens) or [None] * len(chances)
    return _answer(
        [
            TokenLoss(
                target=None,
                token=token,
                probability=chance,
                nats=_nats(chance, loss),
                bits=loss / math.log(2.0),
                perplexity=_perplexity(loss),
                rank=None,
                best=None,
                best_token=None,
                best_probability=None,
            )
            for token, chance, loss in zip(tokens, chances, nats.tolist(), strict=True)
        ],
        request.vocabulary,
    )


def _exclude(request: SimulateTokenLossRequest, one: str, others: tuple[str, ...]) -> None:
    errors = [
        FieldError(other, f"has no place beside {one}")
        for other in others
        if getattr(request, other)
    ]
    if errors:
        raise InvalidArgument.of(*errors)


def _rows(request: SimulateTokenLossRequest) -> tuple[Floats, str]:
    """The rows, and the field that they stand in."""
    if request.probabilities is not None:
        given, path = request.probabilities, "probabilities"
        _exclude(request, path, ("logits",))
    elif request.logits is not None:
        given, path = request.logits, "logits"
    else:
        raise InvalidArgument.of(
            FieldError("probabilities", "is required, or logits, or target_probabilities")
        )
    width = len(given[0])
    if width < 2:
        raise InvalidArgument.of(FieldError(f"{path}[0]", "needs at least 2 tokens"))
    errors = [
        FieldError(f"{path}[{i}]", f"must have {width} numbers, as the first row, not {len(row)}")
        for i, row in enumerate(given)
        if len(row) != width
    ]
    if errors:
        raise InvalidArgument.of(*errors)
    if width * len(given) > MAX_NUMBERS:
        raise InvalidArgument.of(
            FieldError(path, f"may have at most {MAX_NUMBERS} numbers in all"),
            reason="limit_exceeded",
        )
    if request.vocabulary not in (None, width):
        raise InvalidArgument.of(
            FieldError("vocabulary", f"must be {width}, as many as a row has, or be left out")
        )
    return np.array(given, np.float64), path


def _targets(request: SimulateTokenLossRequest, places: int, vocabulary: int) -> list[int]:
    targets = request.targets
    if len(targets) != places:
        raise InvalidArgument.of(
            FieldError("targets", f"must be one for each row: {places}, not {len(targets)}")
        )
    errors = [
        FieldError(f"targets[{i}]", f"must be at most {vocabulary - 1}")
        for i, target in enumerate(targets)
        if target >= vocabulary
    ]
    if errors:
        raise InvalidArgument.of(*errors)
    return targets


def _check_words(request: SimulateTokenLossRequest, vocabulary: int) -> None:
    if request.tokens and len(request.tokens) != vocabulary:
        raise InvalidArgument.of(
            FieldError("tokens", f"must be one for each of {vocabulary} tokens")
        )


def _perplexity(nats: float) -> float:
    return float(perplexity(nats))


def _nats(p: float, nats: float) -> Quantity:
    shown = f"-log({probability(p)})" if p > 0.0 else "-max(log(0), -100)"
    if p == 0.0 and nats != 100.0:
        shown = "log(Σⱼ exp(zⱼ)) - z"
    return Quantity(
        name="L", value=nats, formula="L = -log(p)", substituted=f"L = {shown} = {number(nats)}"
    )


def _place(
    request: SimulateTokenLossRequest, target: int, chance: float, nats: float, row: Floats
) -> TokenLoss:
    best = int(row.argmax())
    words = request.tokens
    return TokenLoss(
        target=target,
        token=words[target] if words else None,
        probability=chance,
        nats=_nats(chance, nats),
        bits=nats / math.log(2.0),
        perplexity=_perplexity(nats),
        rank=1 + int((row > chance).sum()),
        best=best,
        best_token=words[best] if words else None,
        best_probability=float(row[best]),
    )


def _baseline(name: BaselineName, chance: float, shown: str) -> TokenBaseline:
    nats = -math.log(chance)
    return TokenBaseline(
        name=name,
        probability=chance,
        nats=Quantity(
            name="L", value=nats, formula="L = -log(p)", substituted=f"L = {shown} = {number(nats)}"
        ),
        bits=nats / math.log(2.0),
        perplexity=_perplexity(nats),
    )


def _answer(places: list[TokenLoss], vocabulary: int) -> TokenLossSimulation:
    losses = [place.nats.value for place in places]
    nats = sum(losses) / len(losses)
    bits, times = nats / math.log(2.0), _perplexity(nats)
    size = whole(vocabulary)
    among = whole(times) if 1e3 <= times < 1e9 else number(times)
    others = max(vocabulary - 1, 1)
    terms = " + ".join(map(number, losses[:64])) + (" + …" if len(losses) > 64 else "")
    uniform = math.log(vocabulary)
    if nats < uniform and not math.isclose(nats, uniform):
        gain = vocabulary / times
        better = whole(gain) if gain >= 1_000 else number(gain)
        beside = f"{better} times better than guessing among {size}"
    elif math.isclose(nats, uniform):
        beside = f"just a guess among {size}"
    else:
        beside = f"worse than guessing among {size}"
    return TokenLossSimulation(
        places=places,
        nats=Quantity(
            name="nats",
            value=nats,
            formula="nats = Σ L / n",
            substituted=f"nats = ({terms}) / {len(losses)} = {number(nats)}",
        ),
        bits=Quantity(
            name="bits",
            value=bits,
            formula="bits = nats / log(2)",
            substituted=f"bits = {number(nats)} / log(2) = {number(bits)}",
        ),
        perplexity=Quantity(
            name="perplexity",
            value=times,
            formula="perplexity = exp(nats)",
            substituted=f"perplexity = exp({exponent(nats)}) = {number(times)}",
        ),
        vocabulary=vocabulary,
        baselines=[
            _baseline("uniform", 1.0 / vocabulary, f"log({vocabulary})"),
            _baseline("confident_right", CONFIDENT, f"-log({CONFIDENT})"),
            _baseline(
                "confident_wrong",
                (1.0 - CONFIDENT) / others,
                f"-log((1 - {CONFIDENT}) / {others})",
            ),
        ],
        verdict=f"As uncertain as between {among} equally likely tokens: {beside}.",
    )
