"""The parts of a training program that are the same for every run."""

from __future__ import annotations

HEAD = '''"""{name}: repeat the training with {library}, and compare it with the stored curve.

python FILE           # a table of the largest deviations
python FILE --json    # the same as JSON
python FILE --data CSV_OR_NPZ   # compare the data, too; `--data generated` draws it again

It exits with 0 if everything is compared and within tolerance, with 1 if something is not, and with
5 if what is compared is, and rounding errors decide the rest, or the program has a part only.

Nothing here is part of Epochal: layers, loss, optimizer and random numbers are written out below.
The initial weights, the data and the stored numbers follow at the end, in base 64. So do states of
the training: from each, the program continues, and before it does, it must have come to the same.
"""

from __future__ import annotations

import base64
import json
import math
import sys

{imports}


def array(numbers, dtype, *shape):
    return np.frombuffer(base64.b64decode(numbers), dtype).reshape(shape)


DTYPE = np.{dtype}
EPOCHS = {epochs}  # that are stored, of {planned}
ENDS = {ends!r}  # why later epochs are not here
BATCH_SIZE = {batch_size}
SEED = {seed}
TOLERANCE = {{"float32": 1e-5, "float64": 1e-9}}[DTYPE.__name__]
MOST = 100.0  # The tolerance grows with rounding errors, at most so many times,
CLOSE = 5000.0  # or so many times, if the state at the end of the interval is known.
SURE = 0.02  # An accuracy that differs by a larger share, and by more than one answer, is unproved.
COARSE = 0.1  # A tolerance beyond that tells nothing apart.
SPREAD = 10.0  # All in an interval may deviate so many times as far as the state at its end.
SHADOWS = {shadows}  # pairs of runs with other rounding errors, each the opposite of its pair's,
ROUNDING = 4.0  # which are so many times as large:
FACTOR = 10.0  # deviations may be so many times those of these runs.
CHANCE = 4.0  # One of these runs may deviate so many times less than others, by chance.
EPSILON = float(np.finfo(DTYPE).eps)
NOISE = {{"float32": 1e-5, "float64": 1e-12}}[DTYPE.__name__]
EDGES = 2.0 ** np.arange(-33, 8, 2)  # of the bins of a histogram
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
    """Return the loss of each prediction."""
    return {loss}(logits, {targets}{options})


def count(targets):
    """Return the number of predictions that count."""
    return {count}


def metrics(logits, targets{weights}):
    """Return the mean loss{and_accuracy}, computed in float64.{and_weights}"""
    logits = logits{double}
    values = loss_of(logits, targets)
{weighting}    measured = {{"loss": float(values.sum()) / count(targets)}}
{accuracy}    return measured
'''

AND_WEIGHTS = " Weights count in the loss only."

ACCURACY = {
    "binary": "(((logits >= 0.0) == (targets >= 0.5)) & (logits == logits)){double}.mean(-1)",
    "labels": "((logits.argmax(-1) == targets) & (logits == logits).all(-1))",
    "rows": "((logits.argmax(-1) == targets.argmax(-1)) & (logits == logits).all(-1))",
}
"""Whether an answer is right: one that is not a number is wrong."""

UNSURE = '''

def unsure(logits, targets, moves, error):
    """Return the share of answers, and of samples, that an error of the logits may change, where
    rounding errors move them: two that are equal in every run are a sure answer.
    """
    is_unsure = ~({margin} > error) & {moves}  # nor is one that is not a number sure
    return float({answers}.sum()) / count(targets), float(
        is_unsure.reshape(len(logits), -1).any(1).mean()
    )
'''

MARGINS = {
    "binary": ("np.abs(logits)", "moves", "is_unsure.mean(-1)"),
    "labels": ("np.diff(np.sort(logits)[..., -2:])[..., 0]", "moves.any(-1)", "is_unsure"),
    "rows": ("np.diff(np.sort(logits)[..., -2:])[..., 0]", "moves.any(-1)", "is_unsure"),
}

EXACT_MATCH = """    is_exact = ((correct == 1.0){ignored}).reshape(len(targets), -1).all(1)
    measured["exact_match"] = float(is_exact{double}.mean())
"""

NOT_PENALIZED = '''

def penalize(w, gradient):
    """Return the gradient: there is no penalty."""
    return gradient
'''

NOT_CLIPPED = '''

def clip(gradient):
    """Return the gradient: there is no limit."""
    return gradient
'''

