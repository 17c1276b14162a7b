"""1997: a cell state remembers."""

from .parts import claim, experiment, preset_job
from .rnn import FIFTY

LSTM = experiment(
    "lstm-1997",
    "A cell state remembers, at four times the weights",
    "The task of the plain recurrent network: to add two of fifty numbers. The cell state of an "
    "LSTM carries the first number to the end. For that it has almost four times the parameters, "
    "and it still reads the numbers one after the other (Hochreiter and Schmidhuber).",
    {"lstm": preset_job("adding-lstm"), "rnn": FIFTY},
    [
        claim("The LSTM adds", "lstm", "validation_loss", at_most=0.004),
        claim("The plain network does not", "rnn", "validation_loss", "lstm", at_least=0.036),
        claim("It has many more parameters", "lstm", "parameters", "rnn", at_least=800),
    ],
    section="zoo",
    year=1997,
    seconds=8.0,
)
