"""Cross-entropy over a vocabulary: the loss of a language model, and its perplexity."""

from __future__ import annotations

import math

import numpy as np

from epochal_engine import ACTIVATIONS, LOSSES, perplexity
from epochal_engine.model import Floats
from epochal_service.errors import FieldError, InvalidArgument

from ..specs.explorers.loss import (
    BaselineName,
    SimulateTokenLossRequest,
    TokenBaseline,
    TokenLoss,
    TokenLossSimulation,
)
from ..specs.explorers.quantity import Quantity
from .explorer import Explorer
from .formulas import Expression, expression, number, quantity, total, whole

MAX_NUMBERS = 200_000
CONFIDENT = 0.99
MAX_TERMS = 64
"""A sum of more terms is shown as one number."""
ROUNDING = 1e-3
CROSS_ENTROPY = LOSSES["cross_entropy"]


def token_loss(request: SimulateTokenLossRequest) -> TokenLossSimulation:
    """Compute the loss of the true tokens in nats, bits and perplexity, per position and as a mean.

    Raises `InvalidArgument` if the rows differ in length or are not probabilities, if a target is
    not in the vocabulary, or if there are more than 200,000 numbers.
    """
    if request.target_probabilities is not None:
        return _of_targets(request, request.target_probabilities)
    rows, path = _rows(request)
    vocabulary = rows.shape[1]
    targets = _targets(request, len(rows), vocabulary)
    is_logits = request.logits is not None
    probabilities = ACTIVATIONS["softmax"].function(rows) if is_logits else rows
    _check_tokens(request, vocabulary)
    if not is_logits:
        sums = probabilities.sum(-1)
        errors = [
            FieldError(f"{path}[{i}]", f"must sum to 1; got {number(sum_)}")
            for i, sum_ in enumerate(sums.tolist())
            if abs(sum_ - 1.0) > ROUNDING
        ]
        if errors:
            raise InvalidArgument.of(*errors)
    expected = CROSS_ENTROPY.targets(np.array(targets), rows.shape).astype(np.float64)
    measure = CROSS_ENTROPY.values_from_logits if is_logits else CROSS_ENTROPY.values
    nats = measure(rows, expected).tolist()
    return _reply(
        [
            _position(request, target, p, loss, row)
            for target, p, loss, row in zip(
                targets,
                np.take_along_axis(probabilities, np.array(targets)[:, None], 1)[:, 0].tolist(),
                nats,
                probabilities,
                strict=True,
            )
        ],
        vocabulary,
    )


def _of_targets(
    request: SimulateTokenLossRequest, probabilities: list[float]
) -> TokenLossSimulation:
    """The loss from the probabilities of the true tokens alone: others do not affect it."""
    _exclude(request, "target_probabilities", ("probabilities", "logits", "targets"))
    if request.vocabulary is None:
        raise InvalidArgument.of(FieldError("vocabulary", "is required with target_probabilities"))
    if request.tokens and len(request.tokens) != len(probabilities):
        raise InvalidArgument.of(
            FieldError(
                "tokens",
                f"must have one text for each position, {len(probabilities)}; got "
                f"{len(request.tokens)}",
            )
        )
    rows = np.stack([probabilities, 1.0 - np.array(probabilities)], axis=-1)
    nats = CROSS_ENTROPY.values(rows, np.broadcast_to([1.0, 0.0], rows.shape))
    tokens: list[str | None] = list(request.tokens) or [None] * len(probabilities)
    return _reply(
        [
            TokenLoss(
                target=None,
                token=token,
                probability=p,
                nats=_nats(p, loss),
                bits=loss / math.log(2.0),
                perplexity=_perplexity(loss),
                rank=None,
                top_index=None,
                top_token=None,
                top_probability=None,
            )
            for token, p, loss in zip(tokens, probabilities, nats.tolist(), strict=True)
        ],
        request.vocabulary,
    )


def _exclude(request: SimulateTokenLossRequest, field: str, others: tuple[str, ...]) -> None:
    errors = [
        FieldError(other, f"must be left out with {field}")
        for other in others
        if getattr(request, other)
    ]
    if errors:
        raise InvalidArgument.of(*errors)


def _rows(request: SimulateTokenLossRequest) -> tuple[Floats, str]:
    """The rows, and the name of their field."""
    if request.probabilities is not None:
        given, path = request.probabilities, "probabilities"
        _exclude(request, path, ("logits",))
    elif request.logits is not None:
        given, path = request.logits, "logits"
    else:
        raise InvalidArgument.of(
            FieldError("probabilities", "must be given, or logits, or target_probabilities")
        )
    width = len(given[0])
    if width < 2:
        raise InvalidArgument.of(FieldError(f"{path}[0]", "must have at least 2 numbers"))
    errors = [
        FieldError(f"{path}[{i}]", f"must have {width} numbers like the first row; got {len(row)}")
        for i, row in enumerate(given)
        if len(row) != width
    ]
    if errors:
        raise InvalidArgument.of(*errors)
    if width * len(given) > MAX_NUMBERS:
        raise InvalidArgument.of(
            FieldError(
                path, f"must have at most {MAX_NUMBERS} numbers in all; got {width * len(given)}"
            ),
            reason="limit_exceeded",
        )
    if request.vocabulary not in (None, width):
        raise InvalidArgument.of(
            FieldError(
                "vocabulary", f"must be {width}, the length of a row; got {request.vocabulary}"
            )
        )
    return np.array(given, np.float64), path


