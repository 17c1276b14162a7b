"""Homework: honest runs are accepted, forged ones are refused, and how long the answer takes.

Pupils train presets of the course, each with another learning rate and the own seed, on a service
without keys, and submit the proofs to the service of their teacher, which trains each run again.
The others change their proof before: a metric of one epoch by its last bit, the seed, the learning
rate, the digest of the data or of the weights; or they submit the run of somebody else, as it is,
or with their own name and seed.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from math import inf, nextafter
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
from benchmarks._report import options, print_table
from tests.servers.stack import Stack

import epochal

CLASS, PUPILS = "10b", 30
SLOW = {
    *("adding-lstm", "adding-gru", "sentences"),
    *("first-names", "plays-characters", "plays-byte-pairs"),
}
"""Presets that train for 3 to 27 s."""

Proof = dict[str, Any]


@dataclass(frozen=True)
class Homework:
    """The proof of a run, and the view of its author."""

    pupil: int
    exercise: epochal.Exercise
    proof: Proof


def forged_curve(proof: Proof, other: Homework, rng: random.Random) -> str:
    column = rng.choice(proof["curve"])
    epoch = rng.randrange(len(column["values"]))
    column["values"][epoch] = nextafter(column["values"][epoch], inf)
    return f"Epoch {epoch + 1} differs: {column['metric']} is"


def forged_seed(proof: Proof, other: Homework, rng: random.Random) -> str:
    proof["spec"]["seed"] += 1
    return "spec.seed: must be"


def forged_rate(proof: Proof, other: Homework, rng: random.Random) -> str:
    proof["spec"]["optimizer"]["learning_rate"] *= 1.01
    return "Epoch 1 differs"


def forged_data(proof: Proof, other: Homework, rng: random.Random) -> str:
    proof["data_sha256"] = other.proof["data_sha256"][::-1]
    return "data_sha256: must be"


def forged_weights(proof: Proof, other: Homework, rng: random.Random) -> str:
    proof["weights_sha256"] = other.proof["weights_sha256"][::-1]
    return f"The weights after epoch {len(proof['curve'][0]['values'])} differ"


def copied(proof: Proof, other: Homework, rng: random.Random) -> str:
    proof.update(other.proof)
    return "spec.seed: must be"


def copied_with_own_seed(proof: Proof, other: Homework, rng: random.Random) -> str:
    proof["curve"] = other.proof["curve"]
    proof["weights_sha256"] = other.proof["weights_sha256"]
    return "Epoch 1 differs"


FORGERIES: dict[str, Callable[[Proof, Homework, random.Random], str]] = {
    "one bit of the curve": forged_curve,
    "another seed": forged_seed,
    "another learning rate": forged_rate,
    "other data": forged_data,
    "other weights": forged_weights,
    "somebody else's run": copied,
    "somebody else's curve, own seed": copied_with_own_seed,
}
"""A function that changes a proof, and returns the start of the refusal."""


class School:
    """Two services, and the pupils of a class."""

    def __init__(self, home: Stack, school: Stack) -> None:
        self.home = epochal.Client(home.http)
        keys = {row["owner"]: row["key"] for row in json.loads(school.keys[0])["keys"]}
        clients = {name: epochal.Client(school.http, api_key=key) for name, key in keys.items()}
        self.teacher = clients.pop(CLASS)
        self.pupils = [*clients.values()]

    def exercises(self) -> list[str]:
        """Create an exercise from each preset, and return their ids."""
        ids = []
        for preset in self.teacher.course.presets():
            if preset.name not in SLOW and preset.expected_state == "succeeded":
                claim = {"job": "run", "metric": "epochs", "at_least": 1}
                made = self.teacher.exercises.create(
                    {"jobs": {"run": preset.spec}, "claims": [claim]},
                    title=preset.name,
                    open=["jobs.run.optimizer.learning_rate"],
                )
                ids.append(made.id)
        return ids

    def train(self, exercise_id: str, pupil: int, rate: float) -> Homework:
        """Train an exercise at home with a factor for its learning rate."""
        exercise = self.pupils[pupil].exercises.get(exercise_id)
        spec = (exercise.experiment or {})["jobs"]["run"]
        optimizer = {**spec["optimizer"]}
        optimizer["learning_rate"] = rate * optimizer["learning_rate"]
        job = self.home.jobs.create(spec | {"seed": exercise.seed, "optimizer": optimizer})
        return Homework(pupil, exercise, json.loads(job.wait(60).export("proof")))

    def submit(self, work: Homework, proof: Proof) -> tuple[str, str, float]:
        """Return the verdict, its words, and the seconds until they are there."""
        began = perf_counter()
        content = json.dumps(proof).encode()
        try:
            made = self.pupils[work.pupil].exercises.submit(work.exercise.id, content).wait(60)
        except epochal.InvalidArgument as error:
            return "refused", str(error), perf_counter() - began
        assert made.proof is not None
        return made.proof.verdict, made.proof.detail, perf_counter() - began


def measure(school: School, count: int) -> bool:
    """Print the table; return whether all verdicts are as they should be."""
    rng, ids, misses = random.Random(1), school.exercises(), []
    works = []
    rows: dict[str, list[tuple[bool, float]]] = {"honest": []}
    for number in range(count):
        pupil, exercise = number % len(school.pupils), ids[number % len(ids)]
        work = school.train(exercise, pupil, rng.choice((0.5, 1.0)))
        works.append(work)
        verdict, detail, seconds = school.submit(work, work.proof)
        rows["honest"].append((verdict == "accepted", seconds))
        if verdict != "accepted":
            misses.append(f"honest, {work.exercise.title}: {verdict}, {detail}")
        print(f"{number + 1} of {count}: {work.exercise.title}, {verdict}", file=sys.stderr)
    for number, work in enumerate(works):
        kind, forge = [*FORGERIES.items()][number % len(FORGERIES)]
        other = school.train(work.exercise.id, (work.pupil + 1) % len(school.pupils), 1.0)
        proof = json.loads(json.dumps(work.proof))
        expected = forge(proof, other, rng)
        verdict, detail, seconds = school.submit(work, proof)
        is_correct = verdict == "refused" and detail.startswith(expected)
        rows.setdefault(kind, []).append((is_correct, seconds))
        if not is_correct:
            misses.append(f"{kind}, {work.exercise.title}: {verdict}, {detail}")
        print(f"{number + 1} of {count}: {work.exercise.title}, {detail}", file=sys.stderr)
    print_table(
        f"Homework: {len(ids)} exercises of the course",
        ("kind", "submitted", "as it should be", "median s", "slowest s"),
        [
            [kind, str(len(r)), str(sum(ok for ok, _ in r)), *map("{:.2f}".format, times(r))]
            for kind, r in rows.items()
        ],
    )
    print("\n".join(misses))
    return not misses


def times(rows: list[tuple[bool, float]]) -> tuple[float, float]:
    seconds = [second for _, second in rows]
    return float(np.median(seconds)), max(seconds)


def main() -> int:
    arguments = options(__doc__).parse_args()
    with TemporaryDirectory(prefix="epochal-homework-") as name:
        homes, schools = Path(name, "home"), Path(name, "school")
        homes.mkdir()
        schools.mkdir()
        quiet = {"workers": 1, "log_level": "warning"}
        home = Stack(homes, f"sqlite:///{homes}/data/epochal.db", quiet)
        try:
            keys = [("--class", CLASS, "--count", str(PUPILS), "--json")]
            school = Stack(schools, f"sqlite:///{schools}/data/epochal.db", quiet, keys)
            try:
                return int(not measure(School(home, school), 14 if arguments.quick else 100))
            finally:
                school.stop()
        finally:
            home.stop()


if __name__ == "__main__":
    sys.exit(main())
