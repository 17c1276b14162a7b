"""The pictures of preset experiments: which requests about which jobs they are drawn from.

A picture of stored results and one of the reader's own run are drawn from the same requests.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from epochal_service.datasets.language import ANSWER_LENGTH, NUMBERS

from ..loading import Entry, load
from ..specs.content.stored_results import Exhibit, ExhibitCall, ExhibitKind

JOB = "GET /v1/jobs/{id}"
SAMPLES = "GET /v1/jobs/{id}/sample-predictions"
WEIGHTS = "GET /v1/jobs/{id}/weights"
ACTIVATIONS = "POST /v1/jobs/{id}/activations"
ATTENTION = "POST /v1/jobs/{id}/attention"
GENERATE = "POST /v1/jobs/{id}/generate"
UNIT_MAPS = "POST /v1/jobs/{id}/unit-maps"
GRADIENTS = "GET /v1/jobs/{id}/gradients"
JOB = "GET /v1/jobs/{id}"
CURVE = "GET /v1/jobs/{id}/curve"
EVALUATION = "GET /v1/jobs/{id}/evaluation"

Calls = list[ExhibitCall]


def _call(job: str, http: str, **request: Any) -> ExhibitCall:
    verb, _, path = http.partition(" ")
    return ExhibitCall(job=job, method=verb, path=path, request=json.dumps(request), reply="")


def _line(job: str, epochs: Iterable[int]) -> Calls:
    """Return the requests about one unit with two inputs: its samples, whether a line can separate
    them, and the line at each epoch.
    """
    weights = [_call(job, WEIGHTS, epoch=epoch) for epoch in epochs]
    return [_call(job, SAMPLES), _call(job, JOB), *weights]


def _run(job: str, *calls: ExhibitCall) -> Calls:
    """Return what the figures of a chapter request of a run, which they take from the replies."""
    return [_call(job, JOB), _call(job, CURVE, max_points=500, after_epoch=0), *calls]


def _language_model(job: str, vectors: Sequence[str], text: str, epochs: Sequence[int]) -> Calls:
    """Return the requests about a language model at each epoch; layers with vectors by name."""

    def at(epoch: int) -> Iterator[ExhibitCall]:
        for layer in vectors:
            yield _call(job, WEIGHTS, epoch=epoch, layer=layer)
        yield _call(job, ATTENTION, epoch=epoch, texts=[text])
        yield _call(job, ACTIVATIONS, epoch=epoch, texts=[text])
        yield _call(job, GENERATE, epoch=epoch, **_WRITTEN)

    inspected = (call for epoch in epochs for call in at(epoch))
    samples = _call(job, SAMPLES, order="random", count=3)
    return _run(job, samples, *inspected, _call(job, GENERATE, **_COMPARED))


_WRITTEN: dict[str, Any] = {
    "prompt": "",
    "temperature": 1,
    "seed": 1,
    "count": 8,
    "max_tokens": 81,
    "alternatives": 7,
    "tools": [],
}
"""The texts that the page shows first."""
_COMPARED: dict[str, Any] = {"count": 10, "max_tokens": 20, "seed": 1, "alternatives": 0}
"""The texts that stand beside the texts of a model that was trained further."""
_VERSES: dict[str, Any] = {
    "prompt": "\n",
    "stop": ["\n"],
    "temperature": 0.7,
    "seed": 0,
    "count": 6,
    "max_tokens": 48,
    "alternatives": 0,
}
"""Lines of verse, from a line break to the next."""
_DENOISED: dict[str, Any] = {"seed": 0, "steps_per_event": 10}
_SUMS = ("34 boxes of 12?", "27 and 68 more?", "58 times 47?", "19 taken from 83?")
"""Questions as the data sets `arithmetic` and `arithmetic_calls` have them."""
_GAPPED = (
    "the sea3 of sea17 and sea8 sea30 in it sea21 was sea12",
    "music5 is on a music24 with music33 to music9 for music40 music16",
)
"""Sentences as the data set `topics` has them: half of the words are of one topic."""
_SEEN = {
    (7, 3): """
        .5eeffd. .29ffb1.
        .4945fc. .6a36f7.
        .....e6. .....ea.
        .....fa. ..19fd1.
        ..8effb. ..27df5.
        ..4bf62. .....7f2
        ...fa... .4715ec1
        ..4f3... .3bffb2.
    """,
    (4, 9): """
        ...6d... ..4dfb2.
        ..1f7... ..ea3ea.
        ..bc.1.. ..fa4fc.
        .5f3.b7. ..5effc.
        .ef68fa. ...13db.
        .7cfff6. .....cb.
        ...4fb.. ..925fa.
        ...7f6.. ..4dfd2.
    """,
    (2, 3): """
        ..3cfc1. .29ffb1.
        .1fb9f7. .6a36f7.
        .28..ea. .....ea.
        ....5f5. ..19fd1.
        ...1ec.. ..27df5.
        ..1cf3.. .....7f2
        ..bfc9a5 .4715ec1
        ..2bffd6 .3bffb2.
    """,
}
"""Digits that no data set has, two beside each other: of each pixel the ink in sixteenths."""


def _picture_attention(job: str, layer: str) -> Iterator[ExhibitCall]:
    """Yield the requests about pictures of two digits: what a network writes to each question, and
    where it looks while it writes the right answer. The first one has the names of the letters.
    """
    yield _call(job, SAMPLES, count=1)
    for digits, drawing in _SEEN.items():
        pixels = [int(c, 16) / 16 for c in drawing.replace(".", "0") if not c.isspace()]
        rows = [[*pixels, *tokens] for tokens in _question_rows(*digits)]
        yield _call(job, ATTENTION, inputs=rows, layer=layer)
        for row in rows:
            read = row[: len(pixels) + 1]
            yield _call(job, GENERATE, inputs=read, temperature=0, alternatives=0, max_tokens=10)


def _question_rows(left: int, right: int) -> Iterator[list[int]]:
    """Yield each question about two digits and its answer, as tokens of the data `questions`."""
    letters = sorted({*"".join(NUMBERS)})
    for question, number in enumerate((left, right, left + right)):
        answer = [letters.index(letter) for letter in NUMBERS[number]]
        filled = [*answer, *[len(letters)] * ANSWER_LENGTH][: ANSWER_LENGTH - 1]
        yield [len(letters) + 1 + question, *filled]


def _gaps(job: str, output: str, epochs: Iterable[int]) -> Iterator[ExhibitCall]:
    """Yield the requests about sentences, each with one word hidden at a time, at each epoch."""
    for sentence in _GAPPED:
        words = sentence.split()
        texts = [" ".join(["[topic]", *words[:i], "_", *words[i + 1 :]]) for i in range(len(words))]
        for epoch in epochs:
            yield _call(job, ACTIVATIONS, epoch=epoch, texts=texts, layer=output, only_masked=True)


_EMBEDDING, _POSITIONS = "embedding_1", "positional_encoding_2"

CALLS: dict[str, dict[str, Calls]] = {
    "perceptron-1958": {"and": _line("and", range(7)), "or": _line("or", range(7))},
    "xor-1969": {
        "and": _line("and", range(11)),
        "or": _line("or", range(11)),
        "xor": _line("xor", range(1, 12)),
    },
    "backpropagation-1986": {
        "unit-maps": [_call("hidden", UNIT_MAPS, epoch=n, resolution=12) for n in (0, 50, 500)],
        "code": [_call("encoder", ACTIVATIONS, rows=[*range(8)], layer="dense_1")],
    },
    "alexnet-2012": {
        "gradients": [_call(job, GRADIENTS, page_size=1) for job in ("sigmoid", "relu")],
        "samples": [
            _call("relu-dropout-shift", SAMPLES, order="worst", split="validation", count=12)
        ],
    },
    "attention-2014": {
        "attention": [_call("attention-14", ATTENTION, rows=[0], layer="attention")],
        "samples": [_call("one-state-14", SAMPLES, split="validation", count=4)],
    },
    "transformer-2017": {
        "attention": [_call("sorting", ATTENTION, rows=[0])],
        "own-input": [_call("sorting", SAMPLES, order="random", split="validation", count=4)],
    },
    "bert-2018": {
        "gaps": [*_gaps("pretrain", "dense_6", (1, 3, 12))],
        "neighbors": [
            # The picture takes the names of the words from the first reply.
            _call("pretrain", ACTIVATIONS, texts=["_"], layer="norm", only_masked=True),
            _call("pretrain", WEIGHTS, layer="dense_6"),
        ],
    },
    "gpt-2018": {
        "texts": [
            _call("names", GENERATE, count=10, max_tokens=15, seed=0, alternatives=0, epoch=n)
            for n in (0, 1, 2, 4)
        ],
    },
    "sonnets-2018": {
        "texts": [
            _call(job, GENERATE, **_VERSES, epoch=epoch)
            for job, epoch in (
                ("pretrain", 0),
                ("pretrain", 1),
                ("pretrain", 3),
                ("tuned", 4),
                ("scratch", 8),
            )
        ],
    },
    "first-names": {
        "names": _language_model("names", (_EMBEDDING, _POSITIONS), "emma", (0, 1, 3, 10)),
        "tuned": _run("tuned", _call("tuned", GENERATE, **_COMPARED)),
        "preferred": _run("preferred", _call("preferred", GENERATE, **_COMPARED)),
    },
    "vocabularies": {
        "texts": [
            _call(job, GENERATE, prompt="ROMEO:", count=2, max_tokens=n, seed=1, alternatives=0)
            for job, n in (("characters", 160), ("byte-pairs", 80))
        ],
    },
    "gpt3-2020": {
        "induction": [_call("two-layers", ATTENTION, rows=[0])],
        "errors": [_call(job, EVALUATION) for job in ("functions", "functions-tiny")],
    },
    "diffusion-2020": {
        "moons": [_call(job, GENERATE, count=200, **_DENOISED) for job in ("linear", "network")],
        "digits": [
            _call("digits", GENERATE, epoch=n, count=10, **_DENOISED) for n in (0, 20, 60, 200)
        ],
    },
    "frontier-2024": {
        "picture-attention": [*_picture_attention("questions", "seen")],
        "calls": [
            _call(job, GENERATE, prompt=question, temperature=0, alternatives=0, tools=tools)
            for question in _SUMS
            for job, tools in (("calls", ["calculator"]), ("direct", []))
        ],
    },
    "vanishing-gradient-1991": {
        "gradients": [
            _call(job, GRADIENTS, max_points=8)
            for job in ("vanishing", "vanishing-relu", "vanishing-residual", "vanishing-norm")
        ],
    },
    "chatgpt-2022": {
        "texts": [
            _call(job, GENERATE, count=10, max_tokens=24, seed=0, alternatives=0)
            for job in (
                "base",
                "preference-near",
                "rollouts-near",
                "rollouts-free",
                "learned-near",
                "learned-free",
            )
        ],
    },
    "lenet-1998": {
        "filters": [_call("cnn-shifted", WEIGHTS, layer="conv2d_2")],
        "feature-maps": [_call("cnn-shifted", ACTIVATIONS, rows=[3])],
        "samples": [_call("cnn-shifted", SAMPLES, order="worst", split="validation", count=12)],
        "own-input": [_call("cnn-shifted", SAMPLES, order="random", split="validation", count=12)],
    },
}
"""By the name of the preset experiment and of the picture."""


class ExhibitText(Entry):
    """The title and the caption of a picture."""

    kind: ExhibitKind
    title: str
    caption: str


@cache
def exhibits() -> dict[str, list[Exhibit]]:
    """Return the pictures by the name of the preset experiment."""
    texts = load("exhibits", dict[str, dict[str, ExhibitText]])
    return {
        experiment: [
            Exhibit(**text.model_dump(), calls=CALLS[experiment][picture])
            for picture, text in pictures.items()
        ]
        for experiment, pictures in texts.items()
    }
