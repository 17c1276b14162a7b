"""Plant faults, diagnose the runs, and try the first remedy in full.

    make check-diagnosis

It prints which finding came first for each kind of fault, how many first remedies lower the
validation loss of the whole run, and how many healthy runs have a finding. Half of the data sets
are for the test: no threshold of the diagnosis was chosen on them. `--data other` plants faults on
data of other kinds; half of these are for the test, too. With --docs it writes the table into
docs/diagnosis.md. It exits with 1 if a figure misses its bar.
"""

from __future__ import annotations

import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks._faults import Case, faults, healthy
from benchmarks._other_faults import other_faults, other_healthy
from benchmarks._report import machine, options

import epochal_engine as engine
from epochal_engine import diagnose
from epochal_engine.insight import Experiment, Spec, losses_of, merged
from epochal_engine.training import join
from epochal_service.errors import InvalidArgument
from epochal_service.preparation.prepared import build, experiment_of
from epochal_service.settings import Limits
from epochal_service.specs.training import TrainingSpec

NAMED, HELPED, ALARMED = 0.90, 0.95, 0.05
"""The bars: least fraction of faults named first, of first remedies that lower the loss of the
whole run; largest fraction of healthy runs with a finding."""
SEEDS = 3
DOCS = Path(__file__).parents[1] / "docs" / "diagnosis.md"
BEGIN = {
    "usual": "<!-- make check-diagnosis -->",
    "other": "<!-- make check-diagnosis ARGS='--data other' -->",
}
END = "<!-- end -->"


@dataclass(frozen=True)
class Row:
    """The result of one case."""

    family: str
    base: str
    seed: int
    is_test: bool
    accepted: tuple[str, ...]
    kinds: tuple[str, ...]
    remedy: str
    """The first remedy, in words; empty without one."""
    before: float
    after: float
    seconds: float

    @property
    def is_named(self) -> bool:
        return bool(self.kinds) and self.kinds[0] in self.accepted

    @property
    def helped(self) -> bool:
        return self.after < self.before or (math.isfinite(self.after) and self.before == math.inf)

    @property
    def text(self) -> str:
        """A line; a miss begins with an asterisk."""
        is_miss = not self.is_named if self.accepted else bool(self.kinds)
        is_miss = is_miss or (bool(self.accepted and self.remedy) and not self.helped)
        return (
            f"{'*' if is_miss else ' '} {self.family:24} {self.base:14} {self.seed} "
            f"{', '.join(self.kinds) or 'none':60} {self.before:.4g} -> {self.after:.4g}  "
            f"{self.remedy}"
        )


CASES: dict[str, tuple[Callable[[int], Iterator[Case]], Callable[[int], Iterator[Case]]]] = {
    "usual": (faults, healthy),
    "other": (other_faults, other_healthy),
}


def run(case: Case) -> Row:
    """Train, diagnose, and train again with the first remedy."""
    spec, built = built_from(case)
    job = built(spec)
    columns, gradients, weights, diverged = trained(job)
    before = math.inf if diverged else _validation_loss(job, job, weights)
    start = time.perf_counter()
    # By the time of this thread: no figure depends on other programs on the machine.
    diagnosis = diagnose(
        spec, built, weights, columns, gradients, diverged=diverged, clock=time.thread_time
    )
    seconds = time.perf_counter() - start
    remedy, after = "", before
    for finding in diagnosis.findings:
        if finding.patch is None:
            continue
        remedy = finding.suggestion or ""
        changed = built(merged(spec, finding.patch))
        _, _, weights, diverged = trained(changed)
        balanced = finding.kind == "class_imbalance"
        if balanced:
            before = _validation_loss(job, job, trained(job)[2], balanced)
        after = math.inf if diverged else _validation_loss(changed, job, weights, balanced)
        break
    return Row(
        case.family,
        case.base,
        int(spec["seed"]),
        case.is_test,
        case.accepted,
        tuple(finding.kind for finding in diagnosis.findings),
        remedy,
        before,
        after,
        seconds,
    )


def built_from(case: Case) -> tuple[Spec, Callable[[Spec], Experiment]]:
    """Return the complete spec of a case, and how to build such a spec."""

    def built(spec: Spec) -> Experiment:
        training = TrainingSpec.model_validate(spec)
        try:
            return experiment_of(build(training, case.dataset, Limits()))
        except InvalidArgument as error:
            raise ValueError(error.detail) from None

    spec = build(TrainingSpec.model_validate(case.spec), case.dataset, Limits()).spec
    return spec.model_dump(mode="json", exclude_none=True), built


def trained(job: Experiment) -> tuple[Any, Any, Any, bool]:
    """Return the metrics, the gradients, the last weights, and whether the run diverged."""
    training = engine.Run(job.network, job.training, job.data)
    for _ in training:
        pass
    assert training.outcome is not None
    block = join(training.take())
    diverged = training.outcome.stop_reason == "diverged"
    return block.columns, block.gradients, training.weights(), diverged


