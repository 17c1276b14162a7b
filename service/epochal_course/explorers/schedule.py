"""A learning rate schedule: the rate of every epoch, without training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from epochal_engine import Schedule
from epochal_service.specs.build import build_schedule
from epochal_service.specs.training import ScheduleSpec

from ..specs.explorers.quantity import Quantity
from ..specs.explorers.training import SchedulePoint, ScheduleSimulation, SimulateScheduleRequest
from .explorer import Explorer
from .formulas import Expression, expression, number, quantity


@dataclass(frozen=True)
class _Rates:
    """The learning rates of a schedule."""

    schedule: Schedule
    spec: ScheduleSpec
    base: float
    epochs: int
    warmup: int
    rates: list[float]
    """The rate of each epoch."""

    def at(self, t: float) -> float:
        """The rate after t epochs, which may be fractional."""
        return self.schedule.value(t, self.epochs, self.base)


def schedule(request: SimulateScheduleRequest) -> ScheduleSimulation:
    """Compute the learning rate of every epoch by a schedule, with its warm-up, without training.

    A `reduce_on_plateau` schedule depends on the loss, which is not known before training: its
    rates assume a loss that keeps falling.
    """
    computed = _computed(request)
    chosen = np.linspace(0, request.epochs - 1, min(request.points, request.epochs))
    warmup, epochs = computed.warmup, computed.epochs
    return ScheduleSimulation(
        points=[
            SchedulePoint(
                epoch=epoch + 1,
                step=epoch * request.steps_per_epoch + 1,
                learning_rate=computed.rates[epoch],
            )
            for epoch in np.unique(chosen.round().astype(int)).tolist()
        ],
        formula=_formula(request.schedule),
        first=_rate(computed, 0),
        midpoint=_rate(computed, warmup + (epochs - warmup) / 2),
        last=_rate(computed, epochs),
        highest=max(computed.rates),
        warmup_epochs=warmup,
        total_steps=epochs * request.steps_per_epoch,
        verdict=_verdict(request.schedule, computed.rates, epochs),
    )


def _computed(request: SimulateScheduleRequest) -> _Rates:
    spec, epochs = request.schedule, request.epochs
    made = build_schedule(spec)
    return _Rates(
        schedule=made,
        spec=spec,
        base=request.learning_rate,
        epochs=epochs,
        # A warm-up longer than the run ends with the run.
        warmup=min(spec.warmup_epochs, epochs) if spec.type == "cosine" else 0,
        rates=[made.value(epoch, epochs, request.learning_rate) for epoch in range(epochs)],
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
                "a half cosine from initial_fraction·η up to η, then one down to final_fraction·η"
            )
        case _:
            return "η, multiplied by factor after each `patience` epochs without a lower loss"


def _rate(rates: _Rates, t: float) -> Quantity:
    """The rate after t epochs."""
    η, T, time = rates.base, rates.epochs, f"{t:g}"
    terms: list[Expression] = []
    spec = rates.spec
    match spec.type:
        case "step":
            terms = [expression(f"{{}}·{{}}^⌊{time} / {spec.every}⌋", η, spec.factor)]
        case "exponential":
            terms = [expression(f"{{}}·{{}}^⌊{time}⌋", η, spec.decay)]
        case "cosine" if t < spec.warmup_epochs:
            terms = [expression(f"{{}}·({time} + 1) / ({spec.warmup_epochs} + 1)", η)]
        case "cosine":
            w, f = spec.warmup_epochs, spec.final_fraction
            share = f"{time} / {T}" if w == 0 else f"({time} - {w}) / ({T} - {w})"
            terms = [expression(f"{{}}·({{}} + (1 - {{}})·(1 + cos(π·{share})) / 2)", η, f, f)]
    rate = quantity(f"η({time})", rates.at(t), "", *terms)
    return rate.model_copy(update={"formula": _formula(spec)})


def _verdict(spec: ScheduleSpec, rates: list[float], epochs: int) -> str:
    if spec.type == "constant":
        return f"The learning rate is {number(rates[0])} in all {epochs} epochs."
    if spec.type == "reduce_on_plateau":
        return (
            f"The learning rate stays at {number(rates[0])} until the loss has not fallen for "
            f"{spec.patience} epochs, then is multiplied by {number(spec.factor)}."
        )
    top = int(np.argmax(rates))
    rise = (
        f"rises from {number(rates[0])} to {number(rates[top])} by epoch {top + 1} and "
        if top > 0
        else f"starts at {number(rates[0])} and "
    )
    return f"The learning rate {rise}is {number(rates[-1])} in the last epoch, {epochs}."


SCHEDULE = Explorer(
    "A learning rate schedule",
    schedule,
    {
        "From 3e-4 down to 3e-5 along half a cosine": {
            "schedule": {"type": "cosine", "final_fraction": 0.1},
            "learning_rate": 0.0003,
        },
        "The same after a warm-up, 50 steps an epoch": {
            "schedule": {"type": "cosine", "warmup_epochs": 10, "final_fraction": 0.1},
            "learning_rate": 0.0003,
            "epochs": 110,
            "steps_per_epoch": 50,
        },
        "A tenth after every 30 epochs": {
            "schedule": {"type": "step", "every": 30},
            "learning_rate": 0.1,
            "epochs": 90,
        },
    },
)
