"""`epochal assign`, `exercise`, `submit`, `exercises`: create, attempt and mark exercises."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from ..client import Client
from ..types import Attempt, Exercise, ExerciseResults
from .command import Output
from .experiments import follow
from .inputs import STEP, JsonOption, read_claim, read_task, set_field
from .output import out, print_json, print_rows, print_table

ExerciseArgument = Annotated[str, typer.Argument(metavar="EXERCISE", help="The id of an exercise.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="E.g. jobs.xor.epochs=200. The value is JSON."
    ),
]


def assign(
    client: Client,
    spec: Annotated[
        str,
        typer.Argument(
            metavar="SPEC",
            help="The experiment: a JSON file, `-` for standard input, a preset such as xor-1969, "
            "the id of an experiment, or a job (an id or `last`), which is called `network`.",
        ),
    ],
    open: Annotated[
        list[str],
        typer.Option(
            metavar="PATH",
            help="A field that others may change, e.g. jobs.xor.network.layers. Repeatable.",
        ),
    ],
    claims: Annotated[
        list[str] | None,
        typer.Option(
            "--claim",
            metavar="CLAIM",
            help="Another claim, e.g. network:validation_accuracy>=0.9. Repeatable.",
        ),
    ] = None,
    title: Annotated[str | None, typer.Option(help="Title. [default: the experiment's]")] = None,
    text: Annotated[str, typer.Option(help="The task in words.")] = "",
    changes: SetOption = None,
) -> Output:
    """Create an exercise: an experiment with open fields, marked by its claims.

    Everybody who opens it reads the values of the open fields: change them with --set, so that they
    are not the solution. An uploaded data set is shared with everybody who knows the id, as long as
    the exercise exists. Prints the id to hand out.
    """
    body = read_task(spec, client)
    for assignment in changes or ():
        set_field(body, assignment)
    added = [read_claim(text, [*body["jobs"]]) for text in claims or ()]
    body["claims"] = [*body.get("claims", ()), *added]
    made = client.exercises.create(
        body, title=title or body.get("name") or spec, text=text, open=open
    )
    yield asdict(made)
    out.print(made.id)


def exercise(
    client: Client,
    exercise: ExerciseArgument,
    changes: SetOption = None,
    spec: Annotated[
        bool,
        typer.Option(
            "--spec", help="Print the job, with your seed, to train it elsewhere and submit it."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Attempt an exercise with other values of its open fields, and check its claims.

    Without --set, show the task. The exit code is 0 if all claims are met.
    """
    task = client.exercises.get(exercise)
    if spec:
        print_json(_own_job(task, changes or ()))
        return
    if not changes:
        print_json(asdict(task)) if as_json else _print_task(task)
        return
    body: dict[str, Any] = {"jobs": (task.experiment or {})["jobs"]}
    for assignment in changes:
        set_field(body, assignment)
    follow(client.exercises.attempt(task.id, body["jobs"]), as_json=as_json)


def _own_job(task: Exercise, changes: Sequence[str]) -> dict[str, Any]:
    """Return the job of an exercise with these changes and the caller's seed."""
    body: dict[str, Any] = {"jobs": (task.experiment or {})["jobs"]}
    if len(body["jobs"]) > 1:
        text = f"{task.id} has {len(body['jobs'])} jobs: only a run of one job can be submitted"
        raise typer.BadParameter(text, param_hint="--spec")
    for assignment in changes:
        set_field(body, assignment)
    (job,) = body["jobs"].values()
    return {**job, "seed": task.seed}


def submit(
    client: Client,
    exercise: ExerciseArgument,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="From `epochal export JOB --format proof`.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Submit a run that was trained elsewhere: the service repeats it and compares every bit.

    Train the job of `epochal exercise ID --spec`, which has your seed, on any service. The exit
    code is 0 if the run is accepted and all claims are met, 5 if other software or another kind of
    processor trained it, so that its last bits differ.
    """
    follow(client.exercises.submit(exercise, file), as_json=as_json)


def exercises(
    client: Client,
    exercise: Annotated[
        str | None,
        typer.Argument(metavar="[EXERCISE]", help="The id of an exercise, to see its results."),
    ] = None,
) -> Output:
    """List exercises, or who has solved one of them."""
    if exercise is not None:
        results = client.exercises.results(exercise)
        yield asdict(results)
        _print_results(results)
        return
    rows = list(client.exercises.list())
    yield [asdict(row) for row in rows]
    print_rows(
        rows,
        {
            "TITLE": lambda row: row.title,
            "<OWNER": lambda row: row.owner,
            ">CLAIMS": lambda row: str(len(row.claims)),
            "<CREATED": lambda row: f"{row.created_at:%Y-%m-%d}",
            "<ID": lambda row: row.id,
        },
    )


def _print_task(task: Exercise) -> None:
    out.print(task.title, style="bold", markup=False)
    if task.text:
        out.print(task.text, markup=False)
    out.print()
    print_table(("CLAIM",), [(text,) for text in task.claims])
    out.print()
    experiment: dict[str, Any] = task.experiment or {}
    print_table(("<OPEN", "VALUE"), [(path, _value_at(experiment, path)) for path in task.open])
    out.print(f"\nepochal exercise {task.id} --set {task.open[0]}=…", soft_wrap=True, markup=False)
    out.print(f"Your seed, for a run that you train elsewhere: {task.seed}", soft_wrap=True)


def _value_at(spec: dict[str, Any], path: str) -> str:
    value: Any = spec
    for name, index in STEP.findall(path):
        value = value[name] if name else value[int(index)]
    return json.dumps(value)


def _print_results(results: ExerciseResults) -> None:
    print_rows(
        results.results,
        {
            "<OWNER": lambda row: row.owner,
            ">ATTEMPTS": lambda row: str(row.attempts),
            "<SOLVED": lambda row: "yes" if row.best and row.best.solved else "no",
            "BEST ATTEMPT": lambda row: _outcomes(row.best, results.claims),
            "PROOF": lambda row: _proof(row.best),
            "<LAST": lambda row: (
                f"{row.last_attempt_at:%Y-%m-%d %H:%M}" if row.last_attempt_at else "–"
            ),
        },
    )


def _outcomes(best: Attempt | None, claims: tuple[str, ...]) -> str:
    """Return e.g. `1 of 2: missed xor: parameters at most 60`."""
    if best is None:
        return "–"
    met = best.outcomes.count("met")
    others = [
        f"{outcome} {text}"
        for outcome, text in zip(best.outcomes, claims, strict=True)
        if outcome != "met"
    ]
    return f"{met} of {len(claims)}" + (f": {', '.join(others)}" if others else "")


def _proof(best: Attempt | None) -> str:
    """Return e.g. `accepted; the same curve as 10b.07`."""
    if best is None or best.proof is None:
        return "–"
    same_as = best.proof.same_as
    return best.proof.verdict + (f"; the same curve as {same_as}" if same_as else "")
