"""Quiz questions of the sections; an explorer computes the correct answer each time."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from epochal_service.errors import FieldError, InvalidArgument

from ..loading import Entry, load
from ..specs.explorers.quantity import Quantity
from .sections import SectionContent


class Answer(NamedTuple):
    """The correct answer and its explanation."""

    value: float
    explanation: str


def _from_quantity(quantity: Quantity) -> Answer:
    return Answer(quantity.value, quantity.substituted)


def _yes_or_no(is_yes: bool, explanation: str) -> Answer:
    """Return the answer to a question with the choices yes and no."""
    return Answer(0.0 if is_yes else 1.0, explanation)


def _best_width(reply: Any) -> Answer:
    errors = {fit.width: fit.median_error for fit in reply.widths}
    enough = min((w for w, error in errors.items() if error < 0.02), default=0)
    listed = ", ".join(f"{error:.2g} with {width}" for width, error in errors.items())
    return Answer(float(enough), f"The median errors are {listed}.")


def _curve(reply: Any, name: str) -> Any:
    return next(curve for curve in reply.activations if curve.activation == name)


def _loss(reply: Any, name: str) -> Any:
    return next(loss for loss in reply.losses if loss.loss == name)


def _remedy(reply: Any) -> Any:
    return next(remedy for remedy in reply.remedies if remedy.name == "activation")


def _compute(reply: Any, kind: str) -> float:
    (cost,) = (item for item in reply.kinds if item.kind == kind)
    return float(cost.rows[0].compute)


def _label(reply: Any, rate: float) -> Answer:
    labels = ("too_low", "slow", "good", "oscillating", "diverged")
    result = min(reply.results, key=lambda item: abs(item.learning_rate - rate))
    return Answer(
        float(labels.index(result.label)),
        f"With learning rate {result.learning_rate:.3g} the final loss is "
        f"{result.final_loss:.3g}: {result.label.replace('_', ' ')}.",
    )


ANSWERS: dict[str, Callable[[Any], Answer]] = {
    "smallest-width": _best_width,
    "without-a-nonlinearity": lambda reply: _yes_or_no(
        reply.widths[1].best_error < 0.9 * reply.widths[0].best_error,
        f"One unit reaches {reply.widths[0].best_error:.3g}, eight reach "
        f"{reply.widths[1].best_error:.3g}: both networks can only draw a straight line.",
    ),
    "parameters-of-1-8-1": lambda reply: _from_quantity(reply.parameters),
    "weighted-sum": lambda reply: _from_quantity(reply.weighted_sum),
    "weighted-sum-of-zero": lambda reply: _yes_or_no(reply.fires, reply.step.substituted),
    "xor-by-one": lambda reply: _yes_or_no(
        reply.separable,
        reply.certificate.statement if reply.certificate else reply.verdict,
    ),
    "epochs-for-and": lambda reply: Answer(float(len(reply.epochs)), reply.verdict),
    "largest-sigmoid-derivative": lambda reply: _from_quantity(_curve(reply, "sigmoid").derivative),
    "derivative-above-one": lambda reply: Answer(
        float(max(range(3), key=lambda i: reply.activations[i].largest_derivative)),
        "The largest derivatives are "
        + ", ".join(f"{a.largest_derivative:.3f} ({a.activation})" for a in reply.activations)
        + ".",
    ),
    "derivative-of-relu-at-zero": lambda reply: Answer(
        _curve(reply, "relu").derivative_at_zero, _curve(reply, "relu").convention or ""
    ),
    "chain-of-ten": lambda reply: _yes_or_no(abs(reply.gradient) > 1e-3, reply.verdict),
    "parameters-of-3-4-4-2": lambda reply: _from_quantity(reply.parameters),
    "parameters-of-digits": lambda reply: _from_quantity(reply.parameters),
    "largest-layer": lambda reply: Answer(
        float(max(range(2), key=lambda i: reply.layers[i].parameters)),
        "; ".join(
            f"{layer.name}: {layer.parameters_formula} = {layer.parameters:,}"
            for layer in reply.layers
        )
        + ".",
    ),
    "softmax-prediction": lambda reply: Answer(
        float(max(range(2), key=lambda i: reply.output[i])),
        f"The probabilities are {reply.output[0]:.3f} and {reply.output[1]:.3f}.",
    ),
    "operations": lambda reply: Answer(
        float(min(range(3), key=lambda i: abs(reply.flops.value / (1e4, 2e5, 1e8)[i] - 1))),
        reply.flops.substituted,
    ),
    "eight-cards": lambda reply: _yes_or_no(reply.seconds.value < 1, reply.seconds.substituted),
    "seventy-percent": lambda reply: _from_quantity(_loss(reply, "binary_cross_entropy").value),
    "larger-gradient": lambda reply: Answer(
        float(max(range(2), key=lambda i: abs(reply.losses[i].derivatives[0].value))),
        "; ".join(loss.derivatives[0].substituted for loss in reply.losses),
    ),
    "guessing-tokens": lambda reply: _from_quantity(reply.nats),
    "delta-of-the-output": lambda reply: _from_quantity(reply.layers[0].units[0].delta),
    "inactive-relu": lambda reply: _yes_or_no(
        _curve(reply, "relu").derivative.value != 0,
        _curve(reply, "relu").derivative.substituted,
    ),
    "sigmoid-or-relu": lambda reply: Answer(
        1.0 if _remedy(reply).ratio_on > reply.ratio.value else 0.0,
        f"The gradient norm of the first layer divided by that of the last is "
        f"{reply.ratio.value:.1e} with sigmoid and {_remedy(reply).ratio_on:.2g} with ReLU "
        "and He initialization.",
    ),
    "loss-before-training": lambda reply: Answer(
        float(min(range(2), key=lambda i: abs(reply.steps[0].loss.value - (0.69, 2.3)[i]))),
        reply.steps[0].loss.substituted,
    ),
    "middle-of-the-cosine": lambda reply: Answer(
        reply.midpoint.value * 1e4, reply.midpoint.substituted
    ),
    "learning-rate-of-ten": lambda reply: _label(reply, 10.0),
    "convolution-output-size": lambda reply: _from_quantity(reply.width),
    "parameters-of-an-lstm": lambda reply: _from_quantity(reply.parameters),
    "causal-mask": lambda reply: Answer(
        float(reply.heads[0].queries[2].visible_keys),
        "It attends to itself and the words before it. Its attention weights are "
        + ", ".join(f"{weight:.3g}" for weight in reply.heads[0].weights[2])
        + ".",
    ),
    "long-sequence": lambda reply: Answer(
        1.0 if _compute(reply, "attention") > _compute(reply, "lstm") else 0.0,
        f"The LSTM takes {_compute(reply, 'lstm'):,.0f} operations, attention takes "
        f"{_compute(reply, 'attention'):,.0f}.",
    ),
    "minsky-and-papert": lambda reply: _yes_or_no(reply.separable, reply.verdict),
    "lenet-5": lambda reply: _yes_or_no(
        reply.parameters.value < 61706, reply.parameters.substituted
    ),
    "gpt-3-in-memory": lambda reply: _yes_or_no(
        reply.fits_in_memory, reply.weight_bytes.substituted
    ),
    "tokens-by-character": lambda reply: Answer(float(len(reply.tokens)), reply.verdict),
    "one-token-for-the": lambda reply: _yes_or_no(
        len(reply.tokens) == 1,
        "Its tokens are "
        + ", ".join(repr(token.text) for token in reply.tokens)
        + "; merges: "
        + ", ".join(f"{step.merge} {step.text!r}" for step in reply.merges)
        + ".",
    ),
    "guessing-letters": lambda reply: _from_quantity(reply.nats),
}
"""Functions that read the solution from the explorer's reply, by the id of the question. With
choices, the solution is the index of the correct one, counted from 0.
"""


def _has_answer(id: str) -> str:
    if id not in ANSWERS:
        raise PydanticCustomError("no_answer", "must be a name in ANSWERS of questions.py")
    return id


class Question(Entry):
    """A question, and the explorer request that answers it."""

    section: str
    id: Annotated[str, AfterValidator(_has_answer)]
    text: str
    rpc: str
    request: dict[str, Any]
    choices: list[str] = Field(default_factory=list)
    unit: str = ""
    tolerance: float = 0.0

    def solution(self, reply: Any) -> Answer:
        """Return the solution, read from the explorer's reply."""
        return ANSWERS[self.id](reply)


@cache
def questions() -> list[Question]:
    """Return the questions of all sections, in order."""
    return load("questions", list[Question])


def find(section: SectionContent, id: str) -> Question:
    """Return the section's question with this id. Raises `InvalidArgument`, listing the ids."""
    of_section = [question for question in questions() if question.section == section.id]
    for question in of_section:
        if question.id == id:
            return question
    names = ", ".join(question.id for question in of_section)
    raise InvalidArgument.of(FieldError("question", f"must be one of {names}"))
