"""Descriptions of the activations; formulas and numbers come from the engine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from epochal_engine import ACTIVATIONS, Activation

from ..specs.content.activations import ActivationDescription, Activations


@dataclass(frozen=True)
class Note:
    """The part of a description that does not follow from the formula."""

    idea: str
    history: str
    used_in: str
    drawbacks: str
    year: int | None = None
    source: str | None = None


HENDRYCKS = "Hendrycks and Gimpel (2016), Gaussian error linear units, arXiv:1606.08415"
NOTES = {
    "linear": Note(
        idea="Returns the weighted sum unchanged.",
        history="Older than the term: a linear model is a neuron without an activation.",
        used_in="The output layer of a regression network; linear projections.",
        drawbacks="Several linear layers compute no more than one linear layer.",
    ),
    "step": Note(
        idea="Returns 1 if the weighted sum is at least 0, else 0.",
        history=(
            "The neuron of McCulloch and Pitts (1943) uses a step, and so does Rosenblatt's "
            "perceptron of 1958."
        ),
        used_in="The perceptron; spiking networks, with a surrogate derivative.",
        drawbacks="Its derivative is 0 wherever it exists, so no gradient passes through.",
        year=1943,
        source=(
            "McCulloch and Pitts (1943), A logical calculus of the ideas immanent in nervous "
            "activity, Bulletin of Mathematical Biophysics 5"
        ),
    ),
    "sigmoid": Note(
        idea="A smooth step between 0 and 1, which can be read as a probability.",
        history=(
            "Verhulst described the curve in 1838 for growing populations. Rumelhart, Hinton and "
            "Williams trained networks of sigmoid units by backpropagation in 1986."
        ),
        used_in="The output layer for binary classification; the gates of LSTM and GRU.",
        drawbacks=(
            "Its derivative is at most 0.25, so gradients vanish in deep networks. Its outputs are "
            "always positive, which slows the training of the next layer."
        ),
        year=1986,
        source=(
            "Rumelhart, Hinton and Williams (1986), Learning representations by back-propagating "
            "errors, Nature 323"
        ),
    ),
    "tanh": Note(
        idea="A smooth step between -1 and 1, symmetric about 0.",
        history=(
            "LeCun and colleagues recommended it over the sigmoid in 1998: outputs centered on 0 "
            "make the next layer learn faster."
        ),
        used_in="Recurrent networks; small networks on smooth data.",
        drawbacks="It saturates: far from 0, its derivative and with it the gradient is nearly 0.",
        year=1998,
        source="LeCun, Bottou, Orr and Müller (1998), Efficient BackProp",
    ),
    "softsign": Note(
        idea="Similar to tanh, but it approaches its limits -1 and 1 more slowly.",
        history=(
            "Bergstra and colleagues proposed it in 2009. Glorot and Bengio (2010) found that it "
            "saturates later than tanh."
        ),
        used_in="Rarely used today; some recurrent and control networks.",
        drawbacks="Its derivative falls off as 1/x², so it saturates too, only later than tanh.",
        year=2009,
        source=(
            "Bergstra, Desjardins, Lamblin and Bengio (2009), Quadratic polynomials learn better "
            "image features, Université de Montréal, report 1337"
        ),
    ),
    "relu": Note(
        idea="Returns positive inputs unchanged and 0 for all others.",
        history=(
            "Fukushima used it in 1969 in a model of vision. Nair and Hinton (2010) introduced it "
            "to deep learning, and AlexNet (2012) made it the default."
        ),
        used_in="Convolutional networks and most feed-forward networks.",
        drawbacks=(
            "A unit whose weighted sum is negative for all samples gets no gradient and stops "
            "learning: a dead unit."
        ),
        year=2010,
        source=(
            "Nair and Hinton (2010), Rectified linear units improve restricted Boltzmann machines, "
            "ICML"
        ),
    ),
    "leaky_relu": Note(
        idea="A ReLU that multiplies negative inputs by 0.01 instead of 0.",
        history=(
            "Maas, Hannun and Ng tested it on speech recognition in 2013, as a remedy for dead "
            "units."
        ),
        used_in="Generative adversarial networks; object detectors of the YOLO family.",
        drawbacks="The slope for negative inputs is one more hyperparameter.",
        year=2013,
        source=(
            "Maas, Hannun and Ng (2013), Rectifier nonlinearities improve neural network acoustic "
            "models, ICML workshop"
        ),
    ),
    "softplus": Note(
        idea="A smooth version of ReLU. Its derivative is the sigmoid.",
        history="Dugas and colleagues needed an increasing convex function for option pricing.",
        used_in="Outputs that must be positive, such as a standard deviation.",
        drawbacks="It is never 0, needs an exponential, and rarely helps in hidden layers.",
        year=2000,
        source=(
            "Dugas, Bengio, Bélisle, Nadeau and Garcia (2000), Incorporating second-order "
            "functional knowledge for better option pricing, NIPS 13"
        ),
    ),
    "elu": Note(
        idea="A ReLU that continues smoothly below 0 and approaches -1.",
        history="Clevert, Unterthiner and Hochreiter (2016) wanted outputs with a mean near 0.",
        used_in="Networks without normalization.",
        drawbacks="It needs an exponential and saturates far below 0.",
        year=2016,
        source=(
            "Clevert, Unterthiner and Hochreiter (2016), Fast and accurate deep network learning "
            "by exponential linear units, ICLR, arXiv:1511.07289"
        ),
    ),
    "selu": Note(
        idea="A scaled ELU that keeps activations near mean 0 and variance 1 across layers.",
        history=(
            "Klambauer and colleagues derived its two constants in 2017, with a proof of over "
            "ninety pages."
        ),
        used_in="Deep networks of dense layers.",
        drawbacks="The proof assumes LeCun initialization and dense layers without dropout.",
        year=2017,
        source=(
            "Klambauer, Unterthiner, Mayr and Hochreiter (2017), Self-normalizing neural networks, "
            "NIPS, arXiv:1706.02515"
        ),
    ),
    "gelu": Note(
        idea=(
            "Multiplies the input by the probability that a standard normal variable is smaller."
        ),
        history=(
            "Hendrycks and Gimpel (2016) derived it as the expected value of a stochastic "
            "regularizer similar to dropout."
        ),
        used_in="BERT and many transformers after it.",
        drawbacks="It needs the error function and is not monotonic; its minimum is near -0.75.",
        year=2016,
        source=HENDRYCKS,
    ),
    "gelu_tanh": Note(
        idea="An approximation of GELU with tanh. The error is below 0.001.",
        history="From the same paper, for hardware on which the error function is slow.",
        used_in="GPT-2 and related models.",
        drawbacks="Weights trained with one form give slightly different outputs with the other.",
        year=2016,
        source=HENDRYCKS,
    ),
    "silu": Note(
        idea="Multiplies the input by its sigmoid.",
        history=(
            "Hendrycks and Gimpel named it in 2016, Elfwing and colleagues used it for "
            "reinforcement learning, and Ramachandran and colleagues found it again by automatic "
            "search in 2017 and called it swish."
        ),
        used_in="EfficientNet; SwiGLU layers in Llama and other language models.",
        drawbacks="It is not monotonic: below 0, two inputs can have the same output.",
        year=2018,
        source=(
            "Elfwing, Uchibe and Doya (2018), Sigmoid-weighted linear units for neural network "
            "function approximation in reinforcement learning, Neural Networks 107, "
            "arXiv:1702.03118"
        ),
    ),
    "mish": Note(
        idea="Similar to SiLU, with tanh of softplus instead of the sigmoid.",
        history="Misra (2019) compared many functions with a dip below 0 and chose this one.",
        used_in="Object detectors such as YOLOv4.",
        drawbacks="It needs more operations than the others here, for a small gain.",
        year=2019,
        source="Misra (2019), Mish: a self regularized non-monotonic activation, arXiv:1908.08681",
    ),
    "softmax": Note(
        idea="Turns logits into probabilities: all are positive, and their sum is 1.",
        history=(
            "Boltzmann (1868) and Gibbs (1902) used it in physics. Bridle named it in 1990, "
            "for outputs that are class probabilities."
        ),
        used_in="The output layer for multi-class classification; attention weights.",
        drawbacks=(
            "Large logits overflow unless the largest is subtracted first, as this service does."
        ),
        year=1990,
        source=(
            "Bridle (1990), Probabilistic interpretation of feedforward classification network "
            "outputs, Neurocomputing (NATO ASI Series 68)"
        ),
    ),
}


@cache
def activations() -> Activations:
    """Return a description of each activation of the engine, in the engine's order."""
    return Activations(activations=[_describe(value) for value in ACTIVATIONS.values()])


