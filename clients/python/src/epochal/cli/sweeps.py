"""`epochal sweep`: many learning rates side by side, to see which of them suit a job."""

from __future__ import annotations

import math
import sys
from itertools import groupby
from typing import Annotated

import numpy as np
import typer
from rich.text import Text

from ..client import Client
from ..pictures.spark import spark
from ..sweeps import Member, MemberCurve, Sweep
from .inputs import JsonOption, SpecArgument, UrlOption, change, read_spec
from .output import duration, err, number, out, percent, print_json, print_table, seconds_between

_STYLES = {
    "too_low": "blue",
    "slow": "cyan",
    "good": "green",
    "oscillating": "yellow",
    "diverged": "red",
}
MOST_MEMBERS = 64


def sweep(
    spec: SpecArgument,
    learning_rate: Annotated[
        str,
        typer.Option(metavar="LOW..HIGH", help="From one rate to another, or a list: 0.01,0.1,1"),
    ] = "1e-4..10",
    count: Annotated[
        int, typer.Option(min=2, max=MOST_MEMBERS, help="Rates between LOW and HIGH.")
    ] = 32,
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
    """Train a job at many learning rates at once, and see which ones suit it."""
    body = read_spec(spec)
    for assignment in changes or ():
        change(body, assignment)
    if epochs is not None:
        body["epochs"] = epochs
    if seed is not None:
        body["seed"] = seed
    rates = learning_rates(learning_rate, count)
    with Client(url) as client:
        made = client.sweeps.create(body, learning_rate=rates)
        if detach:
            print_json(made) if as_json else out.print(made.id)
            return
        if not as_json:
            err.print(f"{made.id} · {len(rates)} members · {made.parameters:,} parameters each")
        made.wait()
        curves = {} if as_json else made.curves()
    if as_json:
        print_json(made)
    else:
        _print(made, curves)
    if made.state != "succeeded":
        raise typer.Exit(1)


def learning_rates(text: str, count: int) -> list[float]:
    """`1e-4..10` as `count` rates at equal ratios, or `0.01,0.1` as they stand there."""
    low, dots, high = text.partition("..")
    try:
        rates = [float(low), float(high)] if dots else [float(part) for part in text.split(",")]
    except ValueError:
        rates = []
    if not rates or not all(math.isfinite(rate) and rate > 0 for rate in rates):
        raise typer.BadParameter(
            f"{text!r} is neither a range such as 1e-4..10 nor a list of rates"
        )
    if not dots:
        return rates
    return [float(f"{rate:.3g}") for rate in np.geomspace(rates[0], rates[1], count)]


def _print(made: Sweep, curves: dict[int, MemberCurve]) -> None:
    """A row for each member, the bands of rates with one label, and the best member."""
    finite = [curve.values[np.isfinite(curve.values)] for curve in curves.values()]
    values = np.concatenate([np.empty(0), *finite])
    # One that ran away would flatten all others.
    low, high = (float(values.min()), float(np.quantile(values, 0.9))) if len(values) else (1, 1)
    print_table(
        (">LEARNING RATE", "LABEL", ">LOSS", ">HELD OUT", ">ACCURACY", ">EPOCHS", "TRAINING LOSS"),
        [_row(member, curves.get(member.index), low, high) for member in made.members],
    )
    for line in bands(made):
        out.print(line)
    best = made.best
    if best is not None:
        out.print(f"lowest loss: learning rate {best.learning_rate:g}")
    seconds = seconds_between(made.started_at, made.finished_at)
    took = f" in {duration(seconds)}" if seconds is not None else ""
    out.print(f"{made.id} {made.state} · {made.epoch:,} epochs of each{took}", soft_wrap=True)
    sys.stdout.flush()


def _row(
    member: Member, curve: MemberCurve | None, low: float, high: float
) -> tuple[str | Text, ...]:
    latest, label = member.latest, member.label
    accuracy = None
    if latest is not None:
        held_out = latest.validation_accuracy
        accuracy = latest.train_accuracy if held_out is None else held_out
    return (
        f"{member.learning_rate:g}",
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
