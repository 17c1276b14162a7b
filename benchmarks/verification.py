"""Verify honest trainings, and forged ones: how many of each does `epochal verify` tell apart?

    make check-verification

Presets and digits, each with other optimizers, seeds and types of numbers, are trained by a service
and verified by their programs, as `epochal verify` does; what trains for long is left out.
Then one number that a program has stored is changed, of each kind at least five, and whole curves
are. A change that the service contradicts by itself does not count: here, it would have a part in
the forgery. The tolerances were chosen on digits with Adam at 0.01, seeds 0 to 6, alone. The same
number of trainings that nobody chose (`tests/engine/random_trainings.py`) follow, from `--seed` on,
in the process of the benchmark, with other forgeries. It exits with 1 if an honest training is
refused or a forged one accepted.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import numpy as np
from benchmarks._report import options, print_table
from tests.engine.random_trainings import random_case
from tests.engine.recordings import Case, record, training_program
from tests.servers.stack import Stack

import epochal
from epochal_engine import Data
from epochal_engine.export.training import training_numpy
from epochal_service.answers.recordings import steps_between

MOST_EPOCHS, MOST_FLOPS = 12, 2e9
DIGITS: dict[str, Any] = {
    "network": {
        "input_shape": [64],
        "layers": [
            {"type": "dense", "units": 64, "activation": "relu"},
            {"type": "dense", "units": 64, "activation": "relu"},
            {"type": "dense", "units": 10, "activation": "softmax"},
        ],
    },
    "dataset": {"name": "digits"},
    "loss": "cross_entropy",
    "batch_size": 32,
    "validation_fraction": 0.2,
}
SETTINGS: list[dict[str, Any]] = [
    {},
    {"dtype": "float64"},
    {"optimizer": {"type": "adam", "learning_rate": 0.01}, "seed": 11},
    {"optimizer": {"type": "lion", "learning_rate": 0.001}, "seed": 12},
    {"optimizer": {"type": "muon"}, "clipping": {"norm": 1.0}, "seed": 13},
    {"optimizer": {"type": "nesterov", "learning_rate": 0.1}, "seed": 14},
    {"optimizer": {"type": "sgd", "learning_rate": 1e9}, "seed": 15},
    {"early_stopping": {"patience": 2, "restore_best": True}, "seed": 16},
    {"schedule": {"type": "reduce_on_plateau", "patience": 1}, "seed": 17},
]
FORGERIES = 7
"""Numbers of each kind that are changed."""
CURVES = 10
KINDS = (
    *("train_loss", "validation_loss", "train_accuracy", "validation_accuracy"),
    *("learning_rate", "gradient_norm"),
)
FEW = 4
"""Numbers that may change their bin of a histogram by rounding errors."""


def trained(
    client: epochal.Client, presets: dict[str, Any], count: int
) -> Iterator[tuple[str, epochal.Job]]:
    """Train `jobs`, of presets and settings in turn; leave out settings that do not fit
    together."""
    specs = [
        (f"{name}, {index}", {**spec, **setting})
        for index, setting in enumerate(SETTINGS)
        for name, spec in presets.items()
    ]
    random.Random(24).shuffle(specs)
    for name, spec in specs:
        spec["epochs"] = min(spec.get("epochs", MOST_EPOCHS), MOST_EPOCHS)
        try:
            if client.jobs.validate(spec).flops > MOST_FLOPS:
                continue
        except epochal.InvalidArgument:
            continue
        job = client.jobs.create(spec).wait(300)
        if not job.epoch:
            continue
        yield name, job
        count -= 1
        if count == 0:
            return


def tell(names: dict[str, Any]) -> tuple[str, str]:
    """Run a program; return its verdict and the first number that is wrong."""
    with np.errstate(all="ignore"):
        table, _ = names["compare"]()
    wrong = [row for row in table if row["deviation"] > row["tolerance"]]
    if wrong:
        first = min(wrong, key=lambda row: row["epoch"])
        return "refuted", f"{first['name']} {first['value']} in epoch {first['epoch']}"
    until = min(row["until"] for row in table)
    return ("verified", "") if until == names["EPOCHS"] else ("partly", f"up to epoch {until}")


def forged(program: bytes, kind: str, rng: random.Random) -> tuple[dict[str, Any], str] | None:
    """Return a program with one number of a kind changed, and the row that must name it; None if it
    stores none.
    """
    names = training_program(program)
    epoch = rng.randrange(names["EPOCHS"])
    stored, gradients = names["stored"], names["stored_gradients"]

    def change(array: Any, at: Any) -> Any:
        numbers = array.copy()
        numbers[at] = 1.25 * numbers[at] + (numbers[at] == 0.0)
        return numbers

    match kind.split():
        case ["statistic", name] if len(names["gradient_epochs"]) > 0:
            layer = rng.choice([*gradients])
            statistics, histogram = gradients[layer]
            row = rng.randrange(len(statistics))
            largest = statistics[row, names["STATISTICS"].index("max_abs")]
            if not np.isfinite(largest):
                return None
            place = names["STATISTICS"].index(name)
            changed = change(statistics, (row, place))
            if name == "mean":  # which may be far below what rounding errors do to it
                changed[row, place] = statistics[row, place] + 0.25 * largest
                if largest == 0.0:  # nothing would change
                    return None
            gradients[layer] = changed, histogram
            return names, f"gradient of {layer}"
        case ["histogram"] if len(names["gradient_epochs"]) > 0:
            layer = rng.choice([*gradients])
            statistics, histogram = gradients[layer]
            row = rng.randrange(len(histogram))
            counts = histogram.copy()
            most = int(counts[row].argmax())
            moved = counts[row, most] // 2
            if moved < FEW:
                return None
            counts[row, most] -= moved
            counts[row, (most + 3) % counts.shape[1]] += moved
            gradients[layer] = statistics, counts
            return names, f"gradient of {layer}"
        case ["weight" | "moment" as what]:
            after = names["weights_after" if what == "weight" else "moments_after"]
            known = [at for at, array in after.items() if array.size > 0]
            if not known:
                return None
            at = rng.choice(known)
            flat = after[at].reshape(-1)
            after[at] = change(flat, int(np.abs(flat).argmax())).reshape(after[at].shape)
            return names, ""
        case [name] if name in stored and np.isfinite(stored[name][epoch]):
            stored[name] = change(stored[name], epoch)
            return names, name
    return None


def randomly_trained(seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """Train as many cases as `count`, from number `seed` on; yield their programs."""
    for number in range(seed, seed + count):
        case, dtype = random_case(number)
        with np.errstate(all="ignore"):
            yield f"random training {number}", training_numpy(record(case, dtype, between(case)))


def between(case: Case) -> float:
    """Return how many steps lie between two states that the service gives."""
    training = replace(case.training, dtype="float64")
    data = Data(case.inputs[: len(case.inputs) * 4 // 5], case.targets)
    return steps_between(case.network, training, data, training.epochs)


def drawn_better(program: bytes, share: float) -> dict[str, Any] | None:
    """Return a program with losses that fall to a share of their values, epoch by epoch; None if
    that changes none, as all are 0.
    """
    names = training_program(program)
    is_changed = False
    for name, column in names["stored"].items():
        if name.endswith("_loss"):
            changed = names["stored"][name] = column * np.linspace(1.0, share, len(column))
            is_changed |= not np.array_equal(changed, column, equal_nan=True)
    return names if is_changed else None


class Tally:
    """Counts of honest and forged trainings, and a line for each miss."""

    def __init__(self) -> None:
        self.honest, self.curves = Counter[str](), Counter[str]()
        self.forged: dict[str, Counter[bool]] = {}
        self.misses: list[str] = []
        self.programs: list[bytes] = []

    def verify(self, name: str, program: bytes, count: int) -> None:
        """Verify an honest training; keep its program for forgeries."""
        verdict, difference = tell(training_program(program))
        self.honest[verdict] += 1
        print(f"{self.honest.total()} of {count}: {name}, {verdict}", file=sys.stderr)
        if verdict == "verified":
            self.programs.append(program)
        else:
            self.misses.append(f"honest, {name}: {verdict}, {difference}")

    def forge(self, rng: random.Random, count: int) -> None:
        """Change numbers, `count` of each kind, and whole curves."""
        names = training_program(self.programs[0])
        statistics = [f"statistic {name}" for name in names["STATISTICS"]]
        for kind in (*KINDS, *statistics, "histogram", "weight", "moment"):
            counts = self.forged[kind] = Counter()
            for program in rng.sample(self.programs, len(self.programs)):
                if counts.total() == count:
                    break
                forgery = forged(program, kind, rng)
                if forgery is not None:
                    changed, row = forgery
                    verdict, difference = tell(changed)
                    is_found = verdict == "refuted" and difference.startswith(row)
                    counts[is_found] += 1
                    if not is_found:
                        self.misses.append(f"forged, {kind}: {verdict}, {difference}")
        curves = (drawn_better(p, 0.9) for p in rng.sample(self.programs, len(self.programs)))
        for curve in islice((names for names in curves if names is not None), CURVES):
            verdict, difference = tell(curve)
            self.curves[verdict] += 1
            if verdict != "refuted":
                self.misses.append(f"forged curve: {verdict}, {difference}")

    def report(self, title: str) -> bool:
        """Print the counts; return whether all are as they should be."""
        honest, curves = self.honest, self.curves
        rows = [["honest", str(honest.total()), str(honest["verified"]), "all verified"]]
        rows += [
            [k, str(f.total()), str(f[True]), "all refused, named"] for k, f in self.forged.items()
        ]
        rows.append(["whole curves", str(curves.total()), str(curves["refuted"]), "all refused"])
        print_table(title, ("kind", "tried", "as it should be", "target"), rows)
        print("\n".join(self.misses))
        wrong = honest["refuted"] + sum(f[False] for f in self.forged.values())
        return wrong == 0 and curves["refuted"] == curves.total()


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--seed", type=int, default=3000, help="the first random training")
    arguments = parser.parse_args()
    count, forgeries = (12, 1) if arguments.quick else (100, FORGERIES)
    rng, chosen, others = random.Random(1), Tally(), Tally()
    for name, program in randomly_trained(arguments.seed, count):
        others.verify(name, program, count)
    with TemporaryDirectory(prefix="epochal-verification-") as folder:
        stack = Stack(Path(folder), f"sqlite:///{folder}/data/epochal.db", {"workers": 1})
        try:
            listed = httpx2.get(f"{stack.http}/course/v1/presets", trust_env=False).json()[
                "presets"
            ]
            presets = {"digits": DIGITS, **{p["name"]: p["spec"] for p in listed}}
            with epochal.Client(stack.http) as client:
                for name, job in trained(client, presets, count):
                    chosen.verify(name, job.export("training_numpy"), count)
        finally:
            stack.stop()
    for tally in (chosen, others):
        tally.forge(rng, forgeries)
    reports = [
        chosen.report("Verification: presets and digits"),
        others.report(f"Verification: random trainings from {arguments.seed} on"),
    ]
    return int(not all(reports))


if __name__ == "__main__":
    sys.exit(main())
