"""The parts of a training program that are the same for every run."""

from __future__ import annotations

HEAD = '''"""{name}: repeat the training with {library}, and compare it with the stored curve.

python FILE           # a table of the largest deviations; exits with 0 if all are within tolerance
python FILE --json    # the same as JSON

Nothing here is part of Epochal: layers, loss, optimizer and random numbers are written out below.
The initial weights, the data and the stored curve follow at the end, in base 64.
"""

import base64
import json
import math
import sys

{imports}


def array(numbers, dtype, *shape):
    return np.frombuffer(base64.b64decode(numbers), dtype).reshape(shape)


def layer_of(name):
    return name.partition(".")[0]


DTYPE = np.{dtype}
EPOCHS = {epochs}  # that are stored, of {planned}
BATCH_SIZE = {batch_size}
SEED = {seed}
TOLERANCE = {{"float32": 1e-5, "float64": 1e-9}}[DTYPE.__name__]
MOST = 100.0  # The tolerance grows with rounding errors, at most so many times.
EPSILON = float(np.finfo(DTYPE).eps)
NOISE = {{"float32": 1e-5, "float64": 1e-12}}[DTYPE.__name__]
'''

SECTION = """

# {line} {title}
"""

STREAMS = '''

def new_streams():
    """Return independent random streams; another one drew the initial weights."""
    seeds = np.random.SeedSequence(SEED).spawn(4)
    names = ("weights", "shuffle", "dropout", "augmentation")
    return {name: np.random.default_rng(seed) for name, seed in zip(names, seeds, strict=True)}
'''

SHUFFLED = '''

def draw_order(stream, n):
    """Return the order of the samples in an epoch."""
    order = np.arange(n)
    stream.shuffle(order)
    return order
'''

IN_ORDER = '''

def draw_order(stream, n):
    """Return the order of the samples in an epoch: that of the data."""
    return np.arange(n)
'''

AUGMENTED = '''

def augment(stream, inputs):
    """Return the inputs of an epoch, changed at random in blocks of {block} samples."""
    changed = []
    for start in range(0, len(inputs), {block}):
        samples = inputs[start : start + {block}]
{calls}        changed.append(samples)
    return np.concatenate(changed)
'''

CORRUPTED = '''

def corrupt(stream, inputs, targets):
    """Return the inputs and the targets of an epoch, changed in blocks of {block} samples."""
    changed = []
    for start in range(0, len(inputs), {block}):
        samples, expected = inputs[start : start + {block}], targets[start : start + {block}]
{calls}        changed.append((samples, expected))
    return [np.concatenate(parts) for parts in zip(*changed, strict=True)]
'''

UNCHANGED = '''

def augment(stream, inputs):
    """Return the inputs of an epoch: there is no augmentation."""
    return inputs
'''

RATES = {
    "constant": "    return {base}",
    "step": "    return {base} * {factor} ** (epoch // {every})",
    "exponential": "    return {base} * {decay} ** epoch",
    "cosine": """    if epoch < {warmup_epochs}:
        return {base} * (epoch + 1) / ({warmup_epochs} + 1)
    progress = (epoch - {warmup_epochs}) / max({planned} - {warmup_epochs}, 1)
    return {base} * half_cosine(1.0, {final_fraction}, progress)""",
    "one_cycle": """    peak, last = max({rising_fraction} * {planned} - 1.0, 0.0), {planned} - 1.0
    if epoch <= peak:
        return {base} * half_cosine({initial_fraction}, 1.0, epoch / peak if peak > 0.0 else 1.0)
    progress = (epoch - peak) / (last - peak) if last > peak else 1.0
    return {base} * half_cosine(1.0, {final_fraction}, progress)""",
    "reduce_on_plateau": """    best, waited, rate = math.inf, 0, {base}
    for loss in losses:
        if loss < best * (1.0 - 1e-4):
            best, waited = loss, 0
        elif waited < {patience}:
            waited += 1
        else:
            waited, rate = 0, rate * {factor}
    return rate""",
}

HALF_COSINE = """

def half_cosine(start, end, progress):
    return end + (start - end) * 0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0)))
"""

