"""A schedule drawn before any training: the learning rate of every epoch."""

from __future__ import annotations

import numpy as np

from epochal_engine import Schedule

from ..specs.build import build_schedule
from ..specs.simulations.quantity import Quantity
from ..specs.simulations.training import (
    SchedulePoint,
    ScheduleSimulation,
    SimulateScheduleRequest,
)
from ..specs.training import ScheduleSpec
from .formulas import number


def schedule(request: SimulateScheduleRequest) -> ScheduleSimulation:
    """The learning rate of every epoch by a schedule, with its warm-up, before anything is trained.

    A `reduce_on_plateau` acts on the loss, which is not known before: what is told is the rate as
    long as the loss keeps falling.
    """
    spec, base, epochs = request.schedule, request.learning_rate, request.epochs
    # A warm-up longer than the run is cut short by its end.
    warmup = min(spec.warmup_epochs, epochs) if spec.type == "cosine" else 0
    made = build_schedule(spec)
    chosen = np.unique(
        np.linspace(0, epochs - 1, min(request.points, epochs)).round().astype(int)
    ).tolist()
    rates = [made.value(epoch, epochs, base) for epoch in range(epochs)]
    middle = warmup + (epochs - warmup) / 2
    return ScheduleSimulation(
        points=[
            SchedulePoint(
                epoch=epoch + 1,
                step=epoch * request.steps_per_epoch + 1,
                learning_rate=rates[epoch],
            )
            for epoch in chosen
        ],
        formula=_formula(spec),
        first=_at(made, spec, 0, epochs, base),
        midpoint=_at(made, spec, middle, epochs, base),
        last=_at(made, spec, epochs, epochs, base),
        highest=max(rates),
        warmup_epochs=warmup,
        total_steps=epochs * request.steps_per_epoch,
        verdict=_verdict(spec, rates, epochs),
    )


def _formula(spec: ScheduleSpec) -> str:
    match spec.type:
        case "constant":
            return "η(t) = η"
        case "step":
            return "η(t) = η·factor^⌊t / every⌋"
        case "exponential":
            return "η(t) = η·decay^⌊t⌋"
        case "cosine" if spec.warmup_epochs == 0:
            return "η(t) = η·(f + (1 - f)·(1 + cos(π·t / T)) / 2)"
        case "cosine":
            return (
                "η(t) = η·(t + 1) / (W + 1) for t < W, then "
                "η·(f + (1 - f)·(1 + cos(π·(t - W) / (T - W))) / 2)"
            )
        case "one_cycle":
            return (
                "half a cosine from initial_fraction·η up to η, then another down to "
                "final_fraction·η"
            )
        case _:
            return "η, times factor after every `patience` epochs without a better loss"


def _at(made: Schedule, spec: ScheduleSpec, t: float, epochs: int, base: float) -> Quantity:
    """The rate after `t` epochs, which may end in a half."""
    value = made.value(t, epochs, base)
    name = f"η({number(t)})"
    η, T = number(base), epochs
    match spec.type:
        case "step":
            numbers = f"{η}·{number(spec.factor)}^⌊{number(t)} / {spec.every}⌋"
        case "exponential":
            numbers = f"{η}·{number(spec.decay)}^⌊{number(t)}⌋"
        case "cosine" if t < spec.warmup_epochs:
            numbers = f"{η}·({number(t)} + 1) / ({spec.warmup_epochs} + 1)"
        case "cosine":
            w, f = spec.warmup_epochs, spec.final_fraction
            share = f"{number(t)} / {T}" if w == 0 else f"({number(t)} - {w}) / ({T} - {w})"
            numbers = f"{η}·({number(f)} + (1 - {number(f)})·(1 + cos(π·{share})) / 2)"
        case _:
            numbers = ""
    return Quantity(
        name=name,
        value=value,
        formula=_formula(spec),
        substituted=f"{name} = {numbers + ' = ' if numbers else ''}{number(value)}",
    )


def _verdict(spec: ScheduleSpec, rates: list[float], epochs: int) -> str:
    if spec.type == "constant":
        return f"The rate stays at {number(rates[0])} in all {epochs} epochs."
    if spec.type == "reduce_on_plateau":
        return (
            f"The rate stays at {number(rates[0])} until the loss has not fallen for "
            f"{spec.patience} epochs; then it is multiplied by {number(spec.factor)}."
        )
    top = int(np.argmax(rates))
    rise = (
        f"rises from {number(rates[0])} to {number(rates[top])} by epoch {top + 1} and "
        if top > 0
        else f"begins at {number(rates[0])} and "
    )
    return f"The rate {rise}is {number(rates[-1])} in epoch {epochs}, the last one."
