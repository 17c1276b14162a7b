"""Train every preset experiment through a whole service, and write what it shows.

    make history                                    all of them
    make history ARGS="--only gpt-2018 xor-1969"    these; the results of the others stay
    make history ARGS=--stale                       all with a changed spec or changed pictures

Each experiment gets a fresh start of `epochald up` with one worker, an empty data folder and free
ports. history.json in docs gets the results, and history.md the text for readers: each claim with
both its numbers for every seed, times, parameters and memory, beside the system of its year. The
first view of the page goes to `service/epochal_course/content/results/NAME.json`. A missed claim
is shown as missed, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import psutil
from benchmarks._report import machine
from tests.servers.stack import Stack

import epochal
from epochal.experiments import Experiment
from epochal.types import Fact, PresetExperiment
from epochal_course.content.history import PRESET_EXPERIMENTS

from .store_results import RESULTS, is_stale, write

DOCS = Path(__file__).resolve().parents[1] / "docs"
MEBIBYTE = 2**20
HEAD = """# The history, trained again

<!-- Written by `make history`. -->

Each experiment below trains what failed before a milestone beside what works since, through the
whole service: `epochald up` with one worker, an empty data folder, five seeds for weights and data.
The service evaluates the claims. Train one yourself with `epochal experiment {example}`, or on the
page *Experiments*.

- A value with two numbers is a difference: 0.2 = 0.9 − 0.7.
- *Processor time* is that of the worker process for all five seeds, with data and baselines. Beside
  many other programs it grows by up to two fifths, because they share the cache: see the load.
- *Memory* is the peak of the worker process, of which about 120 MiB are Python, NumPy and Celery.
- The systems of their time are not repeated: their facts are those of the timeline, with sources.
"""


# ------------------------------------------------------------------------------------ measurement


@contextmanager
def fresh_service() -> Iterator[tuple[Stack, epochal.Client]]:
    """Start a whole service with one worker, and stop it at the end."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        stack = Stack(folder, f"sqlite:///{folder}/epochal.db", {"workers": 1})
        try:
            with epochal.Client(stack.http) as client:
                yield stack, client
        finally:
            stack.stop()


def measure(
    stack: Stack, client: epochal.Client, ready: PresetExperiment
) -> tuple[str, dict[str, Any]]:
    """Train an experiment; return its id, and its results as JSON."""
    before = processor_seconds(stack)
    made = client.experiments.create(ready.spec).wait()
    return made.id, {
        "title": ready.title,
        "year": ready.year,
        "description": ready.description,
        "facts": facts_of(client, ready),
        "measured": f"{datetime.now(UTC):%Y-%m-%d}, {machine()}",
        "seeds": [int(seed) for seed in made.seeds],
        "state": made.state,
        "processor_seconds": processor_seconds(stack) - before,
        "peak_bytes": max((peak_bytes(process) for process in workers(stack)), default=0),
        "jobs": jobs_of(made),
        "claims": [
            {
                "text": claim.text,
                "outcome": claim.outcome,
                "met": claim.met,
                "runs": [
                    {
                        "outcome": run.outcome,
                        "value": run.value,
                        "job_value": run.job_value,
                        "minus_value": run.minus_value,
                    }
                    for run in claim.runs
                ],
            }
            for claim in made.claims
        ],
    }


def jobs_of(made: Experiment) -> dict[str, Any]:
    """Return the parameters, epochs and seconds of each job, the medians of its seeds."""
    jobs: dict[str, Any] = {}
    for name in dict.fromkeys(job.job for job in made.jobs):
        handles = [made.job(name, seed) for seed in made.seeds]
        seconds = [
            (job.finished_at - job.started_at).total_seconds()
            for job in handles
            if job.finished_at is not None and job.started_at is not None
        ]
        jobs[name] = {
            "parameters": next(job.parameters for job in made.jobs if job.job == name),
            "epochs": statistics.median(int(job.epoch) for job in made.jobs if job.job == name),
            "seconds": statistics.median(seconds) if seconds else None,
        }
    return jobs


def facts_of(client: epochal.Client, ready: PresetExperiment) -> list[str]:
    """Return facts of the system of that year, each with its source."""
    if ready.section == "zoo":
        known = client.course.architectures()
        same = [item for item in known if item.experiment == ready.name]
        return [f"{item.typical_size} {item.source}" for item in same]
    return [
        f"{number(fact.value)} {unit_of(fact)}{fact.text}: {fact.source}"
        for entry in client.course.timeline().entries
        if entry.year == ready.year
        for fact in entry.facts
    ]


def unit_of(fact: Fact) -> str:
    """Return the unit where the text begins without a noun, as in "3.5 days of training"."""
    return f"{fact.unit} " if fact.text.startswith("of ") and fact.unit not in fact.text else ""


def workers(stack: Stack) -> list[psutil.Process]:
    """Return the worker processes."""
    family = psutil.Process(stack.process.pid).children(recursive=True)
    return [process for process in family if "worker" in " ".join(process.cmdline()).split()]


