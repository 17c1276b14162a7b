"""How a training program compares its numbers with the stored ones: a program includes all of this.

An epoch is what `look` returns. An entry is one comparison: `row` and `value` say what is compared,
then follow the epoch, the deviation, the drift of the runs with other rounding errors, the smallest
tolerance, how many numbers are compared, and whether a deviation within the tolerance proves
something. `judged` replaces drift and smallest tolerance by the tolerance, and says whether the
deviation can be compared with it.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, disable-error-code="var-annotated, misc"
# ruff: noqa: F821, T201

from __future__ import annotations

import json
import math
import sys
from typing import Any

import numpy as np

# Names that the program defines.
EPOCHS: int
ENDS: str
SHADOWS: int
TOLERANCE: float
MOST: float
FACTOR: float
CLOSE: float
COARSE: float
SPREAD: float
SURE: float
ROUNDING: float
CHANCE: float
EDGES: Any
EPSILON: float
LEARNED: Any
STATISTICS: Any
initial_weights: Any
stored: Any
stored_gradients: Any
gradient_epochs: Any
weights_after: Any
moments_after: Any
omitted_weights: int
contradictions: Any
data_differences: Any
train: Any
count: Any
unsure: Any


def layer_of(name):
    return name.partition(".")[0]


def largest(numbers):
    """Return the largest size of a finite number; 0 without any."""
    sizes = np.abs(np.float64(numbers))
    return float(sizes[np.isfinite(sizes)].max(initial=0.0))


def deviation_of(actual, expected, scale):
    """Return the largest deviation relative to a scale; two that are not finite agree."""
    actual, expected = np.float64(actual), np.float64(expected)
    both = ~np.isfinite(actual) & ~np.isfinite(expected)
    with np.errstate(all="ignore"):
        relative = np.where(both, 0.0, np.abs(actual - expected)) / max(scale, 1e-300)
    return float(np.where(np.isnan(relative), np.inf, relative).max(initial=0.0))


def parts_of(vector, like):
    """Return consecutive parts of a flat vector by name, as long as it has some."""
    parts, end = {}, 0
    for name, array in like.items():
        start, end = end, end + array.size
        if end <= len(vector):
            parts[name] = vector[start:end].reshape(array.shape)
    return parts


def by_layer(arrays):
    """Return what each layer learns as one vector."""
    parts = {}
    for name in LEARNED:
        parts.setdefault(layer_of(name), []).append(np.float64(arrays[name]).ravel())
    return {layer: np.concatenate(vectors) for layer, vectors in parts.items()}


def vector_of(arrays):
    """Return everything that is learned as one vector."""
    return np.concatenate([np.float64(arrays[name]).ravel() for name in LEARNED])


def drift_of(actual, shadows, scale):
    """Return how far the runs with other rounding errors are from this one."""
    return max(deviation_of(shadow, actual, scale) for shadow in shadows)


def length_drift_of(actual, shadows):
    """Return the length of the largest difference from the other runs, relative to the length of
    the vector. The norm cannot differ by more; in one run it may differ by much less, by chance.
    """
    length = max(float(np.linalg.norm(actual)), 1e-300)
    return max(float(np.linalg.norm(shadow - actual)) for shadow in shadows) / length


def error_that(share_of, difference, scale):
    """Return the smallest error, relative to the scale, that explains a difference of shares: an
    error of the logits explains other answers where their margin is smaller, for example.
    """
    if difference <= 1e-9:
        return 0.0
    errors = 10.0 ** np.arange(-12.0, 0.01, 0.25)
    return next((e for e in errors if share_of(e * scale) + 1e-9 >= difference), math.inf)


def compared_metrics(epoch, actual, shadows):
    """Yield an entry for each metric of an epoch."""
    for name, column in stored.items():
        expected, value, proves = column[epoch - 1], actual["metrics"][name], True
        part, _, kind = name.partition("_")
        if kind in ("accuracy", "exact_match"):
            logits, targets = actual["logits"][part], actual["targets"][part]

            others = [shadow["logits"][part] for shadow in shadows]
            moves = np.any([other != logits for other in others], 0)

            def share_of(error, logits=logits, targets=targets, moves=moves, kind=kind):
                return unsure(logits, targets, moves, error)[kind == "exact_match"]

            scale = largest(logits)
            drift = drift_of(logits, others, scale)
            difference = deviation_of(value, expected, 1.0)
            is_share = not expected < 0.0 and not expected > 1.0
            deviation = error_that(share_of, difference, scale) if is_share else math.inf
            # Many answers near the margin explain any accuracy.
            proves = difference <= max(SURE, 1.5 / count(targets))
        else:
            scale = max(largest(expected), largest(value))
            drift = drift_of(value, [shadow["metrics"][name] for shadow in shadows], scale)
            if name == "gradient_norm":
                whole, *others = (vector_of(of["gradient"]) for of in (actual, *shadows))
                drift = max(drift, length_drift_of(whole, others))
            deviation = deviation_of(value, expected, scale)
        yield name, "", epoch, deviation, drift, TOLERANCE, 1, proves


def statistics_of(gradient, step, weights):
    """Return the statistics of a layer by name."""
    tiny = np.finfo(np.float64).tiny
    norm, weight_norm = (math.sqrt(float((x**2).sum())) for x in (gradient, weights))
    return {
        "norm": norm,
        "mean": float(gradient.mean()),
        "std": float(gradient.std()),
        "max_abs": float(np.abs(gradient).max()),
        "zero_fraction": float((gradient == 0.0).mean()),
        "weight_norm": weight_norm,
        "update_ratio": math.sqrt(float((step**2).sum())) / max(weight_norm, tiny),
    }


def are_zeros_explained(share, below_first_edge, gradient, shadows, least):
    """Return whether rounding errors explain a share of zeros.

    The first bin of the histogram counts the zeros, too. Where rounding errors switch a unit on or
    off, both counts change by the same number. Beside that, only the numbers may change that are as
    near to zero, or to the edge of the bin, as they are to the numbers of the runs with other
    rounding errors, or that a rounding error of the largest number hides.
    """
    sizes, n = np.abs(gradient), gradient.size
    entered = (below_first_edge - float((sizes < EDGES[0]).sum())) / n
    change = share - (gradient == 0.0).mean()
    if abs(change) <= least:
        return True  # beside it, the histogram may be wrong
    left = abs(change - np.clip(change, min(entered, 0.0), max(entered, 0.0)))
    errors = FACTOR * np.max([np.abs(shadow - gradient) for shadow in shadows], 0)
    may_change = (errors > 0.0) & (np.minimum(sizes, np.abs(sizes - EDGES[0])) <= errors)
    may_change |= (sizes > 0.0) & (sizes <= FACTOR * EPSILON * largest(sizes))
    # Terms that cancel here, and in the other runs by chance, leave a rounding error elsewhere.
    allowed = (may_change.sum() + (change < 0.0)) / n
    return share <= below_first_edge / n + least and left <= allowed + least


def is_histogram_of(n, counts, row):
    """Return whether the counts are of `n` numbers with the stored share of zeros and the stored
    largest size, whatever the rounding errors.
    """
    zeros, most = (float(row[STATISTICS.index(name)]) for name in ("zero_fraction", "max_abs"))
    bins = np.flatnonzero(counts)
    if counts.sum() != n or counts[0] < zeros * n - 0.5:
        return False
    # The size is stored in the type of the row, which may round it to the other side of an edge.
    return bool(
        np.digitize(most * 0.999999, EDGES) <= bins[-1] <= np.digitize(most * 1.000001, EDGES)
    )


def compared_gradients(epoch, actual, shadows):
    """Yield an entry for each statistic of the gradient of each layer, and for its histogram."""
    index = int(np.searchsorted(gradient_epochs, epoch))
    if index == len(gradient_epochs) or gradient_epochs[index] != epoch:
        return
    parts = [
        [by_layer(of[kind]) for kind in ("gradient", "step", "weights")]
        for of in (actual, *shadows)
    ]
    known = weights_after.get(epoch)
    known = None if known is None else by_layer(parts_of(known, initial_weights))
    for layer, (rows, histograms) in stored_gradients.items():
        row, least = f"gradient of {layer}", max(TOLERANCE, float(np.finfo(rows.dtype).eps))
        value, *others = (
            # In the type in which they are stored, a ratio may be infinite.
            {name: rows.dtype.type(x) for name, x in statistics_of(*(v[layer] for v in of)).items()}
            for of in parts
        )
        gradient, *other_gradients = (gradients[layer] for gradients, _, _ in parts)
        sizes, most = np.abs(gradient), largest(gradient)
        is_noise = np.any([other != 0.0 for other in other_gradients], 0)
        drift_of_all = drift_of(gradient, other_gradients, most)
        for place, name in enumerate(STATISTICS):
            expected = float(rows[index, place])
            if name == "zero_fraction":
                are_all_zero = rows[index, STATISTICS.index("max_abs")] == 0.0
                is_explained = (expected == 1.0) == are_all_zero and are_zeros_explained(
                    expected, histograms[index, 0], gradient, other_gradients, least
                )
                deviation = 0.0 if is_explained else math.inf
                yield row, name, epoch, deviation, drift_of_all, least, 1, True
                continue
            # Mean and standard deviation may be far below the numbers that they are computed of.
            of = STATISTICS.index("max_abs") if name in ("mean", "std") else place
            scale = max(largest(rows[index, of]), largest(value[STATISTICS[of]]))
            if name == "update_ratio":  # A step is a difference of weights in float64.
                scale = max(scale, 1e-15 / TOLERANCE)
            drift = drift_of(value[name], [other[name] for other in others], scale)
            place_of_vector = {"update_ratio": 1, "weight_norm": 2}.get(name, 0)
            vector, *other_vectors = (of[place_of_vector][layer] for of in parts)
            drift = max(drift, length_drift_of(vector, other_vectors))
            if name == "weight_norm" and known is not None:
                # Its weights are stored: the norm cannot differ by more than they do.
                drift = length_drift_of(vector, [known[layer]])
            deviation = deviation_of(value[name], expected, scale)
            yield row, name, epoch, deviation, drift, least, 1, True

        counts = np.bincount(np.digitize(sizes, EDGES), minlength=len(EDGES) + 1)
        # A number that consists of rounding errors may be 0 here: ignore a few numbers.
        changes = np.maximum(np.abs(counts - np.float64(histograms[index])) - 2.0, 0.0)

        def share_of(error, sizes=sizes, changes=changes, is_noise=is_noise):
            """Return the share of the changes, in the bin of the smallest, that an error makes."""
            low, high = (np.digitize(sizes + sign * error, EDGES) for sign in (-1.0, 1.0))
            may_change = (low < high) & ((sizes > 0.0) | is_noise)
            bins = np.flatnonzero(changes)
            near = [(may_change & (low <= k) & (k <= high)).sum() for k in bins]
            return (near / changes[bins]).min()

        deviation = error_that(
            share_of, float(changes.any()), largest([gradient, *other_gradients])
        )
        if np.isfinite(sizes).all() and not is_histogram_of(
            len(sizes), histograms[index], rows[index]
        ):
            deviation = math.inf
        yield row, "histogram", epoch, deviation, drift_of_all, least, len(counts), True


def root(numbers):
    """Return the square roots; 0 of a number below 0."""
    return np.sqrt(np.maximum(numbers, 0.0))


def compared_weights(at, actual, shadows):
    """Yield an entry for each array of weights and moments after an epoch, or after a step of it,
    if they are known.
    """
    arrays, epoch = [], at[0] if isinstance(at, tuple) else at
    if at in weights_after:
        parts = parts_of(weights_after[at], initial_weights)
        arrays += [("weights", name, lambda of, n=name: of["weights"][n], parts) for name in parts]
    for place, vector in enumerate(moments_after.get(at, ())):
        # Means of squares are compared in the unit of the gradient, in which errors are linear.
        unit = root if vector.min(initial=0.0) >= 0.0 else np.asarray
        parts = parts_of(unit(vector), initial_weights)
        arrays += [
            ("moments", name, lambda of, n=name, p=place, f=unit: f(of["moments"][n][p]), parts)
            for name in LEARNED
        ]
    for kind, name, array_of, parts in arrays:
        layer = layer_of(name)
        value, *others = (array_of(of) for of in (actual, *shadows))
        scale = max(largest(part) for n, part in parts.items() if layer_of(n) == layer)
        scale = max(scale, 1e-30)
        deviation, drift = deviation_of(value, parts[name], scale), drift_of(value, others, scale)
        yield f"{kind} of {layer}", name, epoch, deviation, drift, TOLERANCE, value.size, True


def is_noisy(row, value, noise):
    """Return whether the compared numbers consist of rounding errors: weights without an effect,
    running means, which follow them, and results from all weights of a layer.
    """
    kind, _, layer = row.partition(" of ")
    if kind == "gradient":
        return value in ("weight_norm", "update_ratio") and layer in map(layer_of, noise)
    return value in noise or (kind == "weights" and len(noise) > 0 and value not in LEARNED)


def judged(entries, noise, grown, is_closed):
    """Return the entries of an interval with their tolerances, and whether they are comparable.

    A tolerance is a multiple of `grown`, the deviation from larger rounding errors so far. They may
    also switch a unit on or off, or turn the sign of a step. That shows in the state at the end of
    the interval: all may then deviate in proportion.
    """
    results, at_end = [], []
    for row, value, epoch, deviation, drift, least, count, proves in entries:
        grown[row, value] = max(drift, grown.get((row, value), 0.0))
        tolerance = max(least, FACTOR * grown[row, value])
        is_comparable = tolerance <= MOST * least and (proves or deviation > tolerance)
        if is_noisy(row, value, noise):
            # Adam scales up gradients of rounding errors to steps that agree with nothing.
            tolerance, is_comparable = 10.0 * tolerance, True
        elif row.startswith(("weights", "moments")):
            at_end.append((deviation, tolerance, drift))
        results.append((row, value, epoch, deviation, tolerance, is_comparable, count))
    if not is_closed:
        # What rounding errors make overflow takes everything along.
        is_decided = all(is_comparable for *_, is_comparable, _ in results)
        return [(*r[:5], r[5] and (is_decided or r[3] < math.inf), r[6]) for r in results]
    second, end = sorted([0.0, 0.0, *(deviation for deviation, _, _ in at_end)])[-2:]
    is_explained = all(deviation <= tolerance for deviation, tolerance, _ in at_end)
    # Where a step is a sign, rounding errors turn other signs in other runs.
    is_explained |= end <= FACTOR * max((drift for _, _, drift in at_end), default=0.0)
    drifts = [entry[4] for entry in entries]
    for i, (row, value, epoch, deviation, tolerance, is_comparable, count) in enumerate(results):
        if is_noisy(row, value, noise):
            continue
        if end <= CLOSE * TOLERANCE:
            # An array that deviates alone was changed: nothing else explains it.
            is_last = row.startswith(("weights", "moments")) and deviation == end
            of_others = second if is_last else end
            tolerance = max(min(tolerance, CLOSE * TOLERANCE), SPREAD * of_others)
            # Rounding errors may decide one number and nothing of the state. The counts of a
            # histogram say little about the size of an error.
            is_within, proves = deviation <= tolerance, entries[i][7]
            proves = proves and tolerance <= COARSE
            is_comparable = proves if is_within else deviation > CHANCE * drifts[i]
        elif is_explained:  # An interval is too long for its rounding errors.
            is_comparable = False
        else:
            is_comparable |= deviation > tolerance
        results[i] = (row, value, epoch, deviation, tolerance, is_comparable, count)
    return results


def row_of(name, entries):
    """Return the first entry outside its tolerance, or else the entry nearest to it."""
    compared = [entry for entry in entries if entry[5]]
    wrong = [entry for entry in compared if entry[3] > entry[4]]
    first = min((entry[2] for entry in wrong), default=None)
    candidates = [entry for entry in wrong if entry[2] == first] or compared
    shown = max(candidates, key=lambda entry: entry[3] / max(entry[4], 1e-300), default=None)
    _, value, epoch, deviation, tolerance, _, _ = shown or (name, "", None, 0.0, TOLERANCE, 0, 0)
    return {
        "name": name,
        "value": value,
        # JSON has no infinity.
        "deviation": min(deviation, sys.float_info.max),
        "tolerance": min(tolerance, sys.float_info.max),
        "epoch": epoch,
        "until": min((entry[2] - 1 for entry in entries if not entry[5]), default=EPOCHS),
        "compared": sum(entry[6] for entry in compared),
        "total": sum(entry[6] for entry in entries),
    }


def rounding_errors(seed, sign):
    """Return a function of random rounding errors. Those of the other sign are the opposite ones:
    where such an error decides on which side of a kink a number lies, one of both runs crosses it.
    """
    stream = np.random.default_rng(seed)
    return lambda shape: sign * ROUNDING * EPSILON * stream.choice([-1.0, 1.0], shape)


def rounded_otherwise(before, after, rounding):
    """Return the weights after a step with other rounding errors, relative to its terms. Where such
    an error may be all that is left of both, one of two opposite runs has 0: l1 then has no sign.
    """
    errors = rounding(after.shape) * np.maximum(np.abs(before), np.abs(after))
    return np.where(np.abs(after) <= errors, 0.0, after + errors)


def compare():
    """Repeat the training; return a row for everything that is compared, and the weights with
    gradients of rounding errors only.
    """
    # Runs with other rounding errors show how far these grow.
    errors = [rounding_errors(seed, sign) for seed in range(SHADOWS) for sign in (1.0, -1.0)]
    runs = [train(), *map(train, errors)]
    rows, grown, interval, noise = {}, {}, [], set(LEARNED)
    for actual, *shadows in zip(*runs, strict=True):
        epoch = actual["at"]
        if isinstance(epoch, tuple):  # a step within an epoch
            interval += compared_weights(epoch, actual, shadows)
            continue
        if "--json" in sys.argv:
            print(epoch, file=sys.stderr, flush=True)  # for who shows the progress
        noise &= actual["noise"]
        for compared in (compared_metrics, compared_gradients, compared_weights):
            interval += compared(epoch, actual, shadows)
        if epoch in moments_after or epoch == EPOCHS:
            for entry in judged(interval, noise, grown, epoch in moments_after):
                rows.setdefault(entry[0], []).append(entry)
            interval = []
    # On the processor that trained it, the service gets the same bits again: or it says so here.
    for row, value, epoch in contradictions:
        entry = (row, value, epoch, 1.0, 0.0, True, int(row not in rows))
        rows.setdefault(row, []).append(entry)
    table = [row_of(name, entries) for name, entries in rows.items()]
    return table, sorted(noise)


def main():
    path = sys.argv[sys.argv.index("--data") + 1] if "--data" in sys.argv else None
    differences, of_data = ([], 0) if path is None else data_differences(path)
    with np.errstate(all="ignore"):  # A training that diverged does so again.
        table, noise = compare()
    wrong = [row for row in table if row["deviation"] > row["tolerance"]]
    until = min(row["until"] for row in table)
    verdict = "refuted" if wrong or differences else "verified"
    if verdict == "verified" and (until < EPOCHS or omitted_weights or ENDS):
        verdict = "partly_verified"
    if "--json" in sys.argv:
        result = {"verdict": verdict, "rows": table, "noise": noise, "omitted": omitted_weights}
        result |= {"ends": ENDS} if ENDS and until == EPOCHS else {}
        print(json.dumps({**result, "data_compared": of_data, "data_differences": differences}))
    else:
        width = max(len(row["name"]) for row in table)
        print(f"{'':{width}}  {'compared':>20}  deviation  tolerance")
        for row in table:
            compared = f"{row['compared']:,} of {row['total']:,}"
            print(
                f"{row['name']:{width}}  {compared:>20}  {row['deviation']:9.1e}  "
                f"{row['tolerance']:9.1e}"
            )
        for name in noise:
            print(f"The gradient of {name} is made of rounding errors: so is its tolerance.")
        if omitted_weights:
            print(f"Not compared: the weights of {omitted_weights} checkpoints.")
        if of_data:
            print(f"Data: {of_data:,} numbers compared, differences: {len(differences):,}.")
        for difference in differences[:20]:
            print(f"Data: {difference}.")
        if differences:
            print("REFUTED: the data differ.")
        elif wrong:
            row = min(wrong, key=lambda row: row["epoch"])
            what = f"{row['name']} {row['value']}".strip()
            print(f"REFUTED: {what} differs, first in epoch {row['epoch']}.")
        elif until < EPOCHS:
            print(f"Verified up to epoch {until}: rounding errors decide later numbers.")
        elif ENDS:
            print(f"Verified up to epoch {EPOCHS}: {ENDS}.")
        else:
            print("Verified: all within tolerance.")
    sys.exit({"verified": 0, "refuted": 1, "partly_verified": 5}[verdict])
