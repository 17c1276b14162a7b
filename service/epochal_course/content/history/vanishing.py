"""1991: in a deep network of sigmoid units, the gradient vanishes."""

from ...specs.content.preset_experiments import PresetExperiment
from .parts import claim, experiment, preset_job

REMEDIES = {
    "vanishing-relu": ("ReLU trains it", 0.3),
    "vanishing-residual": ("So do residual connections", 0.3),
    "vanishing-norm": ("And batch normalization", 0.4),
}
"""The point of each preset, and an upper bound of its training loss."""


def _vanishing() -> PresetExperiment:
    names = ("vanishing", *REMEDIES)
    return experiment(
        "vanishing-gradient-1991",
        "Ten layers, with and without remedies",
        "Ten layers of sigmoid units on two concentric circles guess forever: the gradient "
        "vanishes before it reaches the first layers (Hochreiter). With ReLU, residual connections "
        "or batch normalization, the same depth learns.",
        {name: preset_job(name) for name in names},
        [
            claim("Sigmoid units only guess", "vanishing", "train_loss", at_least=0.67),
            *(
                claim(text, name, "train_loss", at_most=bound)
                for name, (text, bound) in REMEDIES.items()
            ),
        ],
        year=1991,
        seconds=10.0,
        section="backpropagation",
    )


VANISHING = _vanishing()