RATE = '''

def learning_rate(epoch, losses):
    """Return the rate after `epoch` epochs, whose {watched} losses are `losses`."""
{body}
'''

ROWS = '''

def rows(labels, like):
    """Return labels as rows of 0 and 1; a label of -1, which does not count, as zeros."""
    return (labels[..., None] == {xp}.arange({classes})){typed}
'''

LOSS = '''

def loss_of(logits, targets):
    """Return the loss of each prediction{and_derivative}."""
    return {loss}(logits, {targets}{options})


def count(targets):
    """Return the number of predictions that count."""
    return {count}


def metrics(logits, targets{weights}):
    """Return the mean loss{and_accuracy}, computed in float64.{and_weights}"""
    logits = logits{double}
    values = loss_of(logits, targets){first}
{weighting}    measured = {{"loss": float(values.sum()) / count(targets)}}
{accuracy}    return measured
'''

AND_WEIGHTS = " Weights count in the loss only."

ACCURACY = {
    "binary": "((logits >= 0.0) == (targets >= 0.5)){double}.mean(-1)",
    "labels": "(logits.argmax(-1) == targets)",
    "rows": "(logits.argmax(-1) == targets.argmax(-1))",
}

EXACT_MATCH = """    is_exact = ((correct == 1.0){ignored}).reshape(len(targets), -1).all(1)
    measured["exact_match"] = float(is_exact{double}.mean())
"""

PENALIZE = '''

def penalize(w, gradient):
    """Return the gradient plus that of l1 · Σ|w| + l2 / 2 · Σw² over weights, not biases."""
    return {{
        name: g + {penalties} if is_matrix(g) else g for name, g in gradient.items()
    }}
'''

CLIP = '''

def clip(gradient):
    """Return the gradient within its limits."""
{body}    return gradient
'''

CLIP_VALUE = (
    "    gradient = {{name: {xp}.clip(g, -{limit}, {limit}) for name, g in gradient.items()}}\n"
)

CLIP_NORM = """    norm = math.sqrt(sum(float((g{double} ** 2).sum()) for g in gradient.values()))
    if norm > {limit}:
        gradient = {{name: g * ({limit} / norm) for name, g in gradient.items()}}
"""

UPDATE = '''

def update(w, gradient, moments, rate, t):
    """Take step number t."""
    {optimizer}(w, gradient, moments, rate, t{options})
'''

TRAIN_NUMPY = '''

def train(rounding=None):
    """Train from the initial weights; yield the metrics and the weights after every epoch.

    With a stream `rounding`, every step changes every weight by a rounding error.
    """
    streams = new_streams()
    w = {{name: initial.astype(DTYPE) for name, initial in initial_weights.items()}}
    moments = {{name: [np.zeros_like(w[name]) for _ in range({moments})] for name in LEARNED}}
    losses, t = [], 0
    for epoch in range(EPOCHS):
        rate = learning_rate(epoch, losses)
        x, targets = {changed}
        order = draw_order(streams["shuffle"], len(x))
        logits = np.empty((len(x), {output_shape}), DTYPE)
        for start in range(0, len(x), BATCH_SIZE):
            rows_of_batch = order[start : start + BATCH_SIZE]
            masks = draw_masks(streams["dropout"], len(rows_of_batch))
            z, backward = forward(w, x[rows_of_batch], masks, training=True)
            logits[rows_of_batch] = z
            y = targets[rows_of_batch]
            _, derivative = loss_of(z, y)
            gradient = {penalized}
            t += 1
            update(w, {clipped}, moments, rate, t)
            if rounding is not None:
                for name in LEARNED:
                    signs = rounding.choice([-1.0, 1.0], w[name].shape)
                    w[name] *= 1.0 + EPSILON * signs
        yield measure(w, epoch, rate, logits, targets, gradient, losses), w
'''

