"""Causes in the data: what samples, inputs and targets are like as the network gets them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...model.activations import ACTIVATIONS
from ...model.losses import find_loss
from ...model.predict import predict
from ...symbolic.trace import Array
from .finding import FindingKind
from .hypothesis import Hypothesis
from .observation import Observation
from .remedies import Remedy, merged, one_layer, setting
from .trials import labels_of

LARGE_INPUT = 5.0
"""A feature may be unscaled if its root mean square is larger: scaled ones are about 1, and 5
standard deviations are rare."""
FAR_FROM_ZERO = 3.0
"""A feature is shifted if its mean is more than this many standard deviations from 0."""
SMALL_INPUT = 0.1
"""All features may be too small below this root mean square: the first layer then outputs a tenth
of what its initializer was made for."""
HALF_LEARNED = 0.5
"""Unscaled targets certainly do harm if the loss is above this fraction of a constant's loss."""
LARGE_TARGET = 5.0
"""Targets of a regression may be unscaled above this root mean square, or below its inverse."""
SHARED_ROWS = 0.05
"""Validation samples that are also training samples leak from this fraction..."""
BY_CHANCE = 4.0
"""... if they are more than this many times as frequent as if the columns were independent within
each class: a questionnaire has equal rows, and a truth table no others."""
CONTRADICTED = 0.1
"""Equal rows are not copies if more than this fraction of them have different targets."""
MOST_COPIES = 10.0
"""Rows that occur more often on average are all the rows that there are, as in a truth table."""
ONE_VALUE = 0.999
"""A feature has one value for each class if the means of the classes explain this fraction of its
variance."""
DISTINCT_TARGETS = 20
"""Fewest different targets from which a feature can be recognized as their copy."""
ROUNDING = 1e-4
"""Error of a copy, in its standard deviations, that float32 and scaling explain."""
RARE_CLASS = 0.4
"""A class is rare below this fraction of its share in balanced data: 20 % of two classes."""
RECOGNIZED = 0.1
"""A rare class is neglected if the network recognizes less than half of it, and fewer of its
samples than this fraction of the share in balanced data: 5 % of all samples of two classes."""
NEIGHBORS = 20
"""Number of neighbors to compare labels with."""
FEWEST_LABELS = 100
"""Fewest samples from which wrong labels differ from rare ones."""
WRONG = 0.15
"""Labels are noisy if simple models are wrong about at least this fraction of the half of the
samples with the most confident predictions. Classes that overlap so much that 1 in 10 samples is on
the wrong side have about 0.02."""
INFORMATIVE = 0.2
"""A model must do better than the most frequent class, by this fraction of the remaining error:
else the inputs say nothing, and the labels are no noisier than any."""
MOST_PRODUCTS = 12
"""The number of features up to which all products fit into a small regression."""
OUTLIER = 8.0
"""A target is an outlier beyond this many median absolute deviations from its neighbors' median; of
a normal distribution, 1 in 10 million is. The deviation is the larger one of two: from all rows to
their neighbors, and among its own neighbors. Where samples are rare or the function is steep,
neighbors differ without any noise."""
OUTLIERS = 0.02
"""Targets are noisy from this fraction of outliers."""

RANGES = {
    "sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "relu": (0.0, np.inf),
    "softplus": (0.0, np.inf),
}
"""The range of each activation that is bounded on a side."""

SCALE_INPUTS = setting(
    "Scale every feature to mean 0 and standard deviation 1.", {"dataset": {"scaling": "standard"}}
)
REGULARIZE = (
    setting("Set the L2 penalty of the weights to 0.01.", {"regularization": {"l2": 0.01}}),
    setting("Set the L2 penalty of the weights to 0.1.", {"regularization": {"l2": 0.1}}),
    setting(
        "Stop when the validation loss has not improved for 5 epochs.",
        {"early_stopping": {"patience": 5}},
    ),
)


