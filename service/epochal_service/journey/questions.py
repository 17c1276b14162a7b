"""Questions to check what has been understood: what is right is asked of an explorer each time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..errors import FieldError, InvalidArgument
from ..specs.simulations.quantity import Quantity
from .sections import Text


class Answer(NamedTuple):
    """What is right, and why."""

    value: float
    explanation: str


@dataclass(frozen=True)
class Question:
    """What is asked, and which explorer knows.

    `read` finds the answer in the explorer's reply; of a question with choices it is the number of
    the right one, from 0.
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


def _explained(quantity: Quantity) -> Answer:
    return Answer(quantity.value, quantity.substituted)


def _yes(right: bool, explanation: str) -> Answer:
    """Of the choices yes and no."""
    return Answer(0.0 if right else 1.0, explanation)


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
    told = ", ".join(f"{error:.2g} with {width}" for width, error in errors.items())
    return Answer(float(enough), f"The median errors are {told}.")


def _curve(reply: Any, name: str) -> Any:
    return next(one for one in reply.activations if one.activation == name)


def _loss(reply: Any, name: str) -> Any:
    return next(one for one in reply.losses if one.loss == name)


def _remedy(reply: Any) -> Any:
    return next(one for one in reply.remedies if one.name == "activation")


def _compute(reply: Any, kind: str) -> float:
    (cost,) = (one for one in reply.kinds if one.kind == kind)
    return float(cost.rows[0].compute)


def _label(reply: Any, rate: float) -> Answer:
    labels = ("too_low", "slow", "good", "oscillating", "diverged")
    result = min(reply.results, key=lambda one: abs(one.learning_rate - rate))
    return Answer(
        float(labels.index(result.label)),
        f"At {result.learning_rate:.3g} the loss ends at {result.final_loss:.3g}: {result.label}.",
    )