TRAIN_TORCH = '''

def train(rounding=None):
    """Train from the initial weights; yield the metrics and the weights after every epoch.

    With a stream `rounding`, every step changes every weight by a rounding error.
    """
    streams = new_streams()
    w = {{
        name: torch.tensor(initial.astype(DTYPE), requires_grad=name in LEARNED)
        for name, initial in initial_weights.items()
    }}
    moments = {{name: [torch.zeros_like(w[name]) for _ in range({moments})] for name in LEARNED}}
    losses, t = [], 0
    for epoch in range(EPOCHS):
        rate = learning_rate(epoch, losses)
        x, targets = {changed}
        order = torch.tensor(draw_order(streams["shuffle"], len(x)))
        logits = x.new_empty(len(x), {output_shape})
        for start in range(0, len(x), BATCH_SIZE):
            rows_of_batch = order[start : start + BATCH_SIZE]
            masks = {{
                layer: [torch.tensor(m) for m in drawn]
                for layer, drawn in draw_masks(streams["dropout"], len(rows_of_batch)).items()
            }}
            z = forward(w, x[rows_of_batch], masks, training=True)
            logits[rows_of_batch] = z.detach()
            y = targets[rows_of_batch]
            loss = {values}.sum() / count(y)
            parts = torch.autograd.grad(loss, [w[name] for name in LEARNED])
            with torch.no_grad():
                gradient = dict(zip(LEARNED, parts))
                gradient = {penalized}
                t += 1
                update(w, {clipped}, moments, rate, t)
                if rounding is not None:
                    for name in LEARNED:
                        signs = rounding.choice([-1.0, 1.0], w[name].shape)
                        w[name] *= torch.tensor(1.0 + EPSILON * signs)
        with torch.no_grad():
            yield measure(w, epoch, rate, logits, targets, gradient, losses), w
'''

PREDICTED_NUMPY = """np.concatenate(
            [
                forward(w, validation_inputs[i : i + {at_once}], {{}}, training=False)[0]
                for i in range(0, len(validation_inputs), {at_once})
            ]
        )"""

PREDICTED_TORCH = """torch.cat(
            [
                forward(w, part, {{}}, training=False)
                for part in torch.tensor(validation_inputs).split({at_once})
            ]
        )"""

MEASURE = '''

def measure(w, epoch, rate, logits, targets, gradient, losses):
    """Return the metrics of an epoch, and add the loss that the schedule watches to `losses`."""
    of_training = metrics(logits, targets{train_weights})
    measured = {{f"train_{{name}}": value for name, value in of_training.items()}}
    if validation_inputs is not None:
        predicted = {predicted}
        of_validation = metrics(predicted, validation_targets{validation_weights})
        measured |= {{f"validation_{{name}}": value for name, value in of_validation.items()}}
    measured["learning_rate"] = rate
    sizes = {{name: float((part{double} ** 2).sum()) for name, part in gradient.items()}}
    squares = {{}}  # of the last batch, by layer
    for name, size in sizes.items():
        squares[layer_of(name)] = squares.get(layer_of(name), 0.0) + size
    measured["gradient_norm"] = math.sqrt(sum(squares.values()))
    measured |= {{f"gradient norm of {{layer}}": math.sqrt(s) for layer, s in squares.items()}}
    # A gradient that rounding errors make up, such as that of a bias before a batch norm.
    measured["noise"] = {{
        name
        for name, size in sizes.items()
        if math.sqrt(size) < NOISE * math.sqrt(squares[layer_of(name)])
    }}
    losses.append(measured.get("validation_loss", measured["train_loss"]))
    return measured
'''

