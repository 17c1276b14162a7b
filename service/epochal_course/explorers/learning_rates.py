"""Learning rates that suit a network and its data, found by training at many of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby

import numpy as np

from epochal_engine import (
    LABELS,
    LabelName,
    Sweep,
    Training,
    baselines,
    best_final_loss,
    comparable,
    initial_member_losses,
    label,
)
from epochal_engine.symbolic import Array
from epochal_service.errors import FieldError, InvalidArgument
from epochal_service.specs.build import build_optimizer

from ..specs.explorers.training import (
    LearningRatesSimulation,
    RateBand,
    RateResult,
    SimulateLearningRatesRequest,
)
from .explorer import Explorer
from .formulas import number
from .short_run import ShortRun, short_run, training_cost

CURVE_POINTS = 50


def learning_rates(request: SimulateLearningRatesRequest) -> LearningRatesSimulation:
    """Train at many learning rates, and label each: too low, slow, good, oscillating or diverged.

    All rates are trained at once, each with one or more seeds, and each loss curve is labeled like
    a job's curve. The median run of each rate is returned. `POST /v1/sweeps` trains more rates,
    seeds and epochs than one call may cost.

    Raises `InvalidArgument` for settings that do not fit together, and for more than the budget of
    one call.
    """
    return _learning_rates(request.model_dump_json())


# A sweep is the most expensive reply, depends on the request alone, and is often repeated.
@lru_cache(maxsize=64)
def _learning_rates(body: str) -> LearningRatesSimulation:
    request = SimulateLearningRatesRequest.model_validate_json(body)
    if not request.lowest < request.highest:
        raise InvalidArgument.of(
            FieldError(
                "highest",
                f"must be greater than lowest, {request.lowest:g}; got {request.highest:g}",
            )
        )
    run = short_run(request)
    cost = training_cost(request, run, request.epochs, request.rates * request.seeds)
    epochs = np.unique(np.linspace(1, request.epochs, CURVE_POINTS).round().astype(int))
    rates = np.geomspace(request.lowest, request.highest, request.rates).tolist()
    results = [
        _result(rate, runs, epochs)
        for rate, runs in zip(rates, _trained(request, run, rates), strict=True)
    ]
    bands = _bands(results)
    best = min(results, key=lambda result: _finite(result.final_loss)).learning_rate
    return LearningRatesSimulation(
        results=results,
        curve_epochs=epochs.tolist(),
        bands=bands,
        best_learning_rate=best,
        samples=run.samples,
        cost=cost,
        verdict=_verdict(bands, best, request.optimizer.type),
    )


@dataclass(frozen=True, eq=False)
class _Trained:
    """One training run."""

    label: LabelName
    losses: Array
    """The loss of each epoch."""


def _trained(
    request: SimulateLearningRatesRequest, run: ShortRun, rates: list[float]
) -> list[list[_Trained]]:
    """The runs of each rate, one for each seed, all trained in one sweep."""
    optimizer = build_optimizer(request.optimizer)
    try:
        base = Training(
            request.loss,
            optimizer,
            request.epochs,
            request.batch_size,
            seed=request.seed,
            gradients_every=0,
        )
    except ValueError as error:
        raise InvalidArgument.of(FieldError("optimizer", str(error))) from None
    members = [
        replace(base, optimizer=replace(optimizer, learning_rate=rate), seed=request.seed + k)
        for rate in rates
        for k in range(request.seeds)
    ]
    with np.errstate(all="ignore"):
        sweep = Sweep(run.network, members, run.data)
        constant = baselines(run.network, request.loss, sweep.data).constant.train
        initial = initial_member_losses(sweep, [run.network] * len(members))
        for _ in sweep:
            pass
    curves = [
        np.concatenate([block.columns["train_loss"] for block in blocks]) for blocks in sweep.take()
    ]
    diverged = [
        outcome is not None and outcome.stop_reason == "diverged" for outcome in sweep.outcomes
    ]
    best = best_final_loss(zip(curves, diverged, strict=True))
    runs = []
    for losses, start, has_diverged in zip(curves, initial, diverged, strict=True):
        labeled = label(
            losses,
            diverged=has_diverged,
            initial=comparable(run.network, start.train),
            constant=constant,
            best=best,
        )
        runs.append(_Trained(labeled.name, losses))
    return [runs[start : start + request.seeds] for start in range(0, len(runs), request.seeds)]


def _result(rate: float, runs: list[_Trained], epochs: Array) -> RateResult:
    """The median run at one rate, by label and then by its last loss."""
    ordered = sorted(
        runs, key=lambda run: (LABELS.index(run.label), _finite(float(run.losses[-1])))
    )
    median = ordered[len(ordered) // 2]
    return RateResult(
        learning_rate=rate,
        label=median.label,
        labels=[run.label for run in runs],
        final_loss=float(median.losses[-1]),
        curve=median.losses[epochs[epochs <= len(median.losses)] - 1].tolist(),
    )


def _bands(results: list[RateResult]) -> list[RateBand]:
    """Neighboring rates with the same label."""
    bands = []
    for name, group in groupby(results, key=lambda result: result.label):
        rates = [result.learning_rate for result in group]
        bands.append(RateBand(label=name, lowest=rates[0], highest=rates[-1], rates=len(rates)))
    return bands


def _finite(loss: float) -> float:
    """The loss, or infinity if it is not finite."""
    return loss if np.isfinite(loss) else np.inf


def _verdict(bands: list[RateBand], best: float, optimizer: str) -> str:
    good = max((b for b in bands if b.label == "good"), key=lambda b: b.rates, default=None)
    if good is None:
        result = (
            f"None of these rates is good for {optimizer} here: try a wider range or more epochs."
        )
    else:
        result = (
            f"Good learning rates for {optimizer} here are about {number(good.lowest)} to "
            f"{number(good.highest)}."
        )
    return (
        f"{result} The lowest loss was reached at {number(best)}. The labels come from the loss "
        "curves. POST /v1/sweeps trains more rates, seeds and epochs."
    )


LEARNING_RATES = Explorer(
    "Which learning rates suit a network and its data",
    learning_rates,
    {
        "Two circles with Adam": {},
        "Two circles with plain SGD and batches of ten": {
            "optimizer": {"type": "sgd"},
            "batch_size": 10,
            "epochs": 100,
            "lowest": 0.001,
            "rates": 12,
        },
    },
)
