"""What is known of each activation; formulas and numbers are the engine's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from epochal_engine import ACTIVATIONS, Activation
from epochal_engine.initializers import usual_initializer

from ..specs.journey.activations import ActivationDescription, Activations


@dataclass(frozen=True)
class Note:
    """What no formula tells."""

    idea: str
    history: str
    used_in: str
    trouble: str
    year: int | None = None
    source: str | None = None


HENDRYCKS = "Hendrycks and Gimpel (2016), Gaussian error linear units, arXiv:1606.08415"
NOTES = {
    "linear": Note(
        idea="Leaves the sum as it is.",
        history="Older than the word: a linear model is a neuron without an activation.",
        used_in="The output of a regression; a layer that only mixes or projects.",
        trouble="Two linear layers are one: without anything else, depth brings nothing.",
    ),
    "step": Note(
        idea="Fires, or does not.",
        history=(
            "The neuron of McCulloch and Pitts (1943) is a step, and so is Rosenblatt's "
            "perceptron of 1958."
        ),
        used_in="The perceptron; spiking networks, with a stand-in for the slope.",
        trouble="Its slope is 0 wherever it has one, so no gradient comes through.",
        year=1943,
        source=(
            "McCulloch and Pitts (1943), A logical calculus of the ideas immanent in nervous "
            "activity, Bulletin of Mathematical Biophysics 5"
        ),
    ),
    "sigmoid": Note(
        idea="A soft step between 0 and 1, which can be read as a probability.",
        history=(
            "Verhulst described the curve in 1838 for growing populations. Rumelhart, Hinton and "
            "Williams trained networks of it by backpropagation in 1986."
        ),
        used_in="The output for yes or no; the gates of LSTM and GRU.",
        trouble=(
            "Its slope is 0.25 at most, so that gradients vanish through many layers; and its "
            "outputs are never negative, which slows the next layer down."
        ),
        year=1986,
        source=(
            "Rumelhart, Hinton and Williams (1986), Learning representations by back-propagating "
            "errors, Nature 323"
        ),
    ),
    "tanh": Note(
        idea="A soft step between -1 and 1, symmetric about 0.",
        history=(
            "LeCun and colleagues advised it over the sigmoid in 1998: outputs around 0 make the "
            "next layer learn faster."
        ),
        used_in="Recurrent networks; small networks on smooth data.",
        trouble="It saturates: far from 0 the slope, and with it the gradient, is nearly 0.",
        year=1998,
        source="LeCun, Bottou, Orr and Müller (1998), Efficient BackProp",
    ),
    "softsign": Note(
        idea="Like tanh, but it approaches its ends slowly.",
        history=(
            "Proposed by Bergstra and colleagues in 2009; Glorot and Bengio (2010) found that it "
            "saturates later than tanh."
        ),
        used_in="Rarely today; some recurrent and control networks.",
        trouble="Its slope falls off with 1/x²: it saturates as well, only later.",
        year=2009,
        source=(
            "Bergstra, Desjardins, Lamblin and Bengio (2009), Quadratic polynomials learn better "
            "image features, Université de Montréal, report 1337"
        ),
    ),
    "relu": Note(
        idea="Lets what is positive pass, and nothing else.",
        history=(
            "Fukushima used it in 1969 in a model of vision. Nair and Hinton (2010) brought it "
            "into deep learning, and AlexNet (2012) made it the usual one."
        ),
        used_in="Convolutional networks, and most feed-forward networks.",
        trouble=(
            "A unit whose sum is negative for all samples has slope 0 for all of them, and does "
            "not come back: a dead unit."
        ),
        year=2010,
        source=(
            "Nair and Hinton (2010), Rectified linear units improve restricted Boltzmann machines, "
            "ICML"
        ),
    ),
    "leaky_relu": Note(
        idea="A ReLU that lets a hundredth of what is negative through.",
        history="Maas, Hannun and Ng tried it on speech in 2013, against dead units.",
        used_in="Generative adversarial networks, detectors of the YOLO family.",
        trouble="The slope of the left side is one more number to choose.",
        year=2013,
        source=(
            "Maas, Hannun and Ng (2013), Rectifier nonlinearities improve neural network acoustic "
            "models, ICML workshop"
        ),
    ),
    "softplus": Note(
        idea="A ReLU with a round corner; its slope is the sigmoid.",
        history="Dugas and colleagues needed a function that only rises, for pricing options.",
        used_in="Outputs that must be positive, as a deviation.",
        trouble="It is never 0, costs an exponential, and in hidden layers rarely helps.",
        year=2000,
        source=(
            "Dugas, Bengio, Bélisle, Nadeau and Garcia (2000), Incorporating second-order "
            "functional knowledge for better option pricing, NIPS 13"
        ),
    ),
    "elu": Note(
        idea="A ReLU that goes on smoothly below 0, down to -1.",
        history="Clevert, Unterthiner and Hochreiter (2016) wanted outputs whose mean is near 0.",
        used_in="Networks without normalization.",
        trouble="It costs an exponential, and far below 0 it saturates.",
        year=2016,
        source=(
            "Clevert, Unterthiner and Hochreiter (2016), Fast and accurate deep network learning "
            "by exponential linear units, ICLR, arXiv:1511.07289"
        ),
    ),
    "selu": Note(
        idea="An ELU scaled such that mean 0 and variance 1 keep themselves up.",
        history=(
            "Klambauer and colleagues worked out the two constants in 2017, in a proof of over "
            "ninety pages."
        ),
        used_in="Deep networks of dense layers alone.",
        trouble="The proof needs LeCun's initialization, and dense layers without dropout.",
        year=2017,
        source=(
            "Klambauer, Unterthiner, Mayr and Hochreiter (2017), Self-normalizing neural networks, "
            "NIPS, arXiv:1706.02515"
        ),
    ),
    "gelu": Note(
        idea="Weighs a number by the chance that a normal one is smaller.",
        history="Hendrycks and Gimpel (2016) meant it as a smooth mean of dropout and ReLU.",
        used_in="BERT and most transformers after it.",
        trouble="It costs an error function; around -0.75 its slope changes its sign.",
        year=2016,
        source=HENDRYCKS,
    ),
    "gelu_tanh": Note(
        idea="GELU by way of tanh, wrong by less than a thousandth.",
        history="From the same paper, for machines on which an error function is slow.",
        used_in="GPT-2 and its relatives.",
        trouble="Weights trained with one of the two forms are slightly off with the other.",
        year=2016,
        source=HENDRYCKS,
    ),
    "silu": Note(
        idea="Weighs a number by its own sigmoid.",
        history=(
            "Named by Hendrycks and Gimpel (2016), used for reinforcement learning by Elfwing and "
            "colleagues, found again by a search and called swish by Ramachandran and colleagues "
            "(2017)."
        ),
        used_in="EfficientNet; as a part of SwiGLU in Llama and others.",
        trouble="Like GELU it turns back below 0, so that two inputs may have one output.",
        year=2018,
        source=(
            "Elfwing, Uchibe and Doya (2018), Sigmoid-weighted linear units for neural network "
            "function approximation in reinforcement learning, Neural Networks 107, "
            "arXiv:1702.03118"
        ),
    ),
    "mish": Note(
        idea="Like SiLU, with tanh of softplus in the place of the sigmoid.",
        history="Misra (2019) tried many functions that dip below 0, and kept this one.",
        used_in="Detectors such as YOLOv4.",
        trouble="It is the most expensive one here, for a small gain.",
        year=2019,
        source="Misra (2019), Mish: a self regularized non-monotonic activation, arXiv:1908.08681",
    ),
    "softmax": Note(
        idea="Makes shares of a whole out of scores: all positive, their sum 1.",
        history=(
            "Boltzmann and Gibbs knew it in physics in the 19th century. Bridle named it in 1990, "
            "for outputs that shall be probabilities of classes."
        ),
        used_in="The output for one of several classes; the weights of attention.",
        trouble="Large scores overflow unless the largest is subtracted first, as is done here.",
        year=1990,
        source=(
            "Bridle (1990), Probabilistic interpretation of feedforward classification network "
            "outputs, Neurocomputing (NATO ASI Series 68)"
        ),
    ),
}


@cache
def activations() -> Activations:
    """All activations that the engine has, in its order."""
    return Activations(activations=[_described(one) for one in ACTIVATIONS.values()])


def _described(one: Activation) -> ActivationDescription:
    note = NOTES[one.name]
    numbers = {}
    if one.is_elementwise:
        numbers = {
            "gain": _gain(one),
            "value_at_zero": float(one.function(0.0)),
            "derivative_at_zero": float(one.derivative(0.0)),
        }
    return ActivationDescription(
        activation=one.name,
        formula=one.formula,
        derivative_formula=one.derivative_formula,
        range=one.range,
        is_elementwise=one.is_elementwise,
        idea=note.idea,
        history=note.history,
        year=note.year,
        source=note.source,
        used_in=note.used_in,
        trouble=note.trouble,
        initializer=usual_initializer(one.name),
        **numbers,
    )


def _gain(one: Activation) -> float:
    """1/√E[f(z)²] for a standard normal z; for relu, He et al. (2015) find √2 by hand.

    By the midpoint rule: bends and jumps at 0 fall between two of its places.
    """
    width = 0.001
    z = (np.arange(24_000) + 0.5) * width - 12.0
    density = np.exp(-z * z / 2.0) / math.sqrt(2.0 * math.pi)
    return 1.0 / math.sqrt(float(np.sum(np.square(one.function(z)) * density) * width))
