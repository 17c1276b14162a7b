"""All explorers in one table, from which both wires make their methods."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_type_hints

from ..simulate import (
    activation,
    approximation,
    architecture,
    attention,
    backward,
    convolution,
    forward,
    gradients,
    loss,
    neuron,
    perceptron,
    recurrence,
    schedule,
    sequence_cost,
    token_loss,
    training,
    transformer_cost,
    xor,
)
from ..simulate.models import GPT_2, LENET_5
from ..specs.base import Reply, Spec
from .context import Context


@dataclass(frozen=True)
class Explorer:
    """A pure function from what is asked to what comes out, and how the wires name it."""

    summary: str
    function: Callable[[Any], Reply]
    """Its docstring is what the API says of it; its annotations are the models on both wires."""
    examples: dict[str, dict[str, Any]]
    """A sentence on each request, and the request; the tests ask all of them."""

    @property
    def request(self) -> type[Spec]:
        """The model of the body."""
        request: type[Spec]
        (request, *_) = get_type_hints(self.function).values()
        return request

    @property
    def reply(self) -> type[Reply]:
        """The model of the answer."""
        reply: type[Reply] = get_type_hints(self.function)["return"]
        return reply

    def method(self, context: Context, request: Spec) -> Reply:
        """The explorer as a method; nothing of the service's state has a part in it."""
        return self.function(request)


THREE_FOUR_FOUR_TWO = {
    "input_shape": [3],
    "layers": [
        {"type": "dense", "units": 4, "activation": "relu"},
        {"type": "dense", "units": 4, "activation": "relu"},
        {"type": "dense", "units": 2, "activation": "softmax"},
    ],
}
"""The small network of the journey."""

