"""`epochal sweep`: many variants of a job side by side, to see which of them suit it."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from itertools import groupby, product
from typing import Annotated, Any

import numpy as np
import typer
from rich.text import Text

from ..client import Client
from ..pictures.spark import spark
from ..sweeps import VARIED, Sweep
from ..types import Member, MemberCurve
from .inputs import JsonOption, SpecArgument, UrlOption, change, read_spec
from .output import duration, err, number, out, percent, print_json, print_table, seconds_between

_STYLES = {
    "too_low": "blue",
    "slow": "cyan",
    "good": "green",
    "oscillating": "yellow",
    "diverged": "red",
}


def sweep(
    spec: SpecArgument,
    learning_rate: Annotated[
        str | None,
        typer.Option(
            metavar="LOW..HIGH",
            help="From one rate to another, or a list: 0.01,0.1,1 "
            "[default: 1e-4..10, unless something else varies]",
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            min=2, help="Numbers between LOW and HIGH. [default: 32 rates, or 8 of others]"
        ),
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUES",
            help="Another thing to vary, e.g. seed=1,2,3, momentum=0.5,0.9, "
            "initializer=he_normal,xavier_uniform or initializer_gain=0.25..4; several of them "
            "are all combined.",
        ),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="E.g. optimizer.type=sgd"),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs, in place of the spec's.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed, in place of the spec's.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Submit, print the id, leave.")] = False,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a job in many variants at once, by learning rate if nothing else is said, and see which
    ones suit it.
    """
    body = read_spec(spec, url)
    for assignment in changes or ():
        change(body, assignment)
    if epochs is not None:
        body["epochs"] = epochs
    if seed is not None:
        body["seed"] = seed
    members = variants(learning_rate, vary or (), count)
    with Client(url) as client:
        made = client.sweeps.create(body, members)
        if detach:
            print_json(made.data) if as_json else out.print(made.id)
            return
        if not as_json:
            err.print(f"{made.id} · {len(members)} members · {made.parameters:,} parameters each")
        made.wait()
        curves = {} if as_json else made.curves()
    if as_json:
        print_json(made.data)
    else:
        _print(made, curves)
    if made.state != "succeeded":
        raise typer.Exit(1)


def variants(
    learning_rate: str | None, others: Sequence[str], count: int | None
) -> list[dict[str, Any]]:
    """Every combination of what varies: the learning rate, and others such as `seed=1,2`."""
    varied: dict[str, Sequence[float | str]] = {}
    for other in others:
        name, equals, text = other.partition("=")
        if not equals or name not in VARIED:
            raise typer.BadParameter(
                f"{other!r} is not of the form NAME=VALUES with a name of {', '.join(VARIED)}"
            )
        varied[name] = text.split(",") if name == "initializer" else numbers(text, count or 8)
    if learning_rate is not None or not varied:
        varied = {"learning_rate": numbers(learning_rate or "1e-4..10", count or 32)} | varied
    if "seed" in varied:
        varied["seed"] = [_whole(value) for value in varied["seed"]]
    return [dict(zip(varied, values, strict=True)) for values in product(*varied.values())]


def numbers(text: str, count: int) -> list[float]:
    """`1e-4..10` as `count` numbers at equal ratios, or `0.01,0.1` as they stand there."""
    low, dots, high = text.partition("..")
    try:
        found = [float(low), float(high)] if dots else [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or not all(math.isfinite(n) and (n > 0 if dots else n >= 0) for n in found):
        raise typer.BadParameter(
            f"{text!r} is neither a range such as 1e-4..10 nor a list such as 0.01,0.1"
        )
    if not dots:
        return found
    return [float(f"{number:.3g}") for number in np.geomspace(found[0], found[1], count)]


def _whole(value: float | str) -> int:
    if float(value) != int(value):
        raise typer.BadParameter(f"a seed is a whole number, and {value} is none")
    return int(value)


def _print(made: Sweep, curves: dict[int, MemberCurve]) -> None:
    """A row for each member, the bands of rates with one label, and the best member."""
    finite = [curve.values[np.isfinite(curve.values)] for curve in curves.values()]
    values = np.concatenate([np.empty(0), *finite])
    # One that ran away would flatten all others.
    low, high = (float(values.min()), float(np.quantile(values, 0.9))) if len(values) else (1, 1)
    varied = list(made.members[0].variant)
    print_table(
        (
            *(f">{name.replace('_', ' ').upper()}" for name in varied),
            "LABEL",
            ">LOSS",
            ">HELD OUT",
            ">ACCURACY",
            ">EPOCHS",
            "TRAINING LOSS",
        ),
        [
            (*_values(member), *_row(member, curves.get(member.index), low, high))
            for member in made.members
        ],
    )
    if varied == ["learning_rate"]:
        for line in bands(made):
            out.print(line)
    best = made.best
    if best is not None:
        told = zip(varied, _values(best), strict=True)
        out.print("lowest loss:", ", ".join(f"{n.replace('_', ' ')} {v}" for n, v in told))
    seconds = seconds_between(made.started_at, made.finished_at)
    took = f" in {duration(seconds)}" if seconds is not None else ""
    out.print(f"{made.id} {made.state} · {made.epoch:,} epochs of each{took}", soft_wrap=True)
    sys.stdout.flush()


def _values(member: Member) -> list[str]:
    """What the member has otherwise than the job, in words."""
    return [v if isinstance(v, str) else f"{v:.15g}" for v in member.variant.values()]


def _row(
    member: Member, curve: MemberCurve | None, low: float, high: float
) -> tuple[str | Text, ...]:
    latest, label = member.latest, member.label
    accuracy = None
    if latest is not None:
        held_out = latest.validation_accuracy
        accuracy = latest.train_accuracy if held_out is None else held_out
    return (
        Text(label.name.replace("_", " "), _STYLES[label.name]) if label else "–",
        number(latest.train_loss if latest else None),
        number(latest.validation_loss if latest else None),
        percent(accuracy),
        f"{member.epoch:,}",
        "" if curve is None else spark(curve.values, low, high),
    )


def bands(made: Sweep) -> list[Text]:
    """One line for each run of neighboring learning rates with the same label."""
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