def _describe(activation: Activation) -> ActivationDescription:
    # A test names an activation without a note.
    note = NOTES.get(activation.name, Note(idea="", history="", used_in="", drawbacks=""))
    numbers = {}
    if activation.is_elementwise:
        numbers = {
            "gain": _gain(activation),
            "value_at_zero": float(activation.function(0.0)),
            "derivative_at_zero": float(activation.derivative(0.0)),
        }
    return ActivationDescription(
        activation=activation.name,
        formula=activation.formula,
        derivative_formula=activation.derivative_formula,
        range=activation.range,
        is_elementwise=activation.is_elementwise,
        idea=note.idea,
        history=note.history,
        year=note.year,
        source=note.source,
        used_in=note.used_in,
        drawbacks=note.drawbacks,
        initializer=activation.default_initializer,
        **numbers,
    )


def _gain(activation: Activation) -> float:
    """Return 1/√E[f(z)²] for a standard normal z; He et al. (2015) derive √2 for relu.

    Uses the midpoint rule, so that kinks and jumps at 0 fall between two sample points.
    """
    width = 0.001
    z = (np.arange(24_000) + 0.5) * width - 12.0
    density = np.exp(-z * z / 2.0) / math.sqrt(2.0 * math.pi)
    return 1.0 / math.sqrt(float(np.sum(np.square(activation.function(z)) * density) * width))
