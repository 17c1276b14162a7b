"""Chapter 11: a language model, changed by fine-tuning and by preferences; and two models of one
text, by characters and by byte pairs.
"""

from __future__ import annotations

from itertools import chain

import numpy as np

from epochal_service.datasets.language import END, NAME_LENGTH
from epochal_service.datasets.text_rows import rows_of_texts
from epochal_service.datasets.tokens import encode

from .parts import JsonObject, claim, experiment, preset_job

_TOKENS = (END, *"abcdefghijklmnopqrstuvwxyz")
"""The tokens of the data set `names`."""

RIVERS = (
    "thames danube rhone seine tiber volga elbe loire ebro tagus neva oder vistula po ganges "
    "mekong niger orinoco parana yukon"
)
PREFERRED = (
    "davari stermela gina arnyssa darina eria mynse kassie ezoona jerisa issa phouari laiae ailee "
    "quinna koma callaysomi mollena thana alighta myra karmelli alesti kenlie alysena maguria tela "
    "leido maalae damiya nateomino fiona naha ashari nadadio poune beleklia jalayviia jarra nailine"
)
"""Names that a model wrote, and that end in a vowel."""
REJECTED = (
    "tray khaylen simos tamwel arven bahrem kalleel samran damar ramork samilian alleaks mishaun "
    "breinshg nihal janier fasin chaylis bianney destin elsisop zamary gezar ronott khidy rusar "
    "tylueh webris maizeor sheel maddalyn jahd amaniel wik acmerin deanit xyck metlaly skyler bency"
)
"""The same number of names that do not."""


def _further(texts: list[str], **fields: object) -> JsonObject:
    """Return a job that trains the model of names further, on these texts."""
    none = np.empty(0, np.int64)
    rows = [(none, encode(text, _TOKENS)) for text in texts]
    inputs, targets = rows_of_texts(rows, NAME_LENGTH, _TOKENS.index(END))
    return {
        "network": _NAMES["network"],
        "dataset": {
            "inputs": inputs.tolist(),
            "targets": targets.tolist(),
            "class_names": [*_TOKENS],
        },
        "initial_weights": {"job": "names"},
        "clipping": {"norm": 1.0},
        **fields,
    }


_NAMES = preset_job("first-names")

NAMES = experiment(
    "first-names",
    "A language model of first names",
    "Two transformer blocks of four attention heads, the parts of every large language model, "
    "predict each letter of a name from those before it. From there it goes on with the names of "
    "rivers, and with pairs of names of which one is preferred.",
    {
        "names": _NAMES,
        "tuned": _further(
            RIVERS.split(),
            loss="cross_entropy",
            epochs=30,
            batch_size=4,
            optimizer={"type": "adam", "learning_rate": 0.002},
        ),
        "preferred": _further(
            [*chain(*zip(PREFERRED.split(), REJECTED.split(), strict=True))],
            loss="preference",
            loss_options={"beta": 0.1},
            epochs=20,
            batch_size=8,
            optimizer={"type": "adam", "learning_rate": 0.001},
        ),
    },
    [
        claim(
            "It predicts names better than a 4-gram model",
            "names",
            "validation_loss",
            minus_baseline="four_gram",
            below=0,
        ),
        claim("Fine-tuned, it knows the rivers", "tuned", "train_loss", at_most=1.2),
        claim("It learns which name is preferred", "preferred", "train_accuracy", at_least=0.9),
    ],
    section="language",
    year=2018,
    seconds=45.0,
)

VOCABULARIES = experiment(
    "vocabularies",
    "Characters against byte pairs",
    "Two networks of the same layers read the same part of Shakespeare's plays, one as characters, "
    "one as tokens after 250 merges by byte-pair encoding (Sennrich, Haddow and Birch), each three "
    "times. A token is harder to guess than a character, but there are fewer of them, and a token "
    "reaches farther back: for each character of the text, byte pairs need fewer bits.",
    {name: preset_job(f"plays-{name}", epochs=3) for name in ("characters", "byte-pairs")},
    [
        claim(
            "A byte pair is harder to guess than a character",
            "byte-pairs",
            "validation_loss",
            minus="characters",
            at_least=1,
        ),
        claim(
            "For each character, byte pairs need fewer bits",
            "byte-pairs",
            "bits_per_character",
            minus="characters",
            at_most=-0.2,
        ),
    ],
    section="language",
    year=2016,
    seconds=60.0,
)
