"""2012: deep networks train, and do not memorize their few images."""

from typing import Any

from .parts import JsonObject, claim, experiment


def _deep(activation: str, *, drops: bool = False, **more: Any) -> JsonObject:
    """Return a job of four convolutions and two dense layers on 359 shifted digits."""
    layers: list[JsonObject] = [{"type": "reshape", "shape": [12, 12, 1]}]
    for filters in (16, 32):
        convolution = {
            "type": "conv2d",
            "filters": filters,
            "kernel_size": 3,
            "padding": "same",
            "activation": activation,
        }
        layers += [convolution, convolution, {"type": "max_pool2d"}]
    layers += [{"type": "flatten"}, {"type": "dense", "units": 64, "activation": activation}]
    layers += [{"type": "dropout", "rate": 0.5}] if drops else []
    layers += [{"type": "dense", "units": 10, "activation": "softmax"}]
    return {
        "network": {"input_shape": [12, 12], "layers": layers},
        "dataset": {"name": "shifted_digits"},
        "loss": "cross_entropy",
        "epochs": 30,
        "validation_fraction": 0.8,
        "optimizer": {"type": "adam", "learning_rate": 0.002},
        "schedule": {"type": "cosine"},
        **more,
    }


ALEXNET = experiment(
    "alexnet-2012",
    "Deep networks learn to see",
    "Six layers, 359 images. With sigmoid units the gradient vanishes on its way to the first "
    "layers, and the network guesses; with ReLU it learns. Dropout and shifted copies of the "
    "images keep it from memorizing the few images (Krizhevsky, Sutskever and Hinton). "
    "Images of 8 by 8 pixels are too easy to show what ImageNet showed: here, tanh would do as "
    "well as ReLU.",
    {
        "sigmoid": _deep("sigmoid"),
        "relu": _deep("relu"),
        "relu-dropout-shift": _deep(
            "relu", drops=True, epochs=60, augmentation=[{"type": "shift", "max_shift": 2}]
        ),
    },
    [
        claim("Sigmoid units only guess", "sigmoid", "validation_accuracy", at_most=0.2),
        claim("ReLU learns", "relu", "validation_accuracy", at_least=0.75),
        claim(
            "Dropout and shifts add to that",
            "relu-dropout-shift",
            "validation_accuracy",
            "relu",
            at_least=0.04,
        ),
    ],
    year=2012,
    seconds=60.0,
)
