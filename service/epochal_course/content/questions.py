"""Quiz questions of the sections; an explorer computes the correct answer each time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from epochal_service.errors import FieldError, InvalidArgument

from ..specs.explorers.quantity import Quantity
from .sections import SectionContent


class Answer(NamedTuple):
    """The correct answer and its explanation."""

    value: float
    explanation: str


@dataclass(frozen=True)
class Question:
    """A question and the explorer request that answers it.

    `read` extracts the answer from the explorer's reply. For a question with choices, the answer
    is the index of the correct choice, counted from 0.
    """

    section: str
    id: str
    text: str
    rpc: str
    request: dict[str, Any]
    read: Callable[[Any], Answer]
    choices: tuple[str, ...] = ()
    unit: str = ""
    tolerance: float = 0.0


def _from_quantity(quantity: Quantity) -> Answer:
    return Answer(quantity.value, quantity.substituted)


def _yes_or_no(is_yes: bool, explanation: str) -> Answer:
    """Return the answer to a question with the choices `YES_NO`."""
    return Answer(0.0 if is_yes else 1.0, explanation)


YES_NO = ("yes", "no")


def _dense(inputs: int, *units: int, activation: str = "relu", output: str = "softmax") -> Any:
    *hidden, last = units
    return {
        "input_shape": [inputs],
        "layers": [
            *({"type": "dense", "units": n, "activation": activation} for n in hidden),
            {"type": "dense", "units": last, "activation": output},
        ],
    }


SMALL = {"network": _dense(3, 4, 4, 2), "input": [0.8, 0.3, 0.6], "weights_from": "pattern"}


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


QUESTIONS: tuple[Question, ...] = (
    # ------------------------------------------------------------------ 1 what a network is
    Question(
        section="network",
        id="smallest-width",
        text="Which is the smallest number of hidden units among 1, 2, 4 and 8 that fits one "
        "period of a sine wave with an error below 0.02?",
        rpc="SimulateApproximation",
        request={"target": "sine", "widths": [1, 2, 4, 8]},
        read=_best_width,
    ),
    Question(
        section="network",
        id="without-a-nonlinearity",
        text="Without an activation, do eight hidden units fit the wave better than one?",
        rpc="SimulateApproximation",
        request={"target": "sine", "widths": [1, 8], "activation": "linear"},
        read=lambda reply: _yes_or_no(
            reply.widths[1].best_error < 0.9 * reply.widths[0].best_error,
            f"One unit reaches {reply.widths[0].best_error:.3g}, eight reach "
            f"{reply.widths[1].best_error:.3g}: both networks can only draw a straight line.",
        ),
        choices=YES_NO,
    ),
    Question(
        section="network",
        id="parameters-of-1-8-1",
        text="A network has one input, eight hidden units and one output. How many parameters does "
        "it have?",
        rpc="SimulateArchitecture",
        request={"network": _dense(1, 8, 1, activation="tanh", output="linear")},
        read=lambda reply: _from_quantity(reply.parameters),
        unit="parameters",
    ),
    # ------------------------------------------------------------------ 2 the single neuron
    Question(
        section="neuron",
        id="weighted-sum",
        text="The inputs are 1, 0.5 and 0.8, the weights 0.7, -0.3 and 0.5, and the bias is -0.2. "
        "What is the weighted sum?",
        rpc="SimulateNeuron",
        request={"inputs": [1.0, 0.5, 0.8], "weights": [0.7, -0.3, 0.5], "bias": -0.2},
        read=lambda reply: _from_quantity(reply.weighted_sum),
        tolerance=0.005,
    ),
    Question(
        section="neuron",
        id="weighted-sum-of-zero",
        text="The weighted sum of a perceptron is exactly 0. Does it fire?",
        rpc="SimulateNeuron",
        request={"inputs": [1.0], "weights": [0.5], "bias": -0.5},
        read=lambda reply: _yes_or_no(reply.fires, reply.step.substituted),
        choices=YES_NO,
    ),
    Question(
        section="neuron",
        id="xor-by-one",
        text="Is there a straight line that separates the ones of XOR from its zeros?",
        rpc="SimulatePerceptron",
        request={"table": "xor", "epochs": 10},
        read=lambda reply: _yes_or_no(
            reply.separable,
            reply.certificate.statement if reply.certificate else reply.verdict,
        ),
        choices=YES_NO,
    ),
    Question(
        section="neuron",
        id="epochs-for-and",
        text="A perceptron starts with weights of 0 and learns AND with a learning rate of 1. "
        "Which is its first epoch without a mistake?",
        rpc="SimulatePerceptron",
        request={"table": "and"},
        read=lambda reply: Answer(float(len(reply.epochs)), reply.verdict),
        unit="epoch",
    ),
    # ------------------------------------------------------------------ 3 activations
    Question(
        section="activations",
        id="largest-sigmoid-derivative",
        text="What is the largest value of the derivative of a sigmoid?",
        rpc="SimulateActivation",
        request={"activations": ["sigmoid"], "x": 0.0},
        read=lambda reply: _from_quantity(_curve(reply, "sigmoid").derivative),
        tolerance=0.001,
    ),
    Question(
        section="activations",
        id="derivative-above-one",
        text="Which of these activations has a derivative larger than 1 somewhere?",
        rpc="SimulateActivation",
        request={"activations": ["tanh", "relu", "gelu"], "points": 1001},
        read=lambda reply: Answer(
            float(max(range(3), key=lambda i: reply.activations[i].largest_derivative)),
            "The largest derivatives are "
            + ", ".join(f"{a.largest_derivative:.3f} ({a.activation})" for a in reply.activations)
            + ".",
        ),
        choices=("tanh", "relu", "gelu"),
    ),
    Question(
        section="activations",
        id="derivative-of-relu-at-zero",
        text="ReLU has no derivative at 0. Which value is used there?",
        rpc="SimulateActivation",
        request={"activations": ["relu"], "x": 0.0},
        read=lambda reply: Answer(
            _curve(reply, "relu").derivative_at_zero, _curve(reply, "relu").convention or ""
        ),
        tolerance=0.0,
    ),
    Question(
        section="activations",
        id="chain-of-ten",
        text="A gradient passes backwards through ten sigmoids with weights of 1. Is more than a "
        "thousandth of it left?",
        rpc="SimulateActivationChain",
        request={"activation": "sigmoid", "depth": 10},
        read=lambda reply: _yes_or_no(abs(reply.gradient) > 1e-3, reply.verdict),
        choices=YES_NO,
    ),
    # ------------------------------------------------------------------ 4 architecture
    Question(
        section="architecture",
        id="parameters-of-3-4-4-2",
        text="A network has 3 inputs and dense layers of 4, 4 and 2 units. How many parameters "
        "does it have?",
        rpc="SimulateArchitecture",
        request={"network": _dense(3, 4, 4, 2)},
        read=lambda reply: _from_quantity(reply.parameters),
        unit="parameters",
    ),
    Question(
        section="architecture",
        id="parameters-of-digits",
        text="A network has 784 inputs, 128 hidden units and 10 outputs. How many parameters does "
        "it have?",
        rpc="SimulateArchitecture",
        request={"network": _dense(784, 128, 10)},
        read=lambda reply: _from_quantity(reply.parameters),
        unit="parameters",
    ),
    Question(
        section="architecture",
        id="largest-layer",
        text="Which layer of that network has the most parameters?",
        rpc="SimulateArchitecture",
        request={"network": _dense(784, 128, 10)},
        read=lambda reply: Answer(
            float(max(range(2), key=lambda i: reply.layers[i].parameters)),
            "; ".join(
                f"{layer.name}: {layer.parameters_formula} = {layer.parameters:,}"
                for layer in reply.layers
            )
            + ".",
        ),
        choices=("the hidden layer", "the output layer"),
    ),
    # ------------------------------------------------------------------ 5 forward
    Question(
        section="forward",
        id="softmax-prediction",
        text="The small network of this section ends in a softmax of two units. Which class does "
        "it predict for the inputs 0.8, 0.3 and 0.6?",
        rpc="SimulateForward",
        request=SMALL,
        read=lambda reply: Answer(
            float(max(range(2), key=lambda i: reply.output[i])),
            f"The probabilities are {reply.output[0]:.3f} and {reply.output[1]:.3f}.",
        ),
        choices=("class 0", "class 1"),
    ),
    Question(
        section="forward",
        id="operations",
        text="A forward pass takes about two operations per weight. About how many does one input "
        "of a 784-128-10 network take?",
        rpc="SimulateArchitecture",
        request={"network": _dense(784, 128, 10)},
        read=lambda reply: Answer(
            float(min(range(3), key=lambda i: abs(reply.flops.value / (1e4, 2e5, 1e8)[i] - 1))),
            reply.flops.substituted,
        ),
        choices=("10 thousand", "200 thousand", "100 million"),
    ),
    Question(
        section="forward",
        id="eight-cards",
        text="A model of 70 billion weights reads 4,096 tokens on eight A100 cards at half their "
        "peak. Does it take less than a second?",
        rpc="SimulateTransformerCost",
        request={"model": "llama-2-70b", "tokens": 4096, "devices": 8},
        read=lambda reply: _yes_or_no(reply.seconds.value < 1, reply.seconds.substituted),
        choices=YES_NO,
    ),
    # ------------------------------------------------------------------ 6 losses
    Question(
        section="loss",
        id="seventy-percent",
        text="The network gives the correct class a probability of 0.70. What is the binary "
        "cross-entropy?",
        rpc="SimulateLoss",
        request={
            "prediction": [0.7],
            "target": [1.0],
            "losses": ["binary_cross_entropy"],
            "points": 2,
        },
        read=lambda reply: _from_quantity(_loss(reply, "binary_cross_entropy").value),
        tolerance=0.005,
        unit="nats",
    ),
    Question(
        section="loss",
        id="larger-gradient",
        text="The prediction is 0.01 and the target is 1. Which loss has the larger gradient?",
        rpc="SimulateLoss",
        request={
            "prediction": [0.01],
            "target": [1.0],
            "losses": ["mse", "binary_cross_entropy"],
            "points": 2,
        },
        read=lambda reply: Answer(
            float(max(range(2), key=lambda i: abs(reply.losses[i].derivatives[0].value))),
            "; ".join(loss.derivatives[0].substituted for loss in reply.losses),
        ),
        choices=("squared error", "cross-entropy"),
    ),
    Question(
        section="loss",
        id="guessing-tokens",
        text="A model guesses uniformly among 100,000 tokens. What is its loss in nats?",
        rpc="SimulateTokenLoss",
        request={"target_probabilities": [1e-5], "vocabulary": 100_000},
        read=lambda reply: _from_quantity(reply.nats),
        tolerance=0.05,
        unit="nats",
    ),
    # ------------------------------------------------------------------ 7 backpropagation
    Question(
        section="backpropagation",
        id="delta-of-the-output",
        text="A softmax gives class 0 a probability of 0.549, and class 0 is correct. What is the "
        "error signal δ of its unit, probability minus target?",
        rpc="SimulateBackward",
        request={**SMALL, "target": [0.0], "loss": "cross_entropy"},
        read=lambda reply: _from_quantity(reply.layers[0].units[0].delta),
        tolerance=0.002,
    ),
    Question(
        section="backpropagation",
        id="inactive-relu",
        text="A ReLU unit outputs 0 because its weighted sum is negative. Does any gradient pass "
        "through it?",
        rpc="SimulateActivation",
        request={"activations": ["relu"], "x": -0.2},
        read=lambda reply: _yes_or_no(
            _curve(reply, "relu").derivative.value != 0,
            _curve(reply, "relu").derivative.substituted,
        ),
        choices=YES_NO,
    ),
    Question(
        section="backpropagation",
        id="sigmoid-or-relu",
        text="A network has ten layers of 16 units. With which activation does more of the "
        "gradient reach the first layer?",
        rpc="SimulateGradientFlow",
        request={"depth": 10, "activation": "sigmoid", "seeds": 5},
        read=lambda reply: Answer(
            1.0 if _remedy(reply).ratio_on > reply.ratio.value else 0.0,
            f"The gradient norm of the first layer divided by that of the last is "
            f"{reply.ratio.value:.1e} with sigmoid and {_remedy(reply).ratio_on:.2g} with ReLU "
            "and He initialization.",
        ),
        choices=("sigmoid", "relu"),
    ),
    # ------------------------------------------------------------------ 8 the training loop
    Question(
        section="training",
        id="loss-before-training",
        text="A network with two balanced classes has learned nothing yet. About how large is its "
        "first loss? ln 2 is 0.69, ln 10 is 2.30.",
        rpc="SimulateTraining",
        request={},
        read=lambda reply: Answer(
            float(min(range(2), key=lambda i: abs(reply.steps[0].loss.value - (0.69, 2.3)[i]))),
            reply.steps[0].loss.substituted,
        ),
        choices=("0.69", "2.30"),
    ),
    Question(
        section="training",
        id="middle-of-the-cosine",
        text="A cosine schedule goes from 3·10⁻⁴ to 3·10⁻⁵. What is the learning rate halfway, in "
        "units of 10⁻⁴?",
        rpc="SimulateSchedule",
        request={
            "schedule": {"type": "cosine", "final_fraction": 0.1},
            "learning_rate": 3e-4,
            "epochs": 101,
        },
        read=lambda reply: Answer(reply.midpoint.value * 1e4, reply.midpoint.substituted),
        tolerance=0.01,
        unit="10⁻⁴",
    ),
    Question(
        section="training",
        id="learning-rate-of-ten",
        text="Adam trains on the two circles with a learning rate of 10. How does the run end?",
        rpc="SimulateLearningRates",
        request={},
        read=lambda reply: _label(reply, 10.0),
        choices=("too low", "slow", "good", "oscillating", "diverged"),
    ),
    # ------------------------------------------------------------------ 9 the zoo
    Question(
        section="zoo",
        id="convolution-output-size",
        text="A filter of 3 by 3 slides over an image of 8 by 8 with stride 2 and without padding. "
        "How wide is the feature map?",
        rpc="SimulateConvolution",
        request={"image": [[0.0] * 8] * 8, "kernel_name": "edge", "stride": 2},
        read=lambda reply: _from_quantity(reply.width),
    ),
    Question(
        section="zoo",
        id="parameters-of-an-lstm",
        text="An LSTM of 4 units reads vectors of 3 numbers. How many parameters does it have?",
        rpc="SimulateRecurrence",
        request={"cell": "lstm", "inputs": [[0.0, 0.0, 0.0]], "units": 4},
        read=lambda reply: _from_quantity(reply.parameters),
        unit="parameters",
    ),
    Question(
        section="zoo",
        id="causal-mask",
        text="With a causal mask, how many of six words may the third word attend to?",
        rpc="SimulateAttention",
        request={"tokens": ["one", "two", "three", "four", "five", "six"], "causal": True},
        read=lambda reply: Answer(
            float(reply.heads[0].queries[2].visible_keys),
            "It attends to itself and the words before it. Its attention weights are "
            + ", ".join(f"{weight:.3g}" for weight in reply.heads[0].weights[2])
            + ".",
        ),
        unit="words",
    ),
    Question(
        section="zoo",
        id="long-sequence",
        text="A sequence has 16,384 positions of 64 numbers each. Which layer takes more "
        "operations?",
        rpc="SimulateSequenceCost",
        request={"lengths": [16_384], "width": 64},
        read=lambda reply: Answer(
            1.0 if _compute(reply, "attention") > _compute(reply, "lstm") else 0.0,
            f"The LSTM takes {_compute(reply, 'lstm'):,.0f} operations, attention takes "
            f"{_compute(reply, 'attention'):,.0f}.",
        ),
        choices=("LSTM", "attention"),
    ),
    # ------------------------------------------------------------------ 10 the timeline
    Question(
        section="timeline",
        id="minsky-and-papert",
        text="Can one neuron learn XNOR, the opposite of XOR?",
        rpc="SimulatePerceptron",
        request={"table": "xnor", "epochs": 10},
        read=lambda reply: _yes_or_no(reply.separable, reply.verdict),
        choices=YES_NO,
    ),
    Question(
        section="timeline",
        id="lenet-5",
        text="LeNet-5 has 61,706 parameters. Does a dense 784-128-10 network have fewer?",
        rpc="SimulateArchitecture",
        request={"network": _dense(784, 128, 10)},
        read=lambda reply: _yes_or_no(reply.parameters.value < 61706, reply.parameters.substituted),
        choices=YES_NO,
    ),
    Question(
        section="timeline",
        id="gpt-3-in-memory",
        text="Do 175 billion parameters of two bytes each fit into the memory of one 80 GB card?",
        rpc="SimulateTransformerCost",
        request={"model": "gpt-3", "tokens": 1, "devices": 1},
        read=lambda reply: _yes_or_no(reply.fits_in_memory, reply.weight_bytes.substituted),
        choices=YES_NO,
    ),
    # ------------------------------------------------------------------ 11 language models
    Question(
        section="language",
        id="tokens-by-character",
        text="How many tokens is “to be or not to be” if each character is a token?",
        rpc="SimulateTokenization",
        request={"text": "to be or not to be", "merges": 0},
        read=lambda reply: Answer(float(len(reply.tokens)), reply.verdict),
        unit="tokens",
    ),
    Question(
        section="language",
        id="one-token-for-the",
        text="After 1000 merges of byte pairs learned on plays, is “ the”, with its space, a "
        "single token?",
        rpc="SimulateTokenization",
        request={"text": " the", "merges": 1000},
        read=lambda reply: _yes_or_no(
            len(reply.tokens) == 1,
            "Its tokens are "
            + ", ".join(repr(token.text) for token in reply.tokens)
            + "; merges: "
            + ", ".join(f"{step.merge} {step.text!r}" for step in reply.merges)
            + ".",
        ),
        choices=YES_NO,
    ),
    Question(
        section="language",
        id="guessing-letters",
        text="Before training, a model of 27 characters guesses almost uniformly. What is its loss "
        "in nats?",
        rpc="SimulateTokenLoss",
        request={"target_probabilities": [1 / 27], "vocabulary": 27},
        read=lambda reply: _from_quantity(reply.nats),
        tolerance=0.05,
        unit="nats",
    ),
)


def find(section: SectionContent, id: str) -> Question:
    """Return the section's question with this id. Raises `InvalidArgument`, listing the ids."""
    questions = [question for question in QUESTIONS if question.section == section.id]
    for question in questions:
        if question.id == id:
            return question
    names = ", ".join(question.id for question in questions)
    raise InvalidArgument.of(FieldError("question", f"must be one of {names}"))