def processor_seconds(stack: Stack) -> float:
    """Return the processor time of the workers since their start."""
    return sum(sum(process.cpu_times()[:2]) for process in workers(stack))


def peak_bytes(process: psutil.Process) -> int:
    """Return the largest resident memory of a process; elsewhere than on Linux, the present one."""
    with suppress(OSError):
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return int(process.memory_info().rss)


# ---------------------------------------------------------------------------------------- document


def document(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the results of experiments as Markdown, by year."""
    ordered = sorted(results.items(), key=lambda item: (item[1]["year"], item[0]))
    rows = [
        [
            f"[{result['year']}](#{anchor(result)})",
            result["title"],
            met(result),
            f"{result['processor_seconds']:.0f} s",
            f"{result['peak_bytes'] / MEBIBYTE:,.0f} MiB",
        ]
        for _, result in ordered
    ]
    header = ["year", "experiment", "claims met by every seed", "processor time", "memory"]
    parts = [HEAD.format(example=ordered[0][0]), *table(header, rows)]
    for name, result in ordered:
        parts += ["", *section(name, result)]
    return "\n".join(parts) + "\n"


def section(name: str, result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines about one experiment."""
    yield f"## {result['year']}: {result['title']}"
    yield f"\n`{name}`. {result['description']}\n"
    header = ["claim", "met", *(f"seed {seed}" for seed in result["seeds"])]
    yield from table(
        header,
        ([claim["text"], outcome(claim), *map(value, claim["runs"])] for claim in result["claims"]),
    )
    yield ""
    yield from table(
        ["job", "parameters", "epochs", "seconds of a run"],
        (
            [job, f"{row['parameters']:,}", f"{row['epochs']:g}", number(row["seconds"])]
            for job, row in result["jobs"].items()
        ),
    )
    yield (
        f"\nProcessor time {result['processor_seconds']:.0f} s, memory "
        f"{result['peak_bytes'] / MEBIBYTE:,.0f} MiB. Measured {result['measured']}."
    )
    if result["facts"]:
        yield "\nThe system of its time:\n"
        yield from (f"- {fact}" for fact in result["facts"])


def table(header: list[str], rows: Iterable[list[str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def met(result: Mapping[str, Any]) -> str:
    """Return how many claims are met by every seed."""
    claims = result["claims"]
    return f"{sum(claim['outcome'] == 'met' for claim in claims)} of {len(claims)}"


def outcome(claim: Mapping[str, Any]) -> str:
    """Return how many seeds meet a claim, and its outcome if that is not all."""
    text = f"{claim['met']} of {len(claim['runs'])}"
    return text if claim["outcome"] == "met" else f"**{text}: {claim['outcome']}**"


def value(run: Mapping[str, Any]) -> str:
    """Return the value of a claim for one seed; of a difference with both numbers."""
    if run["value"] is None:
        return str(run["outcome"])
    text = number(run["value"])
    if run["minus_value"] is not None:
        text += f" = {number(run['job_value'])} − {number(run['minus_value'])}"
    return text if run["outcome"] == "met" else f"**{text}**"


def number(given: float | None) -> str:
    """Return three significant digits, or all of a large number."""
    if given is None:
        return "–"
    text = f"{given:,.0f}" if abs(given) >= 1000 else f"{given:.3g}"
    return text.replace("-", "−", 1)


def anchor(result: Mapping[str, Any]) -> str:
    """Return the anchor of the heading of a section."""
    letters = "".join(c for c in f"{result['year']} {result['title']}".lower() if c not in ",:.'")
    return letters.replace(" ", "-")


def main(arguments: list[str] | None = None) -> int:
    """Measure and write; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="NAME", nargs="+", help="the experiments to train")
    parser.add_argument("--stale", action="store_true", help="those without results of their spec")
    parser.add_argument("--docs", type=Path, default=DOCS, help="the folder of the document")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder of the page")
    options = parser.parse_args(arguments)
    file = options.docs / "history.json"
    results: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    presets = {ready.name: ready for ready in PRESET_EXPERIMENTS}
    if unknown := {*(options.only or ())} - presets.keys():
        names = ", ".join(presets)
        parser.error(f"there is no {', '.join(sorted(unknown))}; the experiments are {names}")
    chosen = options.only or [
        name for name, ready in presets.items() if not options.stale or is_stale(ready)
    ]
    for name in chosen:
        with fresh_service() as (stack, client):
            made, results[name] = measure(stack, client, client.course.preset_experiment(name))
            with httpx2.Client(base_url=stack.http, trust_env=False, timeout=300) as http:
                write(http, presets[name], made, options.results)
        print(f"{name}: {met(results[name])} claims met by every seed", flush=True)
        results = {key: row for key, row in results.items() if key in presets}
        file.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
        (options.docs / "history.md").write_text(document(results))
    return int(any(c["outcome"] != "met" for name in chosen for c in results[name]["claims"]))


if __name__ == "__main__":
    sys.exit(main())
