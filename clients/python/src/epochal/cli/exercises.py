"""`epochal assign`, `epochal exercise`, `epochal exercises`: create, attempt and mark exercises."""

from __future__ import annotations

import json
from dataclasses import asdict
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
    as_json: JsonOption = False,
) -> None:
    """Attempt an exercise with other values of its open fields, and check its claims.

    Without --set, show the task. The exit code is 0 if all claims are met.
    """
    task = client.exercises.get(exercise)
    if not changes:
        print_json(asdict(task)) if as_json else _print_task(task)
        return
    body: dict[str, Any] = {"jobs": (task.experiment or {})["jobs"]}
    for assignment in changes:
        set_field(body, assignment)
    follow(client.exercises.attempt(task.id, body["jobs"]), as_json=as_json)


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
