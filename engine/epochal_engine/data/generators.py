"""A generator draws a small data set with a known answer, to compare a trained network with it.

Every generator is one record in `GENERATORS`: its public name, its function, what it teaches and
the bounds of its parameters. A function takes its parameters by name and `rng` last, and returns

    inputs  `(samples, features)` float64
    targets `(samples,)` int64 labels counted from 0; `(samples, length)` of them for a sequence;
            or `(samples, 1)` float64 for a regression

Classes alternate row by row, so they are balanced to within one sample and the first rows of a
table already show every class. Noise is the standard deviation of a Gaussian: added to the inputs
of a classification, to the targets of a regression. Sequences are drawn at random and have none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from string import ascii_lowercase
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ARITHMETIC_CHARACTERS",
    "BOOLEAN_FUNCTIONS",
    "CHARACTERS",
    "GENERATORS",
    "IGNORED",
    "PREFERRED",
    "SENTENCE",
    "TOPICS",
    "TOPIC_TOKENS",
    "Generator",
    "Parameter",
]

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

Task = Literal["binary", "multiclass", "regression", "sequence"]

# The label of a time step that does not count, such as the padding of a short sequence.
IGNORED = -1

# The outputs for the inputs (a, b) = 00, 01, 10, 11. Read as a binary number they count from 0
# to 15, the order of Knuth, The Art of Computer Programming 4A, section 7.1.1, table 1.
BOOLEAN_FUNCTIONS: dict[str, tuple[int, int, int, int]] = {
    "false": (0, 0, 0, 0),
    "and": (0, 0, 0, 1),
    "a_and_not_b": (0, 0, 1, 0),
    "a": (0, 0, 1, 1),
    "not_a_and_b": (0, 1, 0, 0),
    "b": (0, 1, 0, 1),
    "xor": (0, 1, 1, 0),
    "or": (0, 1, 1, 1),
    "nor": (1, 0, 0, 0),
    "xnor": (1, 0, 0, 1),
    "not_b": (1, 0, 1, 0),
    "a_or_not_b": (1, 0, 1, 1),
    "not_a": (1, 1, 0, 0),
    "not_a_or_b": (1, 1, 0, 1),
    "nand": (1, 1, 1, 0),
    "true": (1, 1, 1, 1),
}

# The corners of the unit square in the order of the truth tables, `(4, 2)`.
CORNERS: Floats = np.array([(0, 0), (0, 1), (1, 0), (1, 1)], dtype=np.float64)


def boolean_function(
    name: str, *, samples: int, noise: float, rng: np.random.Generator
) -> tuple[Floats, Labels]:
    """The truth table of `BOOLEAN_FUNCTIONS[name]`, its four rows in turn: inputs `(samples, 2)`.

    Four samples are the table itself; more of them, with noise, are a cloud around each corner.
    """
    row = np.arange(samples) % 4
    labels = np.array(BOOLEAN_FUNCTIONS[name], dtype=np.int64)[row]
    return CORNERS[row] + rng.normal(0.0, noise, (samples, 2)), labels


def two_moons(*, samples: int, noise: float, rng: np.random.Generator) -> tuple[Floats, Labels]:
    """Two half circles of radius 1 that reach into each other: inputs `(samples, 2)`.

    Label 0 is the upper half around (0, 0), label 1 the lower half around (1, 0.5), both at equal
    steps from end to end. Geometry of scikit-learn's `make_moons`.
    """
    labels, step, steps = _alternate(samples)
    angle = np.pi * step / (steps - 1)
    upper = np.column_stack([np.cos(angle), np.sin(angle)])
    lower = np.array([1.0, 0.5]) - upper
    return _choose(labels, upper, lower) + rng.normal(0.0, noise, (samples, 2)), labels


def circles(*, samples: int, noise: float, rng: np.random.Generator) -> tuple[Floats, Labels]:
    """Two circles around the origin, at equal steps: inputs `(samples, 2)`.

    Label 0 is the outer one of radius 1, label 1 the inner one of radius 0.5. Geometry of
    scikit-learn's `make_circles` with `factor=0.5`, where its default of 0.8 is harder.
    """
    labels, step, steps = _alternate(samples)
    angle = 2 * np.pi * step / steps
    outer = np.column_stack([np.cos(angle), np.sin(angle)])
    return _choose(labels, outer, outer / 2) + rng.normal(0.0, noise, (samples, 2)), labels


def spiral(*, samples: int, noise: float, rng: np.random.Generator) -> tuple[Floats, Labels]:
    """Two arms that wind 1.75 times around each other, to a radius of 5: inputs `(samples, 2)`.

    Both arms start at the origin; label 1 leaves it upward (along +y), label 0 downward, both turn
    clockwise. Geometry of `classifySpiralData` in TensorFlow Playground's `dataset.ts`; the noise
    is uniform there and Gaussian here.
    """
    labels, step, steps = _alternate(samples)
    radius = 5 * step / steps
    angle = 1.75 * 2 * np.pi * step / steps
    arm = np.column_stack([radius * np.sin(angle), radius * np.cos(angle)])
    return _choose(labels, -arm, arm) + rng.normal(0.0, noise, (samples, 2)), labels


def blobs(
    *, samples: int, noise: float, classes: int, features: int, rng: np.random.Generator
) -> tuple[Floats, Labels]:
    """One Gaussian cloud for each class: inputs `(samples, features)`.

    The centers are drawn uniformly from a box that reaches from -10 to 10 along every feature, as
    in scikit-learn's `make_blobs`; noise is the standard deviation of each cloud.
    """
    labels = np.arange(samples) % classes
    centers = rng.uniform(-10.0, 10.0, (classes, features))
    return centers[labels] + rng.normal(0.0, noise, (samples, features)), labels


def sine(*, samples: int, noise: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """One period of y = sin(x), x at equal steps from -π to π: inputs `(samples, 1)`."""
    x = np.linspace(-np.pi, np.pi, samples)[:, np.newaxis]
    return x, np.sin(x) + rng.normal(0.0, noise, (samples, 1))


def plane(*, samples: int, noise: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """The plane (x + y) / 10 over the square from -6 to 6: inputs `(samples, 2)`.

    `regressPlane` in TensorFlow Playground's `dataset.ts`, which maps -10..10 to -1..1.
    """
    inputs = rng.uniform(-6.0, 6.0, (samples, 2))
    return inputs, inputs.sum(axis=1, keepdims=True) / 10 + rng.normal(0.0, noise, (samples, 1))


def adding(*, samples: int, length: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """The adding problem: the sum of the two marked ones of `length` numbers.

    Inputs `(samples, 2 · length)`: a number from 0 to 1 and its mark, 0 or 1, place by place. One
    number of each half is marked, so that the first must be kept in mind for long. Who remembers
    neither answers 1, always, and has a squared error of 1/6. Source: Hochreiter and Schmidhuber
    (1997), Long short-term memory, experiment 4, with the marks where Arjovsky, Shah and Bengio
    (2016) have them.
    """
    numbers, marks = rng.random((samples, length)), np.zeros((samples, length))
    row, half = np.arange(samples), length // 2
    marks[row, rng.integers(half, size=samples)] = 1.0
    marks[row, rng.integers(half, length, size=samples)] = 1.0
    inputs = np.stack([numbers, marks], axis=2).reshape(samples, -1)
    return inputs, (numbers * marks).sum(axis=1, keepdims=True)


def sorting(
    *, samples: int, length: int, classes: int, rng: np.random.Generator
) -> tuple[Floats, Labels]:
    """Letters, each as likely as any other, and the same in order: both `(samples, length)`.

    Each letter of the output depends on all letters of the input, not only on earlier ones. The
    task is that of the demonstration of Karpathy's minGPT.
    """
    letters = rng.integers(classes, size=(samples, length))
    return letters.astype(np.float64), np.sort(letters, axis=1)


def reversal(
    *, samples: int, length: int, classes: int, rng: np.random.Generator
) -> tuple[Floats, Labels]:
    """Words of random letters to be written backwards: inputs `(samples, 2 · length)`.

    The first half of a row is the word. The second is what was written so far: the token `classes`,
    which says to start, and then the answer up to its last letter but one, so that a network learns
    to write on (teacher forcing: Williams and Zipser, 1989). Targets `(samples, length)`.
    """
    word = rng.integers(classes, size=(samples, length))
    backwards = word[:, ::-1]
    start = np.full((samples, 1), classes)
    inputs = np.concatenate([word, start, backwards[:, :-1]], axis=1)
    return inputs.astype(np.float64), np.ascontiguousarray(backwards)


NOUNS = ("cat", "dog", "fox", "crow", "boat", "child", "river", "moon")
ADJECTIVES = ("young", "gray", "small", "quiet", "bright", "slow")
VERBS = ("sees", "follows", "calls", "finds", "leaves")
# The words that may stand at each place of a sentence, one as likely as another.
SENTENCE = (("the",), ADJECTIVES, NOUNS, VERBS, ("a",), ADJECTIVES, NOUNS)
CHARACTERS = "".join(sorted(set(". ").union(*(word for words in SENTENCE for word in words))))


def sentences(*, samples: int, length: int, rng: np.random.Generator) -> tuple[Floats, Labels]:
    """Sentences of one pattern, for the prediction of the next character.

    Both `(samples, length)`: the targets are the first characters of sentences that stand one after
    another; the inputs are the same a place later, after a token that says to start. Only the
    choice of a word cannot be known, so that nobody's loss can fall below a known floor.
    """
    alphabet = {character: token for token, character in enumerate(CHARACTERS)}
    shortest = len(" ".join(min(words, key=len) for words in SENTENCE) + ". ")
    rounds = -(-length // shortest)
    chosen = [rng.integers(len(words), size=(samples, rounds)).tolist() for words in SENTENCE]
    targets = np.empty((samples, length), dtype=np.int64)
    for sample in range(samples):
        text = "".join(
            " ".join(words[c[sample][turn]] for words, c in zip(SENTENCE, chosen, strict=True))
            + ". "
            for turn in range(rounds)
        )
        targets[sample] = [alphabet[character] for character in text[:length]]
    start = np.full((samples, 1), len(alphabet))
    inputs = np.concatenate([start, targets[:, :-1]], axis=1)
    return inputs.astype(np.float64), targets


def are_sentences(text: str) -> bool:
    """Return whether a text is the beginning of sentences as of `sentences`."""
    *words, last = text.split(" ")
    allowed = [*SENTENCE[:-1], tuple(f"{noun}." for noun in SENTENCE[-1])]
    return all(word in allowed[i % len(allowed)] for i, word in enumerate(words)) and any(
        word.startswith(last) for word in allowed[len(words) % len(allowed)]
    )


PREFERRED = ("bright", "moon")
"""The words that a rule prefers in sentences."""


def preferences(*, samples: int, length: int, rng: np.random.Generator) -> tuple[Floats, Labels]:
    """Pairs of sentences as of `sentences`: of two rows, the first has more of the words that a
    rule prefers.

    Both `(samples, length)`. The words are counted in the inputs, which lack the last character.
    """
    inputs = np.empty((0, length))
    targets = np.empty((0, length), np.int64)
    while len(inputs) < samples:
        drawn, following = sentences(samples=max(samples, 64), length=length, rng=rng)
        texts = ["".join(CHARACTERS[token] for token in row[:-1]) for row in following.tolist()]
        counts = np.array([sum(map(text.count, PREFERRED)) for text in texts])
        first, second = np.arange(len(counts)).reshape(2, -1)
        differs = counts[first] != counts[second]
        swapped = counts[second] > counts[first]
        chosen, rejected = np.where(swapped, second, first), np.where(swapped, first, second)
        rows = np.stack([chosen, rejected], axis=1)[differs].ravel()
        inputs = np.concatenate([inputs, drawn[rows]])
        targets = np.concatenate([targets, following[rows]])
    return inputs[:samples], targets[:samples]


def repeats(
    *, samples: int, length: int, classes: int, rng: np.random.Generator
) -> tuple[Floats, Labels]:
    """A few random letters, again and again: inputs and targets `(samples, length)`.

    The period of a row is 6 to 11 letters, drawn at random, so that positions tell nothing: a
    network must look for the present letter earlier in the row, and read the one behind it, as the
    induction heads of Olsson and others (2022) do. Targets are the next letters, and `IGNORED`
    while the first period lasts, as it cannot be known.
    """
    periods = rng.integers(*REPEAT_PERIODS, size=(samples, 1))
    letters = rng.integers(classes, size=(samples, REPEAT_PERIODS[1]))
    positions = np.arange(length + 1)
    rows = np.take_along_axis(letters, positions % periods, axis=1)
    targets = np.where(positions[:-1] < periods, IGNORED, rows[:, 1:])
    return rows[:, :-1].astype(np.float64), targets


def topics(*, samples: int, length: int, rng: np.random.Generator) -> tuple[Floats, Labels]:
    """Sentences of a made-up language, each about one topic, which is its class.

    Inputs `(samples, length)`: the token `[topic]`, then words, half of them of the topic and half
    such as stand in any sentence, in random order. Which words belong together shows in the words
    that stand beside them.
    """
    labels = np.arange(samples) % len(TOPICS)
    size = samples, length - 1
    shared = len(TOPICS) * TOPIC_WORDS + rng.integers(len(SHARED_WORDS), size=size)
    of_topic = labels[:, np.newaxis] * TOPIC_WORDS + rng.integers(TOPIC_WORDS, size=size)
    is_of_topic = np.argsort(rng.random(size), axis=1) < length // 2
    start = np.full((samples, 1), TOPIC_TOKENS.index(TOPIC_START))
    rows = np.concatenate([start, np.where(is_of_topic, of_topic, shared)], axis=1)
    return rows.astype(np.float64), labels


def arithmetic(
    calls: bool, *, samples: int, length: int, rng: np.random.Generator
) -> tuple[Floats, Labels]:
    """Questions in words, and their answers: both `(samples, length)`.

    With `calls`, the answer to `34 boxes of 12?` is a call of a calculator and its result,
    `[34*12]408.`, else the number itself, `408.`, as Schick and others (2023) compare them. Inputs
    are the characters of question and answer, filled up with the token `_`; targets are the next
    characters of the answer alone, without the result of a call, which the calculator writes.
    """
    numbers = rng.integers(10, 100, size=(samples, 2)).tolist()
    chosen = rng.integers(len(QUESTIONS), size=samples).tolist()
    codes = {character: token for token, character in enumerate(ARITHMETIC_CHARACTERS)}
    inputs = np.full((samples, length), len(codes))
    targets = np.full((samples, length), IGNORED)
    for row, ((a, b), index) in enumerate(zip(numbers, chosen, strict=True)):
        question, sign = QUESTIONS[index]
        value = {"*": a * b, "+": a + b, "-": a - b}[sign]
        text = question.format(a=a, b=b) + "?"
        start = len(text) - 1
        text += f"[{a}{sign}{b}]{value}." if calls else f"{value}."
        tokens = [codes[character] for character in text]
        inputs[row, : len(tokens) - 1] = tokens[:-1]
        targets[row, start : len(tokens) - 1] = tokens[start + 1 :]
        if calls:
            result = len(tokens) - 2 - len(str(value))
            targets[row, result : len(tokens) - 2] = IGNORED
    return inputs.astype(np.float64), targets


def functions(*, samples: int, length: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Linear functions y = w₁·x₁ + w₂·x₂, other ones in each row, to be inferred from examples.

    Inputs `(samples, 5 · length)`: at each step the point x, and before it the previous point with
    its y, which are 0 at the first step. Targets `(samples, length)`: the y of each step. Task of
    Garg, Tsipras, Liang and Valiant (2022).
    """
    weights = rng.standard_normal((samples, 1, 2))
    points = rng.standard_normal((samples, length, 2))
    values = (weights * points).sum(axis=2)
    steps = np.concatenate([points, values[..., np.newaxis]], axis=2)
    before = np.concatenate([np.zeros((samples, 1, 3)), steps[:, :-1]], axis=1)
    return np.concatenate([points, before], axis=2).reshape(samples, -1), values