def leakage(run: Observation) -> Iterator[Hypothesis]:
    """Find validation samples that were trained on, and features that are copies of the target.

    How much a feature explains proves nothing: the last value of a slow series explains nearly all
    of the next one, and new samples have it.
    """
    data = run.job.data
    if data.validation_inputs is not None and not run.takes_tokens:
        shared, expected, copies = _shared_rows(run)
        if shared >= SHARED_ROWS and shared > BY_CHANCE * expected and copies < MOST_COPIES:
            yield Hypothesis(
                "leakage",
                f"{shared:.0%} of the validation samples are also in the training part, where "
                f"chance explains {expected:.0%}, so the validation loss does not show how the "
                "network does on new samples. Remove duplicate rows.",
                is_certain=True,
            )
    if len(run.inputs) < FEWEST_LABELS:
        return
    is_copy = _copies(run)
    # If most columns are, as the lags of a straight line, the target is simple.
    if 0 < is_copy.sum() <= len(is_copy) // 2:
        same = "has one value for each class" if run.labels is not None else "is the target itself"
        yield Hypothesis(
            "leakage",
            f"Input feature {run.feature(int(is_copy.argmax()))} {same}, up to scale and rounding, "
            f"in all {len(run.inputs)} samples that were examined. If new samples do "
            "not have it before their target is known, remove it.",
            is_certain=True,
        )


def _shared_rows(run: Observation) -> tuple[float, float, float]:
    """Return the fraction of the validation samples that are also training samples, the fraction
    that chance explains, and how often each training row occurs on average.

    Equal rows of different targets are equal by chance.

    By chance a row occurs as often as the product of the frequencies of its values says, counted
    within its class.
    """
    data = run.job.data
    train, validation = (
        np.asarray(part, np.float32).reshape(len(part), -1)
        for part in (data.train_inputs, data.validation_inputs)
        if part is not None
    )
    known: dict[bytes, set[bytes]] = {}
    for row, target in zip(train, data.train_targets, strict=True):
        known.setdefault(row.tobytes(), set()).add(target.tobytes())
    assert data.validation_targets is not None
    pairs = [
        (row.tobytes(), target.tobytes())
        for row, target in zip(validation, data.validation_targets, strict=True)
        if row.tobytes() in known
    ]
    shared = len(pairs) / len(validation)
    if shared < SHARED_ROWS:
        return shared, 0.0, 1.0
    if np.mean([known[row] != {target} for row, target in pairs]) > CONTRADICTED:
        return shared, shared, 1.0
    classes = [np.zeros(len(part)) for part in (train, validation)]
    if run.labels is not None:
        classes = [
            labels_of(np.asarray(targets))
            for targets in (data.train_targets, data.validation_targets)
        ]
    expected = np.zeros(len(validation))
    for k in np.unique(classes[1]):
        rows, members = train[classes[0] == k], classes[1] == k
        frequencies = np.ones((members.sum(), train.shape[1]))
        for column in range(train.shape[1]):
            values, counts = np.unique(rows[:, column], return_counts=True)
            at = np.searchsorted(values, validation[members, column]).clip(max=len(values) - 1)
            occurs = values[at] == validation[members, column]
            frequencies[:, column] = np.where(occurs, counts[at] / len(rows), 0.0)
        expected[members] = -np.expm1(-len(rows) * frequencies.prod(1))
    return shared, float(expected.mean()), len(train) / len(known)


def _copies(run: Observation) -> Array:
    """Return whether each feature is a copy of the target, `(features,)`."""
    x = run.inputs - run.inputs.mean(0)
    total = np.square(x).sum(0)
    if run.labels is not None:
        between = np.zeros(x.shape[1])
        for k in np.unique(run.labels):
            members = x[run.labels == k]
            between += len(members) * np.square(members.mean(0))
        return np.asarray((between >= ONE_VALUE * total) & (total > 0.0))
    none = np.zeros(x.shape[1], bool)
    if run.targets.ndim != 2 or run.targets.shape[1] != 1 or run.targets.dtype.kind != "f":
        return none
    y = np.ravel(run.job.target_shift + run.job.target_scale * run.targets.astype(np.float64))
    if len(np.unique(run.targets)) < DISTINCT_TARGETS:
        return none
    forms = [y, np.exp(y - y.max()), *([np.log(y)] if y.min() > 0.0 else [])]
    return np.asarray(np.any([_is_linear(x, form - form.mean()) for form in forms], axis=0))


