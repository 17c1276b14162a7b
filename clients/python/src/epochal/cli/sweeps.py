"""`epochal sweep`: many variants of a job side by side, to find good hyperparameters."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from functools import partial
from itertools import groupby, product
from typing import Annotated, Any

import typer
from rich.text import Text

from ..client import Client
from ..deferred import np
from ..pictures.spark import spark
from ..sweeps import VARIED, Sweep
from ..types import Member, MemberCurve
from .inputs import (
    DetachOption,
    EpochsOption,
    JsonOption,
    SeedOption,
    SpecArgument,
    read_spec,
    replace,
    set_field,
)
from .output import (
    Columns,
    accuracy_of,
    duration,
    err,
    number,
    out,
    percent,
    print_json,
    print_rows,
    seconds_between,
)

_STYLES = {
    "too_low": "blue",
    "slow": "cyan",
    "good": "green",
    "oscillating": "yellow",
    "diverged": "red",
}


def sweep(
    client: Client,
    spec: SpecArgument,
    learning_rate: Annotated[
        str | None,
        typer.Option(
            metavar="LOW..HIGH",
            help="Range of learning rates, or a list: 0.01,0.1,1 "
            "[default: 1e-4..10, unless something else varies]",
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            min=2, help="Number of values from LOW to HIGH. [default: 32 rates, or 8 others]"
        ),
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUES",
            help="Another field to vary, e.g. seed=1,2,3, momentum=0.5,0.9, "
            "initializer=he_normal,xavier_uniform or initializer_gain=0.25..4. Repeatable: all "
            "combinations are trained.",
        ),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="E.g. optimizer.type=sgd"),
    ] = None,
    epochs: EpochsOption = None,
    seed: SeedOption = None,
    detach: DetachOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train many variants of a job at once, by default over the learning rate, and compare them."""
    body = read_spec(spec, client)
    for assignment in changes or ():
        set_field(body, assignment)
    replace(body, epochs=epochs, seed=seed)
    members = variants(learning_rate, vary or (), count)
    made = client.sweeps.create(body, members)
    if detach:
        print_json(made.data) if as_json else out.print(made.id)
        return
    if not as_json:
        err.print(f"{made.id} · {len(members)} members · {made.parameters:,} parameters each")
    made.wait()
    if as_json:
        print_json(made.data)
    else:
        _print(made, made.curves())
    if made.state != "succeeded":
        raise typer.Exit(1)


def variants(
    learning_rate: str | None, others: Sequence[str], count: int | None
) -> list[dict[str, Any]]:
    """Return all combinations of the learning rates and of others, such as `seed=1,2`."""
    varied: dict[str, Sequence[float | str]] = {}
    for other in others:
        name, equals, text = other.partition("=")
        if not equals or name not in VARIED:
            raise typer.BadParameter(
                f"{other!r} must have the form NAME=VALUES; the names are {', '.join(VARIED)}"
            )
        varied[name] = text.split(",") if name == "initializer" else numbers(text, count or 8)
    if learning_rate is not None or not varied:
        varied = {"learning_rate": numbers(learning_rate or "1e-4..10", count or 32)} | varied
    if "seed" in varied:
        varied["seed"] = [_whole(value) for value in varied["seed"]]
    return [dict(zip(varied, values, strict=True)) for values in product(*varied.values())]


def numbers(text: str, count: int) -> list[float]:
    """Return `1e-4..10` as `count` numbers at equal ratios, or the list `0.01,0.1`."""
    low, dots, high = text.partition("..")
    try:
        values = [float(low), float(high)] if dots else [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if not values or not all(math.isfinite(n) and (n > 0 if dots else n >= 0) for n in values):
        raise typer.BadParameter(
            f"{text!r} must be a range such as 1e-4..10, or a list such as 0.01,0.1"
        )
    if not dots:
        return values
    return [float(f"{number:.3g}") for number in np.geomspace(values[0], values[1], count)]


def _whole(value: float | str) -> int:
    if float(value) != int(value):
        raise typer.BadParameter(f"A seed must be an integer; got {value}.")
    return int(value)


def _print(made: Sweep, curves: dict[int, MemberCurve]) -> None:
    """Print a row for each member, the ranges of rates with the same label, and the best member."""
    finite = [curve.values[np.isfinite(curve.values)] for curve in curves.values()]
    values = np.concatenate([np.empty(0), *finite])
    # A diverged member would flatten all other curves.
    low, high = (float(values.min()), float(np.quantile(values, 0.9))) if len(values) else (1, 1)
    varied = list(made.members[0].variant)
    columns: Columns[Member] = {
        f">{name.replace('_', ' ').upper()}": partial(_value, name=name) for name in varied
    }

    def shape(member: Member) -> str:
        curve = curves.get(member.index)
        return "" if curve is None else spark(curve.values, low, high)

    print_rows(made.members, {**columns, **_COLUMNS, "TRAINING LOSS": shape})
    if varied == ["learning_rate"]:
        for line in bands(made):
            out.print(line)
    best = made.best
    if best is not None:
        shown = (f"{name.replace('_', ' ')} {_value(best, name)}" for name in varied)
        out.print("lowest loss:", ", ".join(shown))
    seconds = seconds_between(made.started_at, made.finished_at)
    took = f" in {duration(seconds)}" if seconds is not None else ""
    out.print(f"{made.id} {made.state} · {made.epoch:,} epochs of each{took}", soft_wrap=True)
    if best is not None:
        out.print(f"as a job, with weights: epochal train {made.id}@{best.index}", soft_wrap=True)
    sys.stdout.flush()


def _value(member: Member, name: str) -> str:
    """Return the value of a field in which the member differs from the job."""
    value = member.variant[name]
    return value if isinstance(value, str) else f"{value:.15g}"


def _label(member: Member) -> str | Text:
    name = member.label.name if member.label else None
    return "–" if name is None else Text(name.replace("_", " "), _STYLES[name])


_COLUMNS: Columns[Member] = {
    "LABEL": _label,
    ">LOSS": lambda member: number(member.latest.train_loss if member.latest else None),
    ">VALIDATION": lambda member: number(member.latest.validation_loss if member.latest else None),
    ">ACCURACY": lambda member: percent(accuracy_of(member.latest)),
    ">EPOCHS": lambda member: f"{member.epoch:,}",
}


def bands(made: Sweep) -> list[Text]:
    """Return one line for each range of neighboring learning rates with the same label."""
    labeled = sorted(
        ((m.learning_rate, m.label.name) for m in made.members if m.label is not None),
        key=lambda pair: pair[0],
    )
    lines = []
    for name, run in groupby(labeled, key=lambda pair: pair[1]):
        rates = [rate for rate, _ in run]
        reach = f"{rates[0]:g}" if len(rates) == 1 else f"{rates[0]:g} to {rates[-1]:g}"
        lines.append(Text.assemble((f"{name.replace('_', ' '):>12}", _STYLES[name]), f"  {reach}"))
    return lines