def _validation_loss(
    trained: Experiment, job: Experiment, weights: Any, balanced: bool = False
) -> float:
    """Return the job's own loss, in its unit, of a trained network on the validation part."""
    inputs = trained.data.validation_inputs
    assert inputs is not None
    outputs = engine.predict(trained.network, weights, inputs).astype(np.float64)
    outputs = trained.target_shift + trained.target_scale * outputs
    outputs = (outputs - job.target_shift) / job.target_scale
    targets = np.asarray(job.data.validation_targets)
    losses = losses_of(engine.find_loss(job.training.loss), outputs, targets)
    if balanced:
        labels = targets.reshape(-1)
        return float(np.mean([losses[labels == k].mean() for k in np.unique(labels)]))
    return float(losses.mean())


def summary(rows: list[Row]) -> tuple[str, bool]:
    """Return the figures of some rows as lines of text, and whether all meet their bars."""
    planted = [row for row in rows if row.accepted]
    sound = [row for row in rows if not row.accepted]
    treated = [row for row in planted if row.remedy]
    named = sum(row.is_named for row in planted) / len(planted)
    helped = sum(row.helped for row in treated) / max(len(treated), 1)
    alarmed = sum(bool(row.kinds) for row in sound) / max(len(sound), 1)
    met = named >= NAMED and helped >= HELPED and alarmed <= ALARMED
    text = (
        f"{named:.1%} of {len(planted)} | {helped:.1%} of {len(treated)} | "
        f"{alarmed:.1%} of {len(sound)}"
    )
    return text, met


def report(rows: list[Row]) -> tuple[str, bool]:
    """Return the tables, in Markdown, and whether all bars are met."""
    parts = {
        "tuning half": [row for row in rows if not row.is_test],
        "test half": [row for row in rows if row.is_test],
        "all": rows,
    }
    lines = [
        "| | faults named first | first remedies that lower the validation loss | healthy runs "
        "with a finding |",
        "|---|---|---|---|",
        f"| bar | ≥ {NAMED:.0%} | ≥ {HELPED:.0%} | ≤ {ALARMED:.0%} |",
    ]
    all_met = True
    for name, part in parts.items():
        if part:
            text, met = summary(part)
            all_met = all_met and met
            lines.append(f"| {name} | {text} |")
    lines += [
        "",
        "| planted | runs | named first | remedy helps | first finding |",
        "|---|---|---|---|---|",
    ]
    families = {row.family: None for row in rows}
    for family in families:
        some = [row for row in rows if row.family == family]
        treated = [row for row in some if row.remedy]
        first = Counter(row.kinds[0] if row.kinds else "none" for row in some)
        counts = ", ".join(f"{kind} {count}" for kind, count in first.most_common())
        named = sum(row.is_named for row in some) if some[0].accepted else first["none"]
        helped = (
            f"{sum(row.helped for row in treated)} of {len(treated)}" if treated else "no remedy"
        )
        lines.append(f"| {family} | {len(some)} | {named} | {helped} | {counts} |")
    return "\n".join(lines), all_met


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--docs", action="store_true", help="write the table into docs/")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="seeds of each case")
    parser.add_argument("--half", choices=("tuning", "test", "both"), default="both")
    parser.add_argument("--data", choices=tuple(CASES), default="usual", help="which data sets")
    parser.add_argument("--only", help="only kinds of faults that begin with this")
    parser.add_argument("--verbose", action="store_true", help="print each case; a miss with *")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    arguments = parser.parse_args()
    seeds = 1 if arguments.quick else arguments.seeds
    planted, sound = CASES[arguments.data]
    cases = [
        case
        for seed in range(seeds)
        for case in chain(planted(seed), sound(seed) if seed == 0 or not arguments.quick else ())
        if arguments.half == "both" or case.is_test == (arguments.half == "test")
        if case.family.startswith(arguments.only or "")
    ]
    start = time.perf_counter()
    rows: list[Row] = []
    with ProcessPoolExecutor(arguments.jobs) if arguments.jobs > 1 else nullcontext() as pool:
        for row in map(run, cases) if pool is None else pool.map(run, cases, chunksize=4):
            rows.append(row)
            if arguments.verbose:
                print(row.text, flush=True)
            elif len(rows) % 10 == 0:
                print(f"{len(rows)} of {len(cases)}", file=sys.stderr, flush=True)
    seconds = time.perf_counter() - start
    text, met = report(rows)
    print(f"({machine()}; {seconds:.0f} s; slowest diagnosis {max(r.seconds for r in rows):.2f} s)")
    print(text)
    if arguments.docs:
        written = DOCS.read_text()
        begin = BEGIN[arguments.data]
        before, rest = written.split(begin)
        _, after = rest.split(END, 1)
        DOCS.write_text(f"{before}{begin}\n{text}\n{END}{after}")
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