def _is_linear(x: Array, y: Array) -> Array:
    """Return whether each column of x, `(n, features)`, is a multiple of y up to rounding."""
    slope = (x.T @ y) / np.square(y).sum()
    error = np.abs(x - y[:, None] * slope).max(0)
    # Rounded numbers are multiples of their least difference. Half of it is the largest error, of
    # either: a lag that was measured in such steps is often a whole one away.
    steps = np.array([_least_difference(column) for column in x.T])
    rounding = 0.6 * np.maximum(steps, np.abs(slope) * _least_difference(y))
    return np.asarray((error <= rounding + ROUNDING * x.std(0)) & (x.std(0) > 0.0))


def _least_difference(values: Array) -> float:
    values = np.unique(values)
    return float(np.diff(values).min()) if len(values) > DISTINCT_TARGETS else 0.0


def class_imbalance(run: Observation) -> Iterator[Hypothesis]:
    """Find a rare class that the network hardly recognizes."""
    if run.labels is None or run.weights is None or run.final_outputs is None or run.diverged:
        return
    if "class_weights" in run.spec:
        return
    data = run.job.data
    labels = labels_of(np.asarray(data.train_targets))
    counts = np.bincount(labels, minlength=max(run.outputs[-1], 2))
    shares = counts / counts.sum()
    rare = int(np.where(counts > 0, shares, np.inf).argmin())
    if not shares[rare] < RARE_CLASS / (counts > 0).sum() or (counts > 0).sum() < 2:
        return
    inputs = data.train_inputs[labels == rare][:1_000]
    outputs = predict(run.job.network, run.weights, inputs)
    border = 0.0 if find_loss(run.job.training.loss).type == "hinge" else 0.5
    answers = outputs.argmax(-1) if outputs.shape[-1] > 1 else outputs[:, 0] >= border
    recall = float(np.mean(answers == rare))
    if recall < min(0.5, RECOGNIZED / (shares[rare] * (counts > 0).sum())):
        yield Hypothesis(
            "class_imbalance",
            f"Class {run.class_name(rare)} is {shares[rare]:.1%} of the training samples, and the "
            f"network recognizes {recall:.0%} of them: to predict the frequent classes costs it "
            "little.",
            (
                setting(
                    "Weight each class by the inverse of its frequency.",
                    {"class_weights": "balanced"},
                ),
            ),
            is_certain=True,
            metric="balanced_train_loss"
            if data.validation_inputs is None
            else "balanced_validation_loss",
        )


def label_noise(run: Observation) -> Iterator[Hypothesis]:
    """Find labels that contradict similar samples, and targets far from similar samples."""
    if run.takes_tokens or len(run.inputs) < FEWEST_LABELS:
        return
    if run.labels is not None:
        yield from _wrong_labels(run, run.labels)
    elif run.targets.dtype.kind == "f" and run.targets.ndim == 2:
        outliers = _outliers(run.inputs, run.targets)
        if outliers >= OUTLIERS:
            yield Hypothesis(
                "label_noise",
                f"{outliers:.1%} of the targets are more than {OUTLIER:g} times as far from those "
                f"of their {NEIGHBORS} nearest neighbors as these are from each other: they are "
                "wrong or very rare, and a squared error gives them most of the weight.",
                (
                    setting(
                        "Minimize the Huber loss, which grows linearly for large errors.",
                        {"loss": "huber"},
                    ),
                    *REGULARIZE,
                ),
                is_certain=True,
            )


def _outliers(inputs: Array, y: Array) -> float:
    """Return the fraction of the rows with a target that is an outlier among its neighbors."""
    near = y[_neighbors(inputs)]
    middle = np.median(near, 1)
    away = np.abs(y - middle)
    spread = np.median(np.abs(near - middle[:, None]), 1)
    usual = np.maximum(np.median(away, 0), np.median(np.abs(y - np.median(y, 0)), 0) / 4.0)
    scale = np.maximum(np.maximum(spread, usual), 1e-12)
    return float(np.mean((away > OUTLIER * scale).any(1)))