PENALIZE = '''

def penalize(w, gradient):
    """Return the gradient plus that of l1 · Σ|w| + l2 / 2 · Σw² over weights, not biases."""
    return {{
        name: g + {penalties} if g.ndim > 1 else g for name, g in gradient.items()
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

STEP = '''

def step_of(update, w, gradient, moments, rate, t):
    """Return step number t in float64: it may be too small to show in the weights."""
    wide = {{name: {weights} for name in LEARNED}}
    update(
        wide,
        {{name: {gradient} for name in LEARNED}},
        {{name: [{moment} for moment in moments[name]] for name in LEARNED}},
        rate,
        t,
    )
    return {{name: wide[name] - {before} for name in LEARNED}}
'''

UPDATE = '''

def update(w, gradient, moments, rate, t):
    """Take step number t."""
    for name, g in gradient.items():
        {optimizer}_step(w[name], g, moments[name], rate, t{options})
'''

CHANGED = """        if epoch in SETTINGS:
            BATCH_SIZE, *functions, new = SETTINGS[epoch]
            draw_order, learning_rate, penalize, clip, update, forward, draw_masks = functions
            if new is not None:  # Another optimizer starts without moments.
                moments = {{n: [{library}.zeros_like(w[n]) for _ in range(new)] for n in LEARNED}}
                t = 0
"""

TRAIN_NUMPY = '''

def train(rounding=None):
    """Train from the initial weights; yield what there is to see after every epoch.

    Continue from the stored state of an epoch, if there is one: its rounding errors are 0. With
    `rounding`, every weight and every result of an operation has an error of it.
    """
    streams = new_streams()
    w = {{name: initial.astype(DTYPE) for name, initial in initial_weights.items()}}
    moments = {{name: [np.zeros_like(w[name]) for _ in range({moments})] for name in LEARNED}}
    losses, t = [], 0
    for epoch in range(EPOCHS):
        squares = dict.fromkeys(LEARNED, 0.0)
{settings}        rate = learning_rate(epoch, losses)
        x, targets = {changed}
        order = draw_order(streams["shuffle"], len(x))
        logits = np.empty((len(x), {output_shape}), DTYPE)
        for start in range(0, len(x), BATCH_SIZE):
            rows_of_batch = order[start : start + BATCH_SIZE]
            masks = draw_masks(streams["dropout"], len(rows_of_batch))
            tape = Tape(rounding)
            traced = {{name: Traced(array, tape) for name, array in w.items() if name in LEARNED}}
            z = forward({{**w, **traced}}, x[rows_of_batch], masks, training=True)
            logits[rows_of_batch] = z.value
            y = targets[rows_of_batch]
            values = {values}
            backward(values, np.full(values.shape, DTYPE(1.0 / count(y))))
            gradient = {{name: traced[name].derivative for name in LEARNED}}
            gradient = {penalized}
            gradient = {{name: tape.rounded(part) for name, part in gradient.items()}}
            add_squares(squares, gradient)
            t += 1
            if start + BATCH_SIZE >= len(x):
                step = step_of(update, w, {clipped}, moments, rate, t)
            before = {{name: w[name].copy() for name in LEARNED}}
            update(w, {clipped}, moments, rate, t)
            if rounding is not None:
                for name in LEARNED:
                    w[name][...] = rounded_otherwise(before[name], w[name], rounding)
            at = epoch + 1, start // BATCH_SIZE + 1
            if at in moments_after:
                yield look_within(at, w, moments)
                take_over(w, moments, losses, at)
        yield look(forward, w, moments, rate, logits, targets, gradient, squares, step, losses)
        take_over(w, moments, losses, epoch + 1)
'''

TRAIN_TORCH = '''