REPEAT_PERIODS = 6, 12
TOPICS = ("sea", "city", "kitchen", "music", "sport", "weather")
TOPIC_WORDS = 40
SHARED_WORDS = ("the", "a", "of", "and", "to", "in", "it", "is", "was", "on", "with", "for")
TOPIC_START = "[topic]"
TOPIC_TOKENS = (
    *(f"{topic}{word}" for topic in TOPICS for word in range(1, TOPIC_WORDS + 1)),
    *SHARED_WORDS,
    TOPIC_START,
)
QUESTIONS = (
    ("{a} boxes of {b}", "*"),
    ("{a} and {b} more", "+"),
    ("{a} times {b}", "*"),
    ("{b} taken from {a}", "-"),
)
ARITHMETIC_CHARACTERS = "".join(
    sorted(set("0123456789[]*+-.?").union(*(text.format(a=0, b=0) for text, _ in QUESTIONS)))
)
# The longest question and answer are "99 taken from 10?[10-99]-89.", and the last character is not
# an input.
ARITHMETIC_LENGTH = 27


def _alternate(samples: int) -> tuple[Labels, Floats, Floats]:
    """Labels 0, 1, 0, 1, …; each row's place within its class, from 0; the size of that class."""
    row = np.arange(samples)
    labels = row % 2
    sizes = np.array([(samples + 1) // 2, samples // 2], dtype=np.float64)
    return labels, (row // 2).astype(np.float64), sizes[labels]


def _choose(labels: Labels, of_zero: Floats, of_one: Floats) -> Floats:
    return np.where(labels[:, np.newaxis] == 0, of_zero, of_one)


@dataclass(frozen=True)
class Parameter:
    """A number that a generator takes, from `minimum` to `maximum`, both included.

    A default of None is as much as the other parameters allow.
    """

    default: float | None
    minimum: float
    maximum: float
    description: str

    @property
    def integer(self) -> bool:
        """Whether the value must be an integer, like the default."""
        return not isinstance(self.default, float)


@dataclass(frozen=True)
class Generator:
    """The description of one generated data set.

    `function(**parameters, rng=…)` draws it and returns inputs and targets. `parameters` always
    has `samples`; a sequence also has `length`, any other data set `noise`. `feature_names` is
    empty where their number is a parameter, and has what each place of a sequence holds;
    `target_name` is empty for classes. In a sequence, the letters of `alphabet` name the classes,
    and `special_tokens` the other tokens. In other tasks, `class_names` is empty if classes are
    called by their numbers, and `token_names` if the inputs are not tokens.
    """

    name: str
    function: Callable[..., tuple[Floats, NDArray[Any]]]
    task: Task
    description: str
    parameters: Mapping[str, Parameter]
    feature_names: tuple[str, ...]
    target_name: str = ""
    source: str = ""
    alphabet: str = ascii_lowercase
    special_tokens: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    token_names: tuple[str, ...] = ()
    is_paired: bool = False
    """Whether rows come in pairs, the chosen one first."""


def _samples(default: int) -> Parameter:
    # Four is the size of a truth table, and two points on each of two curves.
    return Parameter(default, 4, 100_000, "rows to draw")


def _noise(default: float) -> Parameter:
    return Parameter(default, 0.0, 10.0, "standard deviation of the Gaussian noise")


def _length(default: int, description: str) -> Parameter:
    return Parameter(default, 2, 100, description)


def _letters(default: int) -> Parameter:
    return Parameter(default, 2, 26, "letters of the alphabet")


def _boolean(name: str, description: str) -> Generator:
    return Generator(
        name=name,
        function=partial(boolean_function, name),
        task="binary",
        description=description,
        parameters={"samples": _samples(4), "noise": _noise(0.0)},
        feature_names=("a", "b"),
    )


def _arithmetic(name: str, calls: bool, description: str) -> Generator:
    return Generator(
        name=name,
        function=partial(arithmetic, calls),
        task="sequence",
        description=description,
        parameters={
            "samples": _samples(6_000),
            "length": Parameter(ARITHMETIC_LENGTH, ARITHMETIC_LENGTH, 100, "characters in a row"),
        },
        feature_names=("character",),
        alphabet=ARITHMETIC_CHARACTERS,
        special_tokens=("_",),
        source="after Schick and others (2023), Toolformer",
    )


GENERATORS: dict[str, Generator] = {
    generator.name: generator
    for generator in (
        _boolean("false", "Never fires, whatever a and b are."),
        _boolean("and", "Fires when a and b are both 1."),
        _boolean("a_and_not_b", "Fires when a is 1 and b is 0: a does not imply b."),
        _boolean("a", "Repeats a and ignores b."),
        _boolean("not_a_and_b", "Fires when a is 0 and b is 1: b does not imply a."),
        _boolean("b", "Repeats b and ignores a."),
        _boolean("xor", "Fires when a and b differ: no straight line separates its classes."),
        _boolean("or", "Fires when a or b is 1, or both are."),
        _boolean("nor", "Fires when neither a nor b is 1."),
        _boolean("xnor", "Fires when a and b agree: no straight line separates its classes."),
        _boolean("not_b", "Inverts b and ignores a."),
        _boolean("a_or_not_b", "Fires unless a is 0 and b is 1: b implies a."),
        _boolean("not_a", "Inverts a and ignores b."),
        _boolean("not_a_or_b", "Fires unless a is 1 and b is 0: a implies b."),
        _boolean("nand", "Fires unless a and b are both 1."),
        _boolean("true", "Always fires, whatever a and b are."),
        Generator(
            name="two_moons",
            function=two_moons,
            task="binary",
            description="Two half moons that reach into each other: the classic curved boundary.",
            parameters={"samples": _samples(200), "noise": _noise(0.1)},
            feature_names=("x", "y"),
            source="geometry of scikit-learn's make_moons",
        ),
        Generator(
            name="circles",
            function=circles,
            task="binary",
            description="A circle inside a circle: the boundary has to close on itself.",
            parameters={"samples": _samples(200), "noise": _noise(0.05)},
            feature_names=("x", "y"),
            source="geometry of scikit-learn's make_circles",
        ),
        Generator(
            name="spiral",
            function=spiral,
            task="binary",
            description="Two arms wound 1.75 times around each other: it takes depth.",
            parameters={"samples": _samples(250), "noise": _noise(0.0)},
            feature_names=("x", "y"),
            source="geometry of TensorFlow Playground's classifySpiralData",
        ),
        Generator(
            name="blobs",
            function=blobs,
            task="multiclass",
            description="One Gaussian cloud for each class, at centers drawn from the seed.",
            parameters={
                "samples": _samples(200),
                "noise": _noise(1.0),
                "classes": Parameter(3, 2, 20, "clouds to draw"),
                "features": Parameter(2, 1, 64, "numbers in a row"),
            },
            feature_names=(),
            source="geometry of scikit-learn's make_blobs",
        ),
        Generator(
            name="sine",
            function=sine,
            task="regression",
            description="One period of the sine: a curve to fit, and the width that it takes.",
            parameters={"samples": _samples(200), "noise": _noise(0.1)},
            feature_names=("x",),
            target_name="sin(x)",
        ),
        Generator(
            name="plane",
            function=plane,
            task="regression",
            description="The tilted plane (x + y) / 10: one linear neuron is enough.",
            parameters={"samples": _samples(200), "noise": _noise(0.0)},
            feature_names=("x", "y"),
            target_name="(x + y) / 10",
            source="geometry of TensorFlow Playground's regressPlane",
        ),
        Generator(
            name="adding",
            function=adding,
            task="regression",
            description="Numbers, two of them marked, and the sum of these two: it takes a memory "
            "that lasts.",
            parameters={"samples": _samples(5_000), "length": _length(50, "numbers in a row")},
            feature_names=("number", "mark"),
            target_name="sum",
            source="adding problem of Hochreiter and Schmidhuber (1997)",
        ),
        Generator(
            name="sorting",
            function=sorting,
            task="sequence",
            description="Random letters, to be put in order: every place must look at all others.",
            parameters={
                "samples": _samples(5_000),
                "length": _length(6, "letters in a row"),
                "classes": _letters(10),
            },
            feature_names=("letter",),
            source="task of the demonstration of minGPT",
        ),
        Generator(
            name="reversal",
            function=reversal,
            task="sequence",
            description="Words of random letters, to be written backwards, letter by letter: a row "
            "has the word, the start (>), and what was written before.",
            parameters={
                "samples": _samples(5_000),
                "length": _length(6, "letters in a word"),
                "classes": _letters(8),
            },
            feature_names=("letter",),
            special_tokens=(">",),
        ),
        Generator(
            name="sentences",
            function=sentences,
            task="sequence",
            description="Sentences of one pattern, such as: the young cat sees a gray moon. At "
            "each position, the next character is to be predicted from those before it.",
            parameters={
                "samples": _samples(2_000),
                "length": _length(40, "characters in a row"),
            },
            feature_names=("character",),
            alphabet=CHARACTERS,
            special_tokens=(">",),
        ),
        Generator(
            name="preferences",
            function=preferences,
            task="sequence",
            description="Pairs of rows like those of sentences. A rule judges them: the chosen row "
            "has more of the words bright and moon.",
            parameters={
                "samples": Parameter(600, 4, 100_000, "rows to draw, two for each pair"),
                "length": Parameter(24, 16, 100, "characters in a row"),
            },
            feature_names=("character",),
            alphabet=CHARACTERS,
            special_tokens=(">",),
            is_paired=True,
        ),
        Generator(
            name="repeats",
            function=repeats,
            task="sequence",
            description="Random letters that recur after 6 to 11 positions: the next letter is the "
            "one that stood behind the present letter before.",
            parameters={
                "samples": _samples(8_000),
                "length": Parameter(24, 2 * REPEAT_PERIODS[1], 100, "letters in a row"),
                "classes": _letters(16),
            },
            feature_names=("letter",),
            source="task of Olsson and others (2022), In-context learning and induction heads",
        ),
        Generator(
            name="topics",
            function=topics,
            task="multiclass",
            description="Sentences of a made-up language about six topics: which words belong "
            "together shows in the words around them.",
            parameters={"samples": _samples(5_000), "length": _length(13, "words in a row")},
            feature_names=("word",),
            class_names=TOPICS,
            token_names=TOPIC_TOKENS,
        ),
        _arithmetic(
            "arithmetic",
            False,
            "Questions such as 34 boxes of 12? with their answers, here 408, character by "
            "character.",
        ),
        _arithmetic(
            "arithmetic_calls",
            True,
            "Questions such as 34 boxes of 12? with the call of a calculator that answers them, "
            "here [34*12], and its result, character by character.",
        ),
        Generator(
            name="functions",
            function=functions,
            task="regression",
            description="Linear functions of two numbers, another one in each row, to be found "
            "from the examples before.",
            parameters={
                "samples": _samples(20_000),
                "length": _length(10, "examples in a row"),
            },
            feature_names=("x1", "x2", "previous_x1", "previous_x2", "previous_y"),
            target_name="y",
            source="task of Garg, Tsipras, Liang and Valiant (2022), What can transformers learn "
            "in-context?",
        ),
    )
}