EXPLORERS: dict[str, Explorer] = {
    "SimulateApproximation": Explorer(
        "One hidden layer fits a curve",
        approximation.approximation,
        {
            "A sine by 1 to 32 hidden units": {},
            "The same by pieces of straight lines": {"activation": "relu", "widths": [1, 4, 16]},
            "A bell, three starts each": {"target": "bump", "widths": [1, 2, 8], "seeds": 3},
            "Your own points": {
                "inputs": [0.0, 1.0, 2.0, 3.0, 4.0],
                "outputs": [0.0, 1.0, 0.5, 2.0, 1.5],
                "widths": [1, 4],
                "steps": 20,
            },
        },
    ),
    "SimulateNeuron": Explorer(
        "One neuron",
        neuron.neuron,
        {
            "A neuron that fires": {
                "inputs": [1.0, 0.5, 0.8],
                "weights": [0.7, -0.3, 0.5],
                "bias": -0.2,
            }
        },
    ),
    "SimulatePerceptron": Explorer(
        "Perceptron learning",
        perceptron.perceptron,
        {
            "AND in six epochs": {"table": "and"},
            "XOR, and a proof that no line does it": {"table": "xor", "epochs": 6},
            "A truth table by its outputs for 00, 01, 10, 11": {"targets": [1, 1, 0, 1]},
            "Your own points, met in your own order": {
                "points": [[0.5, 2.0], [1.0, 0.5], [2.5, 3.0], [3.0, 1.5]],
                "targets": [0, 0, 1, 1],
                "order": [3, 0, 2, 1],
                "learning_rate": 0.5,
                "epochs": 50,
            },
            "Three inputs, and points that cannot be parted": {
                "points": [[0.0, 0.0, 0.0], [2.0, 2.0, 2.0], [1.0, 1.0, 1.0]],
                "targets": [0, 0, 1],
                "epochs": 3,
            },
        },
    ),
    "SimulateXor": Explorer(
        "XOR by a hidden layer",
        xor.xor,
        {
            "By hand: OR, NAND, and AND of both": {},
            "Trained from eight starts": {"train": True, "resolution": 11},
            "Two sigmoids of your own": {
                "activation": "sigmoid",
                "hidden": [
                    {"weights": [20.0, 20.0], "bias": -10.0},
                    {"weights": [20.0, 20.0], "bias": -30.0},
                ],
                "output": {"weights": [20.0, -20.0], "bias": -10.0},
                "resolution": 5,
            },
        },
    ),
    "SimulateActivation": Explorer(
        "Activations and their slopes",
        activation.activation,
        {
            "ReLU at one half": {"activations": ["relu"]},
            "Four beside each other": {
                "activations": ["sigmoid", "tanh", "relu", "gelu"],
                "x": -1.2,
                "points": 25,
            },
        },
    ),
    "SimulateActivationChain": Explorer(
        "A chain of activations",
        activation.activation_chain,
        {
            "Ten sigmoids: the gradient vanishes": {"activation": "sigmoid"},
            "Ten ReLUs: nothing is lost": {"activation": "relu"},
            "Weights of 3: the gradient explodes": {
                "activation": "leaky_relu",
                "weight": 3.0,
                "depth": 8,
            },
        },
    ),
    "SimulateArchitecture": Explorer(
        "What a network amounts to",
        architecture.architecture,
        {
            "The small network of the journey": {"network": THREE_FOUR_FOUR_TWO},
            "LeNet-5, which read checks": {
                "network": LENET_5.model_dump(mode="json", exclude_defaults=True),
                "batch_size": 256,
                "optimizer": "sgd",
            },
            "GPT-2, far too large to be trained here": {
                "network": GPT_2.model_dump(mode="json", exclude_defaults=True),
                "batch_size": 8,
                "optimizer": "adamw",
            },
        },
    ),
    "SimulateForward": Explorer(
        "A forward pass",
        forward.forward,
        {
            "3-4-4-2, with weights that anybody can work out": {
                "network": THREE_FOUR_FOUR_TWO,
                "input": [0.8, 0.3, 0.6],
                "weights_from": "pattern",
            },
            "XOR of 1 and 0, by a hidden layer of OR and NAND": {
                "network": {
                    "input_shape": [2],
                    "layers": [
                        {"type": "dense", "units": 2, "activation": "step"},
                        {"type": "dense", "units": 1, "activation": "step"},
                    ],
                },
                "input": [1.0, 0.0],
                "weights": [
                    {"layer": "dense_1", "weight": [[1.0, -1.0], [1.0, -1.0]], "bias": [-0.5, 1.5]},
                    {"layer": "dense_2", "weight": [[1.0], [1.0]], "bias": [-1.5]},
                ],
            },
            "Two places of a sequence: dense, layer norm, and a residual": {
                "network": {
                    "input_shape": [2, 3],
                    "layers": [
                        {"type": "layer_norm"},
                        {
                            "type": "residual",
                            "layers": [
                                {"type": "dense", "units": 3, "activation": "gelu"},
                                {"type": "dropout", "rate": 0.1},
                            ],
                        },
                        {"type": "flatten"},
                        {"type": "dense", "units": 1, "activation": "sigmoid"},
                    ],
                },
                "input": [0.8, 0.3, 0.6, -1.0, 2.0, 0.5],
                "seed": 7,
            },
        },
    ),
    "SimulateTransformerCost": Explorer(
        "What a transformer costs",
        transformer_cost.transformer_cost,
        {
            "LLaMA 2 70B reads 4,096 tokens on 8 A100: in 500 ms?": {
                "model": "llama-2-70b",
                "tokens": 4096,
                "devices": 8,
                "claimed_seconds": 0.5,
            },
            "One more token from a model of one's own, on one H100": {
                "size": {
                    "family": "llama",
                    "layers": 32,
                    "width": 4096,
                    "heads": 32,
                    "hidden": 11008,
                    "vocabulary": 32000,
                    "context": 4096,
                },
                "tokens": 1,
                "device": "h100",
                "devices": 1,
            },
            "A size that is only guessed, on a device that is not in the list": {
                "parameters": 1800000000000,
                "bytes_per_parameter": 1.0,
                "custom_device": {"peak_flops": 1e16, "bandwidth": 8e12, "memory": 2e11},
            },
        },
    ),
    "SimulateLoss": Explorer(
        "Losses of a prediction",
        loss.loss,
        {
            "70 % for what is true": {
                "prediction": [0.7],
                "target": [1.0],
                "losses": ["binary_cross_entropy", "mse", "mae", "huber", "hinge", "focal"],
            },
            "Certain, and wrong: what stays finite": {
                "prediction": [0.0],
                "target": [1.0],
                "losses": ["binary_cross_entropy", "mse", "focal"],
                "options": {"gamma": 2.0},
                "points": 11,
            },
            "Three classes": {
                "prediction": [0.7, 0.2, 0.1],
                "target": [1.0, 0.0, 0.0],
                "losses": ["cross_entropy", "mse"],
                "options": {"label_smoothing": 0.1},
                "points": 21,
            },
            "A temperature, by all losses that fit": {
                "prediction": [21.5],
                "target": [19.0],
                "points": 21,
            },
        },
    ),
    "SimulateTokenLoss": Explorer(
        "The loss of a language model",
        token_loss.token_loss,
        {
            "The cat sat on the …": {
                "tokens": ["mat", "sofa", "moon", "the"],
                "probabilities": [[0.6, 0.3, 0.05, 0.05]],
                "targets": [0],
            },
            "Logits at two places": {
                "logits": [[2.0, 0.5, -1.0], [0.0, 3.0, 0.0]],
                "targets": [0, 2],
            },
            "Five words of a vocabulary of 100,000": {
                "target_probabilities": [0.31, 0.02, 0.75, 0.0004, 0.11],
                "tokens": ["Once", "upon", "a", "quiet", "time"],
                "vocabulary": 100000,
            },
        },
    ),
    "SimulateBackward": Explorer(
        "A backward pass",
        backward.backward,
        {
            "3-4-4-2, with weights that anybody can work out, checked by differences": {
                "network": THREE_FOUR_FOUR_TWO,
                "input": [0.8, 0.3, 0.6],
                "weights_from": "pattern",
                "target": [0.0],
                "loss": "cross_entropy",
                "check": True,
            },
            "One neuron and the squared error, with a rate that is too high": {
                "network": {"input_shape": [2], "layers": [{"type": "dense", "units": 1}]},
                "input": [3.0, -2.0],
                "target": [1.0],
                "loss": "mse",
                "learning_rate": 0.5,
            },
            "A residual behind a layer norm, over two places of a sequence": {
                "network": {
                    "input_shape": [2, 3],
                    "layers": [
                        {"type": "layer_norm"},
                        {
                            "type": "residual",
                            "layers": [{"type": "dense", "units": 3, "activation": "gelu"}],
                        },
                        {"type": "flatten"},
                        {"type": "dense", "units": 1, "activation": "sigmoid"},
                    ],
                },
                "input": [0.8, 0.3, 0.6, -1.0, 2.0, 0.5],
                "seed": 7,
                "target": [1.0],
                "loss": "binary_cross_entropy",
                "check": True,
            },
        },
    ),
    "SimulateGradientFlow": Explorer(
        "How gradients flow through many layers",
        gradients.gradient_flow,
        {
            "Ten layers of sigmoids, and what helps them": {},
            "Twenty layers of tanh with weights too large": {
                "depth": 20,
                "activation": "tanh",
                "initializer": "xavier_normal",
                "gain": 4.0,
                "seeds": 3,
            },
            "Residual layers with layer norm": {
                "depth": 8,
                "activation": "relu",
                "residual": True,
                "normalization": "layer_norm",
                "samples": 16,
                "seed": 7,
            },
        },
    ),
    "SimulateVanishingBars": Explorer(
        "The bars of a vanishing gradient, from a real network",
        gradients.vanishing_bars,
        {
            "The draw that gives 1.00, .35, .08, .01": {},
            "Another draw, beside fifty": {"seed": 7, "first_seed": 500, "seeds": 50},
        },
    ),
    "SimulateTraining": Explorer(
        "A short training run, step by step",
        training.training,
        {
            "Two circles: the first three steps, and fifty epochs": {},
            "Iris in batches, by plain gradient descent": {
                "network": {
                    "input_shape": [4],
                    "layers": [
                        {"type": "dense", "units": 8, "activation": "relu"},
                        {"type": "dense", "units": 3, "activation": "softmax"},
                    ],
                },
                "dataset": {"name": "iris"},
                "loss": "cross_entropy",
                "batch_size": 32,
                "epochs": 20,
                "optimizer": {"type": "sgd", "learning_rate": 0.05},
                "schedule": {"type": "cosine", "warmup_epochs": 2},
                "steps": 2,
            },
            "A rate that is too high, on four rows": {
                "network": {"input_shape": [1], "layers": [{"type": "dense", "units": 1}]},
                "dataset": {
                    "inputs": [[1.0], [2.0], [3.0], [4.0]],
                    "targets": [[2.0], [4.0], [6.0], [8.0]],
                },
                "loss": "mse",
                "epochs": 100,
                "optimizer": {"type": "sgd", "learning_rate": 0.2},
            },
        },
    ),
    "SimulateLearningRates": Explorer(
        "Which learning rates suit a network and its data",
        training.learning_rates,
        {
            "Two circles by Adam": {},
            "Two circles by plain gradient descent, in batches of ten": {
                "optimizer": {"type": "sgd"},
                "batch_size": 10,
                "epochs": 100,
                "lowest": 0.001,
                "rates": 12,
            },
        },
    ),
    "SimulateSchedule": Explorer(
        "A learning-rate schedule, before it is run",
        schedule.schedule,
        {
            "From 3e-4 down to 3e-5 along half a cosine": {
                "schedule": {"type": "cosine", "final_fraction": 0.1},
                "learning_rate": 0.0003,
            },
            "The same after a warm-up, 50 steps an epoch": {
                "schedule": {"type": "cosine", "warmup_epochs": 10, "final_fraction": 0.1},
                "learning_rate": 0.0003,
                "epochs": 110,
                "steps_per_epoch": 50,
            },
            "A tenth after every 30 epochs": {
                "schedule": {"type": "step", "every": 30},
                "learning_rate": 0.1,
                "epochs": 90,
            },
        },
    ),
    "SimulateConvolution": Explorer(
        "A convolution, window by window",
        convolution.convolution,
        {
            "The edges of a square": {
                "image": [
                    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
                    [0.0, 1.0, 1.0, 1.0, 1.0, 0.0],
                    [0.0, 1.0, 1.0, 1.0, 1.0, 0.0],
                    [0.0, 1.0, 1.0, 1.0, 1.0, 0.0],
                    [0.0, 1.0, 1.0, 1.0, 1.0, 0.0],
                    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
                ],
                "kernel_name": "edge",
                "padding": "same",
            },
            "A kernel of your own, every second pixel": {
                "image": [
                    [1.0, 2.0, 0.0, 3.0],
                    [0.0, 1.0, 2.0, 1.0],
                    [4.0, 0.0, 1.0, 0.0],
                    [1.0, 1.0, 0.0, 2.0],
                ],
                "kernel": [[1.0, 0.0], [0.0, -1.0]],
                "bias": 0.5,
                "stride": 2,
            },
            "Steps of a signal": {
                "signal": [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0],
                "kernel_name": "vertical_edge",
            },
        },
    ),
    "SimulatePooling": Explorer(
        "Pooling, window by window",
        convolution.pooling,
        {
            "The largest of every 2 by 2": {
                "image": [
                    [1.0, 3.0, 2.0, 0.0],
                    [4.0, 2.0, 1.0, 5.0],
                    [0.0, 1.0, 6.0, 2.0],
                    [7.0, 0.0, 1.0, 3.0],
                ]
            },
            "The mean of every three, two apart": {
                "signal": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
                "kind": "average",
                "size": 3,
                "stride": 2,
            },
        },
    ),
    "SimulateRecurrence": Explorer(
        "A recurrent cell along a sequence",
        recurrence.recurrence,
        {
            "An LSTM meets one signal and waits": {
                "cell": "lstm",
                "inputs": [[1.0], [0.0], [0.0], [0.0], [0.0], [0.0]],
                "units": 2,
            },
            "A GRU over three places of two features": {
                "cell": "gru",
                "inputs": [[1.0, 0.0], [0.0, 1.0], [0.5, -0.5]],
                "units": 3,
                "seed": 4,
            },
            "An RNN that adds up, with weights of its own": {
                "cell": "rnn",
                "inputs": [[0.1], [0.2], [0.3]],
                "units": 1,
                "weight": [[1.0]],
                "recurrent": [[1.0]],
                "bias": [0.0],
            },
        },
    ),
    "SimulateAttention": Explorer(
        "Attention, score by score",
        attention.attention,
        {
            "A query that is one of the keys": {
                "queries": [[1.0, 0.0]],
                "keys": [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]],
                "values": [[10.0], [20.0], [30.0]],
            },
            "Six tokens, two heads, and no look ahead": {
                "tokens": ["the", "cat", "sat", "on", "the", "mat"],
                "heads": 2,
                "causal": True,
                "seed": 1,
            },
        },
    ),
    "SimulatePositionalEncoding": Explorer(
        "Sines and cosines for the places of a sequence",
        attention.positional_encoding,
        {"Sixteen places": {}, "Place 5 of 32, in 8 units": {"places": 32, "units": 8, "place": 5}},
    ),
    "SimulateSequenceCost": Explorer(
        "What it costs to read a sequence",
        sequence_cost.sequence_cost,
        {
            "Six ways to read up to 16,384 places": {},
            "Layers as wide as those of a base transformer": {
                "lengths": [512, 1024, 2048],
                "width": 512,
                "heads": 8,
            },
        },
    ),
}
"""By the name of the RPC, whose words make the path: SimulateNeuron is `/v1/simulate/neuron`."""


def path_of(rpc: str) -> str:
    """Where HTTP has the explorer: SimulateSequenceCost is `/v1/simulate/sequence-cost`."""
    words = re.findall("[A-Z][a-z0-9]*", rpc.removeprefix("Simulate"))
    return "/v1/simulate/" + "-".join(words).lower()
