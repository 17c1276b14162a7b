"""2006: a narrow middle layer finds what an image consists of."""

from .parts import JsonObject, claim, dense, experiment, network, preset_job


def _code(units: int) -> JsonObject:
    """Return the autoencoder with this number of units in the middle."""
    layers = [
        *dense(32, activation="relu", output="relu"),
        {"type": "dense", "units": units, "name": "code"},
        *dense(32, 64, activation="relu", output="sigmoid"),
    ]
    return {**preset_job("autoencoder"), "network": network(64, layers)}


AUTOENCODER = experiment(
    "autoencoder-2006",
    "A code of eight numbers",
    "Digits of 64 pixels pass through a narrow layer and are drawn again. Eight numbers draw them "
    "better than the first eight principal components, whose loss is 0.024; two are too few. A "
    "code of 32 draws them better still, and compresses less: what a narrow code keeps is what "
    "varies most, which need not be what matters (Hinton and Salakhutdinov).",
    {"code-2": _code(2), "code-8": _code(8), "code-32": _code(32)},
    [
        claim("Better than 8 principal components", "code-8", "validation_loss", at_most=0.022),
        claim("Two numbers are too few", "code-2", "validation_loss", "code-8", at_least=0.01),
        claim(
            "A wide code only copies more", "code-8", "validation_loss", "code-32", at_least=0.003
        ),
    ],
    section="zoo",
    year=2006,
    seconds=8.0,
)
