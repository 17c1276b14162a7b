"""The pictures of preset experiments: which requests about which jobs they are drawn from.

A picture of stored results and one of the reader's own run are drawn from the same requests.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from epochal_service.datasets.language import ANSWER_LENGTH, NUMBERS

from ..specs.content.stored_results import Exhibit, ExhibitCall, ExhibitKind

JOB = "GET /v1/jobs/{id}"
SAMPLES = "POST /v1/jobs/{id}/sample-predictions"
WEIGHTS = "GET /v1/jobs/{id}/weights"
ACTIVATIONS = "POST /v1/jobs/{id}/activations"
ATTENTION = "POST /v1/jobs/{id}/attention"
GENERATE = "POST /v1/jobs/{id}/generate"
UNIT_MAPS = "POST /v1/jobs/{id}/unit-maps"
GRADIENTS = "GET /v1/jobs/{id}/gradients"
JOB = "GET /v1/jobs/{id}"
CURVE = "GET /v1/jobs/{id}/curve"
EVALUATION = "GET /v1/jobs/{id}/evaluation"


def _call(job: str, http: str, **request: Any) -> ExhibitCall:
    verb, _, path = http.partition(" ")
    return ExhibitCall(job=job, method=verb, path=path, request=json.dumps(request), reply="")


def _exhibit(
    kind: ExhibitKind, title: str, caption: str, *calls: ExhibitCall | Iterable[ExhibitCall]
) -> Exhibit:
    flat = [c for part in calls for c in ([part] if isinstance(part, ExhibitCall) else part)]
    return Exhibit(kind=kind, title=title, caption=caption, calls=flat)


def _line(job: str, title: str, caption: str, epochs: Iterable[int]) -> Exhibit:
    """Return the line of one unit with two inputs at each epoch, with the samples, and whether a
    line can separate them.
    """
    weights = (_call(job, WEIGHTS, epoch=epoch) for epoch in epochs)
    return _exhibit("line", title, caption, _call(job, SAMPLES), _call(job, JOB), weights)


def _run(job: str, *calls: ExhibitCall) -> Exhibit:
    """Return what the figures of a chapter request of a run, which they take from the replies."""
    begin = (_call(job, JOB), _call(job, CURVE, max_points=500, after_epoch=0))
    return _exhibit("run", job, "The figures of the chapter show this run.", begin, calls)


def _language_model(job: str, vectors: Sequence[str], text: str, epochs: Sequence[int]) -> Exhibit:
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

EXHIBITS: dict[str, tuple[Exhibit, ...]] = {
    "perceptron-1958": (
        _line(
            "and",
            "AND: the line at every epoch",
            "The rule moves the line after each mistake, until no point is on the wrong side.",
            range(7),
        ),
        _line(
            "or",
            "OR: the line at every epoch",
            "The same rule, from the same zero weights, with other targets.",
            range(7),
        ),
    ),
    "xor-1969": (
        _line(
            "and",
            "AND: the line at every epoch",
            "The rule moves the line after each mistake, until no point is on the wrong side.",
            range(11),
        ),
        _line(
            "or",
            "OR: the line at every epoch",
            "The same rule, from the same zero weights, with other targets.",
            range(11),
        ),
        _line(
            "xor",
            "XOR: the line at every epoch",
            "Whichever way the line turns, at least one point is on the wrong side. The proof: the "
            "colored lines connect the points of each class, and meet. Where they meet, the value "
            "of a unit is the mean of its values at both ends of each line: it would have to be "
            "on both sides.",
            range(1, 12),
        ),
    ),
    "backpropagation-1986": (
        _exhibit(
            "unit_maps",
            "Hidden units become features",
            "Each tile is the output of one unit over the plane of the two inputs: those of the "
            "hidden layer, then the output. Each hidden unit draws a line, and together they "
            "separate the corners of XOR.",
            (_call("hidden", UNIT_MAPS, epoch=n, resolution=12) for n in (0, 50, 500)),
        ),
        _exhibit(
            "code",
            "The code that three hidden units invent",
            "The outputs of the three hidden units for each of the eight classes. Each class has "
            "a code of its own, close to counting in binary; some units stay halfway (½). Nobody "
            "gave the network this code.",
            _call("encoder", ACTIVATIONS, rows=[*range(8)], layer="dense_1"),
        ),
    ),
    "alexnet-2012": (
        _exhibit(
            "gradients",
            "Gradient norm of each layer in the first epoch",
            "The backward pass goes from the last layer to the first. With sigmoid units the "
            "gradient shrinks in each layer; with ReLU it arrives.",
            (_call(job, GRADIENTS, page_size=1) for job in ("sigmoid", "relu")),
        ),
        _exhibit(
            "samples",
            "Digits that the best of them misreads",
            "Validation samples with the largest loss of the network with dropout and shifts.",
            _call("relu-dropout-shift", SAMPLES, order="worst", split="validation", count=12),
        ),
    ),
    "attention-2014": (
        _exhibit(
            "attention",
            "Where it looks while it writes a word backwards",
            "Each row is a letter that it writes, each column a letter that it reads. To write "
            "the first letter it reads the last: the weights lie on the antidiagonal. "
            "The network learned this by itself.",
            _call("attention-14", ATTENTION, rows=[0], layer="attention"),
        ),
        _exhibit(
            "samples",
            "What one state of 32 numbers makes of 14 letters",
            "Validation words and what the network without attention writes.",
            _call("one-state-14", SAMPLES, split="validation", count=4),
        ),
    ),
    "transformer-2017": (
        _exhibit(
            "attention",
            "What each position reads while it sorts",
            "Attention weights of each head for one word of six letters. Rows are positions, "
            "columns the letters that they read.",
            _call("sorting", ATTENTION, rows=[0]),
        ),
        _exhibit(
            "own_input",
            "Type your own letters",
            "Six letters, and the same letters in order as the network writes them.",
            _call("sorting", SAMPLES, order="random", split="validation", count=4),
        ),
    ),
    "bert-2018": (
        _exhibit(
            "gaps",
            "Fill the gap",
            "Hide a word: the network reads the others, on both sides, and gives each word that "
            "could stand there a probability. Within a topic any word is as likely as another, so "
            "that nobody could guess the hidden one: it is enough to know the topic.",
            _gaps("pretrain", "dense_6", (1, 3, 12)),
        ),
        _exhibit(
            "neighbors",
            "Neighbors of words",
            "Cosine similarity of the vectors that the last layer has for each word. No topic is "
            "written in the data: the network learned which words stand in the same sentences.",
            # The picture takes the names of the words from the first reply.
            _call("pretrain", ACTIVATIONS, texts=["_"], layer="norm", only_masked=True),
            _call("pretrain", WEIGHTS, layer="dense_6"),
        ),
    ),
    "gpt-2018": (
        _exhibit(
            "texts",
            "Ten names after each epoch",
            "The same random numbers, other weights: letters become names that nobody gave it.",
            (
                _call("names", GENERATE, count=10, max_tokens=15, seed=0, alternatives=0, epoch=n)
                for n in (0, 1, 2, 4)
            ),
        ),
    ),
    "sonnets-2018": (
        _exhibit(
            "texts",
            "Six lines after each epoch",
            "The same random numbers, other weights: from plays it learns words, and from sonnets "
            "to write thee and thy. The last network has read the sonnets alone, and writes hardly "
            "any words.",
            (
                _call(job, GENERATE, **_VERSES, epoch=epoch)
                for job, epoch in (
                    ("pretrain", 0),
                    ("pretrain", 1),
                    ("pretrain", 3),
                    ("tuned", 4),
                    ("scratch", 8),
                )
            ),
        ),
    ),
    "first-names": (
        _language_model("names", (_EMBEDDING, _POSITIONS), "emma", (0, 1, 3, 10)),
        *(_run(job, _call(job, GENERATE, **_COMPARED)) for job in ("tuned", "preferred")),
    ),
    "vocabularies": (
        _exhibit(
            "texts",
            "What each network writes",
            "The same random numbers. Byte pairs make whole words sooner, since many of them are "
            "tokens; a network of characters has to spell each.",
            (
                _call(job, GENERATE, prompt="ROMEO:", count=2, max_tokens=n, seed=1, alternatives=0)
                for job, n in (("characters", 160), ("byte-pairs", 80))
            ),
        ),
    ),
    "gpt3-2020": (
        _exhibit(
            "induction",
            "The induction head",
            "Rows are positions, columns the tokens that they read. A head that attends to the "
            "token behind the last occurrence of the present one is an induction head: it copies "
            "what followed before. The picture opens with the head that does so most.",
            _call("two-layers", ATTENTION, rows=[0]),
        ),
        _exhibit(
            "errors",
            "Error against the number of examples",
            "Mean squared error of the next value, after so many examples of the same function. "
            "Without examples nobody can know the function: the error is the variance, 2.",
            (_call(job, EVALUATION) for job in ("functions", "functions-tiny")),
        ),
    ),
    "diffusion-2020": (
        _exhibit(
            "denoised",
            "Moons emerge from noise",
            "The same noise, and the noise that each network predicts removed step by step. A "
            "linear network can move, turn and scale the cloud, and it stays one cloud.",
            (_call(job, GENERATE, count=200, **_DENOISED) for job in ("linear", "network")),
        ),
        _exhibit(
            "denoised",
            "From noise to the digit that was asked for",
            "One column for each class, from noise to a picture that is in no data set. "
            "The random numbers are the same after each epoch: only the network has changed.",
            (_call("digits", GENERATE, epoch=n, count=10, **_DENOISED) for n in (0, 20, 60, 200)),
        ),
    ),
    "frontier-2024": (
        _exhibit(
            "picture_attention",
            "Where it looks while it answers",
            "Three questions about one picture, which was drawn by hand and is in no data set. The "
            "network reads the picture as eight patches. Darker blue: more attention while it "
            "writes the chosen letter. For the first letter it looks at the digit in question; "
            "afterwards a patch may also tell it of others, because the layers before mix them.",
            _picture_attention("questions", "seen"),
        ),
        _exhibit(
            "calls",
            "A call in the text, and an answer without one",
            "One network writes a call, the calculator of the service computes it, and the network "
            "goes on from the result. The other one, of the same size, answers by itself.",
            (
                _call(job, GENERATE, prompt=question, temperature=0, alternatives=0, tools=tools)
                for question in _SUMS
                for job, tools in (("calls", ["calculator"]), ("direct", []))
            ),
        ),
    ),
    "vanishing-gradient-1991": (
        _exhibit(
            "gradients",
            "Gradient norm of each layer, epoch by epoch",
            "Gradient norm of each layer, the first layer on top.",
            (
                _call(job, GRADIENTS, max_points=8)
                for job in ("vanishing", "vanishing-relu", "vanishing-residual", "vanishing-norm")
            ),
        ),
    ),
    "chatgpt-2022": (
        _exhibit(
            "texts",
            "Ten texts before and after",
            "The base writes sentences. From pairs or rewards it learns to write bright and moon. "
            "With a penalty on moving away they stay sentences; without one only the words stay, "
            "or whatever a reward model happens to pay for. Each text ends after 24 characters.",
            (
                _call(job, GENERATE, count=10, max_tokens=24, seed=0, alternatives=0)
                for job in (
                    "base",
                    "preference-near",
                    "rollouts-near",
                    "rollouts-free",
                    "learned-near",
                    "learned-free",
                )
            ),
        ),
    ),
    "lenet-1998": (
        _exhibit(
            "filters",
            "The filters of the first layer",
            "Each filter of 3×3 weights slides over the whole image. Blue weights answer to ink, "
            "orange ones to its absence: most filters detect an edge in one direction.",
            _call("cnn-shifted", WEIGHTS, layer="conv2d_2"),
        ),
        _exhibit(
            "feature_maps",
            "From strokes to a digit",
            "The outputs of each layer for one image, from edges to parts of a digit to ten "
            "probabilities.",
            _call("cnn-shifted", ACTIVATIONS, rows=[3]),
        ),
        _exhibit(
            "samples",
            "Digits that it misreads",
            "Validation samples with the largest loss: those on which convolution fails.",
            _call("cnn-shifted", SAMPLES, order="worst", split="validation", count=12),
        ),
        _exhibit(
            "own_input",
            "Draw your own digit",
            "Digits that the network was not trained on, and what it takes them for.",
            _call("cnn-shifted", SAMPLES, order="random", split="validation", count=12),
        ),
    ),
}
"""By the name of the preset experiment."""