def train(rounding=None):
    """Train from the initial weights; yield what there is to see after every epoch.

    Continue from the stored state of an epoch, if there is one: its rounding errors are 0. With
    `rounding`, every step changes every weight and loss by an error of it.
    """
    streams = new_streams()
    w = {{
        name: torch.tensor(initial.astype(DTYPE), requires_grad=name in LEARNED)
        for name, initial in initial_weights.items()
    }}
    moments = {{name: [torch.zeros_like(w[name]) for _ in range({moments})] for name in LEARNED}}
    losses, t = [], 0
    for epoch in range(EPOCHS):
        squares = dict.fromkeys(LEARNED, 0.0)
{settings}        rate = learning_rate(epoch, losses)
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
            values = {values}
            if rounding is not None:
                values = values * torch.tensor(DTYPE(1.0 + rounding(values.shape)))
            loss = values.sum() / count(y)
            parts = torch.autograd.grad(loss, [w[name] for name in LEARNED])
            with torch.no_grad():
                gradient = dict(zip(LEARNED, parts))
                gradient = {penalized}
                add_squares(squares, gradient)
                t += 1
                if start + BATCH_SIZE >= len(x):
                    step = step_of(update, w, {clipped}, moments, rate, t)
                before = {{name: w[name].numpy(force=True).copy() for name in LEARNED}}
                update(w, {clipped}, moments, rate, t)
                if rounding is not None:
                    for name in LEARNED:
                        other = rounded_otherwise(before[name], w[name].numpy(force=True), rounding)
                        w[name][...] = torch.tensor(DTYPE(other))
            at = epoch + 1, start // BATCH_SIZE + 1
            if at in moments_after:
                with torch.no_grad():
                    seen = look_within(at, w, moments)
                yield seen
                with torch.no_grad():
                    take_over(w, moments, losses, at)
        with torch.no_grad():
            seen = look(forward, w, moments, rate, logits, targets, gradient, squares, step, losses)
        yield seen
        with torch.no_grad():
            take_over(w, moments, losses, epoch + 1)
'''

PREDICTED_NUMPY = """np.concatenate(
            [
                forward(w, validation_inputs[i : i + {at_once}], {{}}, training=False)
                for i in range(0, len(validation_inputs), {at_once})
            ]
        )"""

PREDICTED_TORCH = """torch.cat(
            [
                forward(w, part, {{}}, training=False)
                for part in torch.tensor(validation_inputs).split({at_once})
            ]
        )"""

LOOK = '''

def add_squares(squares, gradient):
    """Add the squared size of each part of a gradient."""
    for name in LEARNED:
        squares[name] += float((np.float64({gradient}) ** 2).sum())


def look(forward, w, moments, rate, logits, targets, gradient, squares, step, losses):
    """Return what there is to see of an epoch; add the loss that the schedule watches."""
    of_training = metrics(logits, targets{train_weights})
    measured = {{f"train_{{name}}": value for name, value in of_training.items()}}
    answers = {{"train": logits}}
    if validation_inputs is not None:
        answers["validation"] = {predicted}
        of_validation = metrics(answers["validation"], validation_targets{validation_weights})
        measured |= {{f"validation_{{name}}": value for name, value in of_validation.items()}}
    losses.append(measured.get("validation_loss", measured["train_loss"]))
    gradient = {{name: np.float64({gradient}) for name in LEARNED}}
    measured["learning_rate"] = rate
    measured["gradient_norm"] = math.sqrt(sum(float((g**2).sum()) for g in gradient.values()))
    of_layer = {{}}
    for name, size in squares.items():
        of_layer[layer_of(name)] = of_layer.get(layer_of(name), 0.0) + size
    return {{
        **look_within(len(losses), w, moments),
        "metrics": measured,
        "logits": {{part: np.float64(array) for part, array in answers.items()}},
        "targets": {{"train": targets, "validation": validation_targets}},
        "gradient": gradient,
        "step": {{name: np.float64({step}) for name in LEARNED}},
        # A gradient that rounding errors make up, such as that of a bias before a batch norm.
        "noise": {{
            name
            for name, size in squares.items()
            if math.sqrt(size) < NOISE * math.sqrt(of_layer[layer_of(name)])
        }},
    }}


def look_within(at, w, moments):
    """Return what there is to see of a state after an epoch, or after (epoch, step)."""
    return {{
        "at": at,
        "weights": {{name: np.float64({weights}) for name in w}},
        "moments": {{name: [np.float64(moment) for moment in moments[name]] for name in LEARNED}},
    }}


def take_over(w, moments, losses, at):
    """Continue from the stored state after an epoch or a step, if there is one."""
    if at not in moments_after:
        return
    for name, part in parts_of(weights_after[at], initial_weights).items():
        w[name][...] = {taken}(part)
    for place, vector in enumerate(moments_after[at]):
        for name, part in parts_of(vector, initial_weights).items():
            if name in moments:
                moments[name][place][...] = {taken}(part)
    if not isinstance(at, tuple):
        watched = "validation_loss" if validation_inputs is not None else "train_loss"
        losses[:] = stored[watched][:at]
'''