COMPARE = '''

def deviations(actual, expected):
    """Return the deviation of each number, relative to the expected one.

    The divisor is at least a thousandth of the largest number of the curve.
    """
    finite = np.abs(expected[np.isfinite(expected)])
    smallest = max(1e-3 * finite.max(initial=0.0), np.finfo(np.float64).tiny)
    with np.errstate(all="ignore"):
        relative = np.abs(actual - expected) / np.maximum(np.abs(expected), smallest)
    both = ~np.isfinite(actual) & ~np.isfinite(expected)
    return np.where(both, 0.0, np.where(np.isfinite(relative), relative, np.inf))


def limits(actual, shadow, tolerance):
    """Return the tolerance of each epoch: ten times what rounding errors have done by then."""
    return np.maximum(tolerance, 10.0 * np.maximum.accumulate(deviations(shadow, actual)))


def row(name, epochs, relative, tolerances, least, total):
    """Return the worst of the deviations that can be compared: where the tolerance is small."""
    comparable = tolerances <= MOST * least
    relative, tolerances = relative[comparable], tolerances[comparable]
    worst = int((relative / tolerances).argmax()) if len(relative) > 0 else None
    return {{
        "name": name,
        "deviation": 0.0 if worst is None else float(relative[worst]),
        "tolerance": least if worst is None else float(tolerances[worst]),
        "epoch": None if worst is None else int(epochs[worst]),
        "compared": total if len(relative) == len(epochs) else len(relative),
        "total": total,
    }}


def run(rounding=None):
    """Return the metrics of every epoch, and the weights in the epoch of the last checkpoint."""
    measured, weights = [], {{}}
    for values, w in train(rounding):
        measured.append(values)
        if len(measured) == LAST_EPOCH:
            weights = {{name: np.array({as_numpy}, np.float64) for name in w}}
    return measured, weights


def compare():
    """Repeat the training; return a row for everything that is compared, and what is left out."""
    measured, weights = run()
    # A second run with other rounding errors shows how far these grow.
    shadow, shadow_weights = run(np.random.default_rng(0))
    table = []
    for name, expected in stored.items():
        actual, other = (np.array([values[name] for values in of]) for of in (measured, shadow))
        tolerances = limits(actual, other, TOLERANCE)
        if name.endswith("_loss"):
            limits_of_loss = tolerances
        elif name.endswith(("_accuracy", "_exact_match")):
            # A sample may change sides once rounding errors show in the loss.
            tolerances = np.where(limits_of_loss > TOLERANCE, np.inf, tolerances)
        relative = deviations(actual, expected)
        table.append(row(name, range(1, EPOCHS + 1), relative, tolerances, TOLERANCE, EPOCHS))
    for layer, expected in stored_gradient_norms.items():
        name = f"gradient norm of {{layer}}"
        actual, other = (
            np.array([of[epoch - 1][name] for epoch in gradient_epochs], expected.dtype)
            for of in (measured, shadow)
        )
        least = max(TOLERANCE, float(np.finfo(expected.dtype).eps))
        tolerances = limits(actual, other, least)
        relative = deviations(actual, expected)
        table.append(row(name, gradient_epochs, relative, tolerances, least, len(expected)))
    # Adam scales up gradients of rounding errors to steps that agree with nothing.
    left_out = set.intersection(*(values["noise"] for values in measured))
    names_of = {{}}
    for name in weights:
        if name not in left_out:
            names_of.setdefault(layer_of(name), []).append(name)
    for layer, names in names_of.items():
        actual, other, expected = (
            np.concatenate([np.float64(arrays[name]).ravel() for name in names])
            for arrays in (weights, shadow_weights, last_weights)
        )
        # Relative to the largest weight of the layer.
        largest = max(np.abs(expected).max(), np.finfo(np.float64).tiny)
        relative, rounding = (
            np.array([np.abs(numbers - actual).max() / largest]) for numbers in (expected, other)
        )
        tolerances = np.maximum(TOLERANCE, 10.0 * rounding)
        name, count = f"weights of {{layer}}", len(expected)
        table.append(row(name, [LAST_EPOCH], relative, tolerances, TOLERANCE, count))
    return table, sorted(left_out)


def main():
    table, left_out = compare()
    agrees = all(row["deviation"] <= row["tolerance"] for row in table)
    if "--json" in sys.argv:
        print(json.dumps({{"agrees": agrees, "rows": table, "left_out": left_out}}))
    else:
        width = max(len(row["name"]) for row in table)
        print(f"{{'':{{width}}}}  {{'compared':>15}}  deviation  tolerance")
        for row in table:
            compared = f"{{row['compared']}} of {{row['total']}}"
            print(
                f"{{row['name']:{{width}}}}  {{compared:>15}}  {{row['deviation']:9.1e}}  "
                f"{{row['tolerance']:9.1e}}"
            )
        for name in left_out:
            print(f"Left out: {{name}}, whose gradient is made of rounding errors.")
        if any(row["compared"] < row["total"] for row in table):
            print("The rest is beyond the epoch from which on rounding errors decide the numbers.")
        print("All within tolerance." if agrees else "NOT all within tolerance.")
    sys.exit(not agrees)
'''