def _targets(request: SimulateTokenLossRequest, positions: int, vocabulary: int) -> list[int]:
    targets = request.targets
    if len(targets) != positions:
        raise InvalidArgument.of(
            FieldError(
                "targets", f"must have one number for each row, {positions}; got {len(targets)}"
            )
        )
    errors = [
        FieldError(f"targets[{i}]", f"must be at most {vocabulary - 1}; got {target}")
        for i, target in enumerate(targets)
        if target >= vocabulary
    ]
    if errors:
        raise InvalidArgument.of(*errors)
    return targets


def _check_tokens(request: SimulateTokenLossRequest, vocabulary: int) -> None:
    if request.tokens and len(request.tokens) != vocabulary:
        raise InvalidArgument.of(
            FieldError(
                "tokens",
                f"must have one text for each token of the vocabulary, {vocabulary}; got "
                f"{len(request.tokens)}",
            )
        )


def _perplexity(nats: float) -> float:
    return float(perplexity(nats))


def _nats(p: float, nats: float) -> Quantity:
    terms = [expression("-log({})", p)]
    if p == 0.0:
        # Either the logarithm is cut, or the logits say more than a probability of 0.
        terms = [Expression("-max(log(0), -100)")] if nats == 100.0 else []
    return quantity("L", nats, "-log(p)" if terms else "log(Σⱼ exp(zⱼ)) - z", *terms)


def _position(
    request: SimulateTokenLossRequest, target: int, p: float, nats: float, row: Floats
) -> TokenLoss:
    top = int(row.argmax())
    texts = request.tokens
    return TokenLoss(
        target=target,
        token=texts[target] if texts else None,
        probability=p,
        nats=_nats(p, nats),
        bits=nats / math.log(2.0),
        perplexity=_perplexity(nats),
        rank=1 + int((row > p).sum()),
        top_index=top,
        top_token=texts[top] if texts else None,
        top_probability=float(row[top]),
    )


def _baseline(name: BaselineName, p: float, term: Expression) -> TokenBaseline:
    nats = -math.log(p)
    return TokenBaseline(
        name=name,
        probability=p,
        nats=quantity("L", nats, "-log(p)", term),
        bits=nats / math.log(2.0),
        perplexity=_perplexity(nats),
    )


def _reply(positions: list[TokenLoss], vocabulary: int) -> TokenLossSimulation:
    losses = [position.nats.value for position in positions]
    nats = sum(losses) / len(losses)
    bits, times = nats / math.log(2.0), _perplexity(nats)
    others = max(vocabulary - 1, 1)
    shown = total(losses) if len(losses) <= MAX_TERMS else expression("{}", sum(losses))
    return TokenLossSimulation(
        positions=positions,
        nats=quantity("nats", nats, "Σ L / n", expression(f"({{}}) / {len(losses)}", shown)),
        bits=quantity("bits", bits, "nats / log(2)", expression("{} / log(2)", nats)),
        perplexity=quantity("perplexity", times, "exp(nats)", expression("exp({})", nats)),
        vocabulary=vocabulary,
        baselines=[
            _baseline("uniform", 1.0 / vocabulary, expression("log({})", vocabulary)),
            _baseline("confident_correct", CONFIDENT, Expression(f"-log({CONFIDENT})")),
            _baseline(
                "confident_incorrect",
                (1.0 - CONFIDENT) / others,
                expression(f"-log((1 - {CONFIDENT}) / {{}})", others),
            ),
        ],
        verdict=_verdict(nats, vocabulary),
    )


def _verdict(nats: float, vocabulary: int) -> str:
    times, size, uniform = _perplexity(nats), whole(vocabulary), math.log(vocabulary)
    shown = whole(times) if 1e3 <= times < 1e9 else number(times)
    if math.isclose(nats, uniform):
        comparison = f"the same as a uniform guess among {size} tokens"
    elif nats < uniform:
        gain = vocabulary / times
        better = whole(gain) if gain >= 1_000 else number(gain)
        comparison = f"{better} times better than a uniform guess among {size} tokens"
    else:
        comparison = f"worse than a uniform guess among {size} tokens"
    return f"The perplexity is {shown}: {comparison}."


TOKEN_LOSS = Explorer(
    "The loss of a language model",
    token_loss,
    {
        "The cat sat on the …": {
            "tokens": ["mat", "sofa", "moon", "the"],
            "probabilities": [[0.6, 0.3, 0.05, 0.05]],
            "targets": [0],
        },
        "Logits at two positions": {
            "logits": [[2.0, 0.5, -1.0], [0.0, 3.0, 0.0]],
            "targets": [0, 2],
        },
        "Five words of a vocabulary of 100,000": {
            "target_probabilities": [0.31, 0.02, 0.75, 0.0004, 0.11],
            "tokens": ["Once", "upon", "a", "quiet", "time"],
            "vocabulary": 100000,
        },
    },
)
