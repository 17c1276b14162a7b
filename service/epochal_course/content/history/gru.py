"""2014: fewer gates remember as well."""

from .parts import claim, experiment, preset_job

GRU = experiment(
    "gru-2014",
    "Fewer gates remember as well",
    "With three quarters of the parameters of an LSTM, a GRU adds two of fifty numbers as well. "
    "Like every recurrent cell it has a state of fixed size: where letters recur after 6 to 11 "
    "positions, it is correct less often than attention, as transformer-2017 shows (Cho and "
    "others).",
    {"gru": preset_job("adding-gru"), "lstm": preset_job("adding-lstm")},
    [
        claim("The GRU adds", "gru", "validation_loss", at_most=0.002),
        claim("As well as an LSTM", "gru", "validation_loss", "lstm", at_most=0.002),
        claim("With fewer parameters", "gru", "parameters", "lstm", at_most=-200),
    ],
    section="zoo",
    year=2014,
    seconds=12.0,
)
