"""The encoder of the zoo: what it lacks are order and much data."""

from .parts import JsonObject, claim, experiment, preset_job

_SORTING = preset_job("sorting")


def _without_positions(job: JsonObject) -> JsonObject:
    layers = [layer for layer in job["network"]["layers"] if layer["type"] != "positional_encoding"]
    return {**job, "network": {**job["network"], "layers": layers}}


ENCODER = experiment(
    "encoder-2017",
    "An encoder needs positions",
    "Attention reads six letters at once and puts them in order. Without positional encodings it "
    "sees the same letters at every position: it cannot tell the first output from the last, and "
    "never gets a word right. With 200 words instead of 4,000, it memorizes them and sorts few "
    "others (Vaswani and others).",
    {
        "sorting": _SORTING,
        "without-positions": _without_positions(_SORTING),
        "few-words": {
            **_SORTING,
            "dataset": {**_SORTING["dataset"], "samples": 250},
            "epochs": 60,
        },
    },
    [
        claim("It sorts letters", "sorting", "validation_exact_match", at_least=0.95),
        claim(
            "Not without their positions",
            "without-positions",
            "validation_exact_match",
            at_most=0.05,
        ),
        claim("It memorizes 200 words", "few-words", "train_exact_match", at_least=0.9),
        claim("And sorts few others", "few-words", "validation_exact_match", at_most=0.5),
    ],
    section="zoo",
    year=2017,
    seconds=6.0,
)
