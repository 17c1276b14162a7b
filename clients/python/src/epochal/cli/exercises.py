"""`epochal assign`, `epochal exercise`, `epochal exercises`: create, attempt and mark exercises."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from ..client import Client
from ..types import Attempt, Exercise, ExerciseResults
from .experiments import follow
from .inputs import STEP, JsonOption, UrlOption, change, read_claim, read_task
from .output import out, print_json, print_table

ExerciseArgument = Annotated[str, typer.Argument(metavar="EXERCISE", help="The id of an exercise.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="E.g. jobs.xor.epochs=200. The value is JSON."
    ),
]


def assign(
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
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create an exercise: an experiment with open fields, marked by its claims.

    Everybody who opens it reads the values of the open fields: change them with --set, so that they
    are not the solution. An uploaded data set is shared with everybody who knows the id, as long as
    the exercise exists. Prints the id to hand out.
    """
    body = read_task(spec, url)
    for assignment in changes or ():
        change(body, assignment)
    added = [read_claim(text, [*body["jobs"]]) for text in claims or ()]
    body["claims"] = [*body.get("claims", ()), *added]
    with Client(url) as client:
        made = client.exercises.create(
            body, title=title or body.get("name") or spec, text=text, open=open
        )
        print_json(asdict(made)) if as_json else out.print(made.id)


def exercise(
    exercise: ExerciseArgument,
    changes: SetOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Attempt an exercise with other values of its open fields, and check its claims.

    Without --set, show the task. The exit code is 0 if all claims are met.
    """
    with Client(url) as client:
        task = client.exercises.get(exercise)
        if not changes:
            print_json(asdict(task)) if as_json else _print_task(task)
            return
        body: dict[str, Any] = {"jobs": (task.experiment or {})["jobs"]}
        for assignment in changes:
            change(body, assignment)
        follow(client.exercises.attempt(task.id, body["jobs"]), as_json=as_json)


def exercises(
    exercise: Annotated[
        str | None,
        typer.Argument(metavar="[EXERCISE]", help="The id of an exercise, to see its results."),
    ] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """List exercises, or who has solved one of them."""
    with Client(url) as client:
        if exercise is not None:
            results = client.exercises.results(exercise)
            print_json(asdict(results)) if as_json else _print_results(results)
            return
        rows = list(client.exercises.list())
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    print_table(
        ("TITLE", "<OWNER", ">CLAIMS", "<CREATED", "<ID"),
        [
            (row.title, row.owner, str(len(row.claims)), f"{row.created_at:%Y-%m-%d}", row.id)
            for row in rows
        ],
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
    print_table(
        ("<OWNER", ">ATTEMPTS", "<SOLVED", "BEST ATTEMPT", "<LAST"),
        [
            (
                row.owner,
                str(row.attempts),
                "yes" if row.best is not None and row.best.solved else "no",
                _outcomes(row.best, results.claims),
                f"{row.last_attempt_at:%Y-%m-%d %H:%M}" if row.last_attempt_at else "–",
            )
            for row in results.results
        ],
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