QUESTIONS: tuple[Question, ...] = (
    # ------------------------------------------------------------------ 1 what a network is
    Question(
        section="network",
        id="smallest-width",
        text="Of 1, 2, 4 and 8 hidden units: which is the smallest number that follows a wave of "
        "a sine with an error below .02?",
        rpc="SimulateApproximation",
        request={"target": "sine", "widths": [1, 2, 4, 8]},
        read=_best_width,
    ),
    Question(
        section="network",
        id="without-a-bend",
        text="Take away the activation. Do eight hidden units then fit the wave better than one?",
        rpc="SimulateApproximation",
        request={"target": "sine", "widths": [1, 8], "activation": "linear"},
        read=lambda reply: _yes(
            reply.widths[1].best_error < 0.9 * reply.widths[0].best_error,
            f"One unit reaches {reply.widths[0].best_error:.3g}, eight reach "
            f"{reply.widths[1].best_error:.3g}: both are one straight line.",
        ),
        choices=YES_NO,
    ),
    Question(
        section="network",
        id="parameters-of-the-row",
        text="One input, eight hidden units, one output. How many numbers can be adjusted?",
        rpc="SimulateArchitecture",
        request={"network": _dense(1, 8, 1, activation="tanh", output="linear")},
        read=lambda reply: _explained(reply.parameters),
        unit="parameters",
    ),
    # ------------------------------------------------------------------ 2 the single neuron
    Question(
        section="neuron",
        id="weighted-sum",
        text="Inputs 1, 0.5 and 0.8 meet weights 0.7, -0.3 and 0.5, and the bias is -0.2. "
        "What is the weighted sum?",
        rpc="SimulateNeuron",
        request={"inputs": [1.0, 0.5, 0.8], "weights": [0.7, -0.3, 0.5], "bias": -0.2},
        read=lambda reply: _explained(reply.weighted_sum),
        tolerance=0.005,
    ),
    Question(
        section="neuron",
        id="the-threshold",
        text="The weighted sum of a perceptron is exactly 0. Does it fire?",
        rpc="SimulateNeuron",
        request={"inputs": [1.0], "weights": [0.5], "bias": -0.5},
        read=lambda reply: _yes(reply.fires, reply.step.substituted),
        choices=YES_NO,
    ),
    Question(
        section="neuron",
        id="xor-by-one",
        text="Is there a line that parts the ones of exclusive or from its zeros?",
        rpc="SimulatePerceptron",
        request={"table": "xor", "epochs": 10},
        read=lambda reply: _yes(
            reply.separable,
            reply.certificate.statement if reply.certificate else reply.verdict,
        ),
        choices=YES_NO,
    ),
    Question(
        section="neuron",
        id="epochs-for-and",
        text="From zeros, with a learning rate of 1: in which epoch does the perceptron make no "
        "mistake on AND any more?",
        rpc="SimulatePerceptron",
        request={"table": "and"},
        read=lambda reply: Answer(float(len(reply.epochs)), reply.verdict),
        unit="epoch",
    ),
    # ------------------------------------------------------------------ 3 activations
    Question(
        section="activations",
        id="steepest-sigmoid",
        text="What is the largest slope of a sigmoid?",
        rpc="SimulateActivation",
        request={"activations": ["sigmoid"], "x": 0.0},
        read=lambda reply: _explained(_curve(reply, "sigmoid").derivative),
        tolerance=0.001,
    ),
    Question(
        section="activations",
        id="above-one",
        text="Which of these has a slope that is larger than 1 somewhere?",
        rpc="SimulateActivation",
        request={"activations": ["tanh", "relu", "gelu"], "points": 1001},
        read=lambda reply: Answer(
            float(max(range(3), key=lambda i: reply.activations[i].largest_slope)),
            "The largest slopes are "
            + ", ".join(f"{a.activation} {a.largest_slope:.3f}" for a in reply.activations)
            + ".",
        ),
        choices=("tanh", "relu", "gelu"),
    ),
    Question(
        section="activations",
        id="slope-of-relu-at-zero",
        text="ReLU has a corner at 0. Which slope is used there?",
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
        text="A gradient goes back through ten sigmoids with weights of 1. Is more than a "
        "thousandth of it left?",
        rpc="SimulateActivationChain",
        request={"activation": "sigmoid", "depth": 10},
        read=lambda reply: _yes(abs(reply.gradient) > 1e-3, reply.verdict),
        choices=YES_NO,
    ),
    # ------------------------------------------------------------------ 4 architecture
    Question(
        section="architecture",
        id="parameters-of-3-4-4-2",
        text="3 inputs, then layers of 4, 4 and 2 units. How many parameters?",
        rpc="SimulateArchitecture",
        request={"network": _dense(3, 4, 4, 2)},
        read=lambda reply: _explained(reply.parameters),
        unit="parameters",
    ),
    Question(
        section="architecture",
        id="parameters-of-digits",
        text="784 pixels, 128 hidden units, 10 digits. How many parameters?",
        rpc="SimulateArchitecture",
        request={"network": _dense(784, 128, 10)},
        read=lambda reply: _explained(reply.parameters),
        unit="parameters",
    ),
    Question(
        section="architecture",
        id="where-they-are",
        text="In which layer of that network are most of them?",
        rpc="SimulateArchitecture",
        request={"network": _dense(784, 128, 10)},
        read=lambda reply: Answer(
            float(max(range(2), key=lambda i: reply.layers[i].parameters)),
            "; ".join(
                f"{layer.name}: {layer.arithmetic} = {layer.parameters:,}" for layer in reply.layers
            )
            + ".",
        ),
        choices=("the hidden layer", "the output layer"),
    ),
    # ------------------------------------------------------------------ 5 forward
    Question(
        section="forward",
        id="shares",
        text="The small network of this section ends in a softmax of two units. Which class does "
        "it choose for the inputs .8, .3 and .6?",
        rpc="SimulateForward",
        request=SMALL,
        read=lambda reply: Answer(
            float(max(range(2), key=lambda i: reply.output[i])),
            f"Its shares are {reply.output[0]:.3f} and {reply.output[1]:.3f}.",
        ),
        choices=("class 0", "class 1"),
    ),
    Question(
        section="forward",
        id="operations",
        text="About two operations a weight: which is nearer to what one pass through 784-128-10 "
        "takes?",
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
        text="70 billion weights read 4,096 tokens on eight A100 cards at half their peak. Does it "
        "take less than a second?",
        rpc="SimulateTransformerCost",
        request={"model": "llama-2-70b", "tokens": 4096, "devices": 8},
        read=lambda reply: _yes(reply.seconds.value < 1, reply.seconds.substituted),
        choices=YES_NO,
    ),
    # ------------------------------------------------------------------ 6 losses
    Question(
        section="loss",
        id="seventy-percent",
        text="The right answer got a probability of .70. What is the binary cross-entropy?",
        rpc="SimulateLoss",
        request={
            "prediction": [0.7],
            "target": [1.0],
            "losses": ["binary_cross_entropy"],
            "points": 2,
        },
        read=lambda reply: _explained(_loss(reply, "binary_cross_entropy").value),
        tolerance=0.005,
        unit="nats",
    ),
    Question(
        section="loss",
        id="steeper",
        text="A prediction of .01 where 1 is right: whose slope is steeper?",
        rpc="SimulateLoss",
        request={
            "prediction": [0.01],
            "target": [1.0],
            "losses": ["mse", "binary_cross_entropy"],
            "points": 2,
        },
        read=lambda reply: Answer(
            float(max(range(2), key=lambda i: abs(reply.losses[i].slopes[0].value))),
            "; ".join(one.slopes[0].substituted for one in reply.losses),
        ),
        choices=("the squared error's", "cross-entropy's"),
    ),
    Question(
        section="loss",
        id="guessing-tokens",
        text="A model guesses evenly among 100,000 tokens. What is its loss, in nats?",
        rpc="SimulateTokenLoss",
        request={"target_probabilities": [1e-5], "vocabulary": 100_000},
        read=lambda reply: _explained(reply.nats),
        tolerance=0.05,
        unit="nats",
    ),
    # ------------------------------------------------------------------ 7 backpropagation
    Question(
        section="backpropagation",
        id="delta-of-the-output",
        text="Softmax gave class 0 a share of .549, and class 0 is right. What is the δ of its "
        "unit: the share minus what was wanted?",
        rpc="SimulateBackward",
        request={**SMALL, "target": [0.0], "loss": "cross_entropy"},
        read=lambda reply: _explained(reply.layers[0].units[0].delta),
        tolerance=0.002,
    ),
    Question(
        section="backpropagation",
        id="a-silent-unit",
        text="A ReLU unit gave 0 because its sum was negative. Does anything of the gradient go "
        "through it?",
        rpc="SimulateActivation",
        request={"activations": ["relu"], "x": -0.2},
        read=lambda reply: _yes(
            _curve(reply, "relu").derivative.value != 0,
            _curve(reply, "relu").derivative.substituted,
        ),
        choices=YES_NO,
    ),
    Question(
        section="backpropagation",
        id="sigmoid-or-relu",
        text="Ten layers of 16 units. With which activation does more of the gradient reach the "
        "first layer?",
        rpc="SimulateGradientFlow",
        request={"depth": 10, "activation": "sigmoid", "seeds": 5},
        read=lambda reply: Answer(
            1.0 if _remedy(reply).ratio_on > reply.ratio.value else 0.0,
            f"First over last: {reply.ratio.value:.1e} with sigmoid, "
            f"{_remedy(reply).ratio_on:.2g} with ReLU and He's weights.",
        ),
        choices=("sigmoid", "relu"),
    ),
    # ------------------------------------------------------------------ 8 the training loop
    Question(
        section="training",
        id="first-loss",
        text="Two classes, and a network that has learned nothing yet: about which loss does it "
        "begin with? ln 2 is .69, ln 10 is 2.30.",
        rpc="SimulateTraining",
        request={},
        read=lambda reply: Answer(
            float(min(range(2), key=lambda i: abs(reply.steps[0].loss.value - (0.69, 2.3)[i]))),
            reply.steps[0].loss.substituted,
        ),
        choices=(".69", "2.30"),
    ),
    Question(
        section="training",
        id="middle-of-the-cosine",
        text="A cosine goes from 3·10⁻⁴ to 3·10⁻⁵. What is the rate half way, in units of 10⁻⁴?",
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
        id="a-rate-of-ten",
        text="The two circles by Adam at a learning rate of 10. How does it go?",
        rpc="SimulateLearningRates",
        request={},
        read=lambda reply: _label(reply, 10.0),
        choices=("too low", "slow", "good", "oscillating", "diverged"),
    ),
    # ------------------------------------------------------------------ 9 the zoo
    Question(
        section="zoo",
        id="size-after-a-window",
        text="A window of 3 by 3 goes over an image of 8 by 8 in steps of 2, without padding. How "
        "wide is what comes out?",
        rpc="SimulateConvolution",
        request={"image": [[0.0] * 8] * 8, "kernel_name": "edge", "stride": 2},
        read=lambda reply: _explained(reply.width),
    ),
    Question(
        section="zoo",
        id="parameters-of-an-lstm",
        text="An LSTM of 4 units reads vectors of 3 numbers. How many parameters?",
        rpc="SimulateRecurrence",
        request={"cell": "lstm", "inputs": [[0.0, 0.0, 0.0]], "units": 4},
        read=lambda reply: _explained(reply.parameters),
        unit="parameters",
    ),
    Question(
        section="zoo",
        id="what-the-third-sees",
        text="Six words under a causal mask. At how many of them may the third look?",
        rpc="SimulateAttention",
        request={"tokens": ["one", "two", "three", "four", "five", "six"], "causal": True},
        read=lambda reply: Answer(
            float(reply.heads[0].queries[2].sees),
            "Itself and what comes before; its weights are "
            + ", ".join(f"{weight:.3g}" for weight in reply.heads[0].weights[2])
            + ".",
        ),
        unit="words",
    ),
    Question(
        section="zoo",
        id="the-long-text",
        text="16,384 places of 64 numbers each. Which takes more operations?",
        rpc="SimulateSequenceCost",
        request={"lengths": [16_384], "width": 64},
        read=lambda reply: Answer(
            1.0 if _compute(reply, "attention") > _compute(reply, "lstm") else 0.0,
            f"An LSTM takes {_compute(reply, 'lstm'):,.0f} operations, attention "
            f"{_compute(reply, 'attention'):,.0f}.",
        ),
        choices=("an LSTM", "attention"),
    ),
    # ------------------------------------------------------------------ 10 the timeline
    Question(
        section="timeline",
        id="minsky-and-papert",
        text="What stopped the perceptron in 1969: can one neuron learn the opposite of exclusive "
        "or?",
        rpc="SimulatePerceptron",
        request={"table": "xnor", "epochs": 10},
        read=lambda reply: _yes(reply.separable, reply.verdict),
        choices=YES_NO,
    ),
    Question(
        section="timeline",
        id="lenet-5",
        text="LeNet-5 has 61,706 parameters. Is it larger than a dense network of 784-128-10?",
        rpc="SimulateArchitecture",
        request={"network": _dense(784, 128, 10)},
        read=lambda reply: _yes(reply.parameters.value < 61706, reply.parameters.substituted),
        choices=YES_NO,
    ),
    Question(
        section="timeline",
        id="gpt-3-in-memory",
        text="175 billion parameters at two bytes each: do they fit into one card of 80 GB?",
        rpc="SimulateTransformerCost",
        request={"model": "gpt-3", "tokens": 1, "devices": 1},
        read=lambda reply: _yes(reply.fits, reply.weight_bytes.substituted),
        choices=YES_NO,
    ),
)


def find(section: Text, id: str) -> Question:
    """The section's question of this id. Raises `InvalidArgument`, which names those there are."""
    own = [question for question in QUESTIONS if question.section == section.id]
    for question in own:
        if question.id == id:
            return question
    names = ", ".join(question.id for question in own)
    raise InvalidArgument.of(FieldError("question", f"must be one of {names}"))
