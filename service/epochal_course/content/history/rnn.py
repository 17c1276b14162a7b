"""1990: a recurrent network forgets."""

from .parts import JsonObject, claim, experiment, preset_job

FIFTY = preset_job("adding-rnn")
"""A plain recurrent network that adds two of fifty numbers."""


def _shorter(job: JsonObject, length: int) -> JsonObject:
    """Return the job on sequences of this length."""
    layers = [{"type": "reshape", "shape": [length, 2]}, *job["network"]["layers"][1:]]
    dataset = {**job["dataset"], "length": length}
    return {**job, "network": {"input_shape": [2 * length], "layers": layers}, "dataset": dataset}


RNN = experiment(
    "rnn-1990",
    "A recurrent network forgets",
    "The target is the sum of two marked numbers. Among ten, a plain recurrent network adds them. "
    "Among fifty, its gradient vanishes before it reaches the first one: with 20 seeds the loss "
    "was between 0.04 and 0.18, and that of the best constant is 0.167 (Bengio and others, 1994).",
    {"ten": _shorter(FIFTY, 10), "fifty": FIFTY},
    [
        claim("It adds two of ten numbers", "ten", "validation_loss", at_most=0.02),
        # Over 20 seeds the difference is 0.124, with a standard deviation of 0.047.
        claim("It does worse among fifty", "fifty", "validation_loss", "ten", at_least=0.03),
        claim("With the same parameters", "fifty", "parameters", "ten", at_least=0, at_most=0),
    ],
    section="zoo",
    year=1990,
    seconds=4.0,
)