def _wrong_labels(run: Observation, labels: Array) -> Iterator[Hypothesis]:
    """Compare each label with the predictions of simple models that know the other samples.

    Where classes only overlap, some model is right about the samples that it is most sure of. With
    labels that are wrong at random, none is.
    """
    classes = np.unique(labels)
    rows = (labels[:, None] == classes).astype(np.float64)
    chance = float(rows.mean(0).max())
    wrong, best = 1.0, 0.0
    for scores in (rows[_neighbors(run.inputs)].mean(1), _left_out(run.inputs, rows)):
        correct = classes[scores.argmax(1)] == labels
        top = np.sort(scores, axis=1)
        sure = np.argsort(top[:, -2] - top[:, -1], kind="stable")[: len(labels) // 2]
        wrong = min(wrong, 1.0 - float(correct[sure].mean()))
        best = max(best, float(correct.mean()))
    if wrong >= WRONG and best >= chance + INFORMATIVE * (1.0 - chance):
        yield Hypothesis(
            "label_noise",
            f"About {wrong:.0%} of the labels differ from what the other samples suggest, even "
            "where these agree best: they are wrong, or the inputs do not determine them.",
            REGULARIZE,
            is_certain=True,
        )


def _standardized(inputs: Array) -> Array:
    deviations = inputs.std(0)
    x: Array = (inputs - inputs.mean(0)) / np.where(deviations > 0, deviations, 1.0)
    return x


def _neighbors(inputs: Array) -> Array:
    """Return the rows of the nearest neighbors of each row, `(n, NEIGHBORS)`, itself excluded."""
    x = _standardized(inputs)
    squares = np.square(x).sum(1)
    distances = squares[:, None] + squares - 2.0 * (x @ x.T)
    np.fill_diagonal(distances, np.inf)
    nearest: Array = np.argpartition(distances, NEIGHBORS, axis=1)[:, :NEIGHBORS]
    return nearest


def _left_out(inputs: Array, targets: Array) -> Array:
    """Return what ridge regression predicts of each row from the others, `(n, outputs)`.

    If there are few features, it also takes their products. The prediction without a row follows
    from the one with it, by the diagonal of the hat matrix.
    """
    x = _standardized(inputs)
    if x.shape[1] <= MOST_PRODUCTS:
        at, other = np.triu_indices(x.shape[1])
        x = np.concatenate([x, _standardized(x[:, at] * x[:, other])], 1)
    x = np.concatenate([x, np.ones((len(x), 1))], 1)
    solved = np.linalg.solve(x.T @ x + 0.01 * len(x) * np.eye(x.shape[1]), x.T)
    fitted = x @ (solved @ targets)
    leverage = np.einsum("nf,fn->n", x, solved)[:, None]
    left_out: Array = targets - (targets - fitted) / np.maximum(1.0 - leverage, 1e-6)
    return left_out


def output_activation(run: Observation) -> Iterator[Hypothesis]:
    """Find targets outside the range of the output activation."""
    activation = getattr(run.job.network.layers[-1], "activation", None)
    needed = find_loss(run.job.training.loss).output_activation
    if activation not in RANGES or needed is not None:
        return
    low, high = RANGES[activation]
    outside = float(np.mean((run.targets < low) | (run.targets > high)))
    if outside > 0.0:
        last = len(run.names) - 1
        name = run.names[last]
        linear = one_layer(
            f"Set the activation of {name} to linear.", last, {"activation": "linear"}
        )
        yield Hypothesis(
            "output_activation",
            f"The output activation {activation} has the range {ACTIVATIONS[activation].range}, "
            f"but {outside:.0%} of the targets are outside it: they are from "
            f"{run.targets.min():.3g} to {run.targets.max():.3g}.",
            (linear,),
            layer=name,
            is_certain=True,
        )


def wrong_loss(run: Observation) -> Iterator[Hypothesis]:
    """Find classes that are learned with a loss for numbers."""
    loss = find_loss(run.job.training.loss)
    if loss.target != "numbers" or run.labels is None:
        return
    binary = run.outputs[-1] == 1
    last_activation = run.layers[-1].get("activation")
    certain = loss.type == "mae" or last_activation not in ("sigmoid", "softmax")
    better, activation = (
        ("binary_cross_entropy", "sigmoid")
        if binary
        else (
            "cross_entropy",
            "softmax",
        )
    )
    last = run.layers[-1]
    if "activation" not in last:
        return
    at = len(run.layers) - 1
    change = one_layer("", at, {"activation": activation}).change
    yield Hypothesis(
        "wrong_loss",
        f"The targets are classes, but {loss.type} is a loss for numbers: it hardly punishes a "
        "wrong class that the network is sure of.",
        (
            Remedy(
                f"Minimize {better}, with {activation} as the output activation.",
                lambda spec: merged(change(spec), {"loss": better}),
            ),
        ),
        # Outputs that are not probabilities, or the median of the classes: never a good choice.
        is_certain=certain,
    )


def unscaled_inputs(run: Observation) -> Iterator[Hypothesis]:
    """Find features that are far larger than initializers assume, or the same for every sample."""
    sizes = run.input_sizes
    worst = int(sizes.argmax())
    if run.takes_tokens or run.normalizes_inputs or not sizes[worst] > LARGE_INPUT:
        return
    column = run.inputs[:, worst]
    name, mean, deviation = run.feature(worst), column.mean(), column.std()
    kind: FindingKind = "unscaled_inputs"
    observed = f"has a root mean square of {sizes[worst]:.3g}, but initial weights are made for"
    if np.ptp(column) == 0.0:
        kind = "constant_inputs"
        observed = (
            f"is {column[0]:.6g} for every sample. It tells the network nothing, and outweighs"
        )
    elif abs(mean) > FAR_FROM_ZERO * deviation:
        kind = "shifted_inputs"
        observed = (
            f"has the mean {mean:.3g} and a standard deviation of only {deviation:.2g}, so that "
            "samples look alike. Initial weights are made for"
        )
    yield Hypothesis(kind, f"Input feature {name} {observed} inputs of about 1.", (SCALE_INPUTS,))


def tiny_inputs(run: Observation) -> Iterator[Hypothesis]:
    """Find inputs that are far smaller than initializers assume."""
    sizes = run.input_sizes
    if run.takes_tokens or run.normalizes_inputs or not sizes.max() < SMALL_INPUT:
        return
    yield Hypothesis(
        "tiny_inputs",
        f"The largest input feature has a root mean square of {sizes.max():.2g}, but initial "
        "weights are made for inputs of about 1: the first layer hardly distinguishes the samples.",
        (SCALE_INPUTS,),
    )


def unscaled_targets(run: Observation) -> Iterator[Hypothesis]:
    """Find targets of a regression that are far larger or smaller than the outputs of a network."""
    loss = find_loss(run.job.training.loss)
    if loss.target != "numbers" or run.labels is not None:
        return
    size = float(np.sqrt(np.square(run.targets).mean()))
    if 1.0 / LARGE_TARGET <= size <= LARGE_TARGET:
        return
    yield Hypothesis(
        "unscaled_targets",
        f"The targets have a root mean square of {size:.3g}, but a network with new weights "
        "outputs about 1: it spends the training on the scale of the targets.",
        (
            setting(
                "Standardize the targets; predictions are converted back.",
                {"target_scaling": "standardize"},
            ),
        ),
        is_certain=run.level > HALF_LEARNED,
    )


def strong_augmentation(run: Observation) -> Iterator[Hypothesis]:
    """Find random changes of the samples that leave too little of them."""
    listed = run.spec.get("augmentation")
    if not listed:
        return
    size = float(np.sqrt(np.square(run.inputs).mean()))
    changes = {
        "noise": lambda a: (
            f"adds noise of standard deviation {a['standard_deviation']:g} to inputs of root mean "
            f"square {size:.2g}"
        ),
        "shift": lambda a: f"shifts samples by up to {a['max_shift']} positions",
        "flip": lambda a: f"mirrors {a['probability']:.0%} of the samples",
    }
    weaker = {"noise": "standard_deviation", "shift": "max_shift"}
    quarter = [
        {**a, field: type(a[field])(a[field] / 4)} if (field := weaker.get(a["type"])) else a
        for a in listed
    ]
    yield Hypothesis(
        "strong_augmentation",
        f"The augmentation {' and '.join(changes[a['type']](a) for a in listed)}: the training "
        f"loss ended at {run.train_loss[-1]:.3g}.",
        (
            setting("Train without augmentation.", {"augmentation": []}),
            setting("Lower the augmentation to a quarter.", {"augmentation": quarter}),
        ),
    )
