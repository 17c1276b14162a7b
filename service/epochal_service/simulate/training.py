"""The training loop: its first steps taken apart, and the learning rates that suit it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby, islice
from typing import TypeAlias

import numpy as np

from epochal_engine import (
    LABELS,
    LabelName,
    Optimizer,
    Run,
    Sweep,
    Training,
    find_loss,
    label,
    predict,
)
from epochal_engine import Label as EngineLabel
from epochal_engine.network import Network, parameter_views
from epochal_engine.plan import perform
from epochal_engine.snapshots import Segments
from epochal_engine.step import Gradient, update, with_column
from epochal_engine.streams import Streams
from epochal_engine.trace import Array

from ..errors import FieldError, InvalidArgument
from ..specs.build import build_optimizer, build_schedule
from ..specs.diagnosis import Label
from ..specs.simulations.quantity import Quantity
from ..specs.simulations.training import (
    LayerStep,
    LearningRatesSimulation,
    PlaneMap,
    PlaneSample,
    RateBand,
    RateResult,
    SimulateLearningRatesRequest,
    SimulateTrainingRequest,
    TrainingPlane,
    TrainingSimulation,
    TrainingStep,
)
from .formulas import factor, number
from .short_run import ShortRun, priced, short_run

SAMPLES_TOLD = 32
CURVE_POINTS = 50
MAP_PLACES = 40
"""Of a map, along each side."""

_Found: TypeAlias = tuple[LabelName, Array]
"""The label of a run, and its losses."""

UPDATES = {
    "sgd": "w ← w - η·g",
    "perceptron": "w ← w - η·g",
    "momentum": "v ← μ·v + g, w ← w - η·v",
    "nesterov": "v ← μ·v + g, w ← w - η·(g + μ·v)",
    "adagrad": "s ← s + g², w ← w - η·g / (√s + ε)",
    "rmsprop": "s ← ρ·s + (1 - ρ)·g², w ← w - η·g / (√s + ε)",
    "adam": (
        "m ← β₁·m + (1 - β₁)·g, v ← β₂·v + (1 - β₂)·g², "
        "w ← w - η·(m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε)"
    ),
    "adamw": (
        "m ← β₁·m + (1 - β₁)·g, v ← β₂·v + (1 - β₂)·g², "
        "w ← (1 - η·λ)·w - η·(m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε)"
    ),
    "lion": "w ← w - η·(sign(β₁·m + (1 - β₁)·g) + λ·w), m ← β₂·m + (1 - β₂)·g",
    "muon": "M ← μ·M + G, W ← W - η·(μ·M + G, made orthogonal)",
}
"""What each optimizer makes of a gradient g at the learning rate η."""


def training(request: SimulateTrainingRequest) -> TrainingSimulation:
    """A short run without a job: forward, loss, backward, update, and the curve of the rest.

    Raises `InvalidArgument` for what does not fit together, and for more than the budget of one
    call.
    """
    run = short_run(request)
    price = priced(request, run, request.epochs)
    try:
        chosen = Training(
            request.loss,
            build_optimizer(request.optimizer),
            request.epochs,
            request.batch_size,
            build_schedule(request.schedule),
            seed=request.seed,
            gradients_every=0,
        )
    except ValueError as error:
        raise InvalidArgument.of(FieldError("optimizer", str(error))) from None
    # A penalty or a rate may be more than float32 holds; what comes of it is told as divergence.
    with np.errstate(all="ignore"):
        whole = Run(run.network, chosen, run.data)
        plane = _mapped(whole, request.maps) if request.maps else None
        for _ in whole:
            pass
    blocks = whole.take()
    assert whole.outcome is not None

    def column(name: str) -> list[float]:
        parts = [block.columns[name] for block in blocks if name in block.columns]
        return np.concatenate(parts).tolist() if parts else []

    losses, rates = column("train_loss"), column("learning_rate")
    said = label(losses, diverged=whole.outcome.stop_reason == "diverged")
    steps = [_told(step, run, chosen) for step in islice(_steps(run, chosen, rates), request.steps)]
    return TrainingSimulation(
        steps=steps,
        train_loss=losses,
        train_accuracy=column("train_accuracy"),
        gradient_norm=column("gradient_norm"),
        learning_rate=rates,
        label=_label(said),
        stop_reason=whole.outcome.stop_reason,
        samples=run.samples,
        steps_per_epoch=run.steps(request.batch_size),
        parameters=run.network.learnt_size,
        price=price,
        verdict=_training_verdict(losses, said, run.steps(request.batch_size)),
        plane=plane,
    )


def _mapped(run: Run, maps: int) -> TrainingPlane:
    """Train to the end; before, in between and after, what the network makes of the plane."""
    network, data = run.network, run.data
    if network.input_shape != (2,) or network.output_shape != (1,):
        raise InvalidArgument.of(FieldError("maps", "need a network of two inputs and one output"))
    inputs = np.asarray(data.train_inputs, np.float64)
    low, high = inputs.min(axis=0), inputs.max(axis=0)
    margin = 0.08 * np.maximum(high - low, 1e-9)
    xs, ys = np.linspace(low - margin, high + margin, MAP_PLACES).T
    grid = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    epochs = run.training.epochs
    # Most happens in the beginning, which is shown more closely.
    wanted = set((epochs * np.linspace(0.0, 1.0, maps) ** 2).round().astype(int).tolist())
    told = []

    def look(epoch: int) -> None:
        outputs = predict(network, run.weights(), grid).reshape(MAP_PLACES, MAP_PLACES)
        told.append(PlaneMap(epoch=epoch, outputs=outputs.astype(np.float64).round(3).tolist()))

    look(0)
    for epoch in run:
        diverged = run.outcome is not None and run.outcome.stop_reason == "diverged"
        if epoch in wanted and epoch > told[-1].epoch and not diverged:
            look(epoch)
    return TrainingPlane(
        x_values=xs.tolist(),
        y_values=ys.tolist(),
        samples=[
            PlaneSample(inputs=row, target=target)
            for row, target in zip(
                inputs.tolist(), np.ravel(data.train_targets).tolist(), strict=True
            )
        ],
        maps=told,
    )


def _label(said: EngineLabel) -> Label:
    return Label(
        name=said.name, level=said.level, late=said.late, undone=said.undone, swing=said.swing
    )


def _training_verdict(losses: list[float], said: EngineLabel, steps: int) -> str:
    meaning = {
        "too_low": "the rate is too low, or the run too short: the loss hardly moved",
        "slow": "it falls, and would have gone on falling",
        "good": "the rate suits the network and the data",
        "oscillating": "what the steps gained they lost again: the rate is too high",
        "diverged": "the steps were so long that each made things worse",
    }
    return (
        f"In {len(losses)} epochs of {steps} step{'s' if steps > 1 else ''} the loss went from "
        f"{number(losses[0])} to {number(losses[-1])}: {meaning[said.name]}."
    )


# ---------------------------------------------------------------- the first steps


@dataclass(frozen=True, eq=False)
class _Step:
    """One step, after it was taken."""

    index: int
    """Counted from 0."""
    epoch: int
    """Counted from 0."""
    samples: Array
    rate: float
    scores: Array
    targets: Array
    before: Array
    gradient: Array
    update: Array
    after: Array
    """All parameters, and what is to be done to them, as flat vectors."""


def _steps(run: ShortRun, chosen: Training, rates: list[float]) -> Iterator[_Step]:
    """The steps of the run, one by one: the same streams, the same order, the same calls.

    `rates` are those of the run's epochs.
    """
    network, data, dtype = run.network, run.data, chosen.dtype
    inputs = np.ascontiguousarray(data.train_inputs, dtype)
    targets = np.ascontiguousarray(
        find_loss(chosen.loss).targets(data.train_targets, (len(inputs), *network.output_shape)),
        dtype,
    )
    size = sum(int(np.prod(shape)) for shape in network.parameters.values())
    now = {
        name: np.zeros(shape, dtype)
        for name, shape in {
            "parameters": (size,),
            "gradient": (size,),
            "step": (size,),
            "moments": (chosen.optimizer.moments, size),
        }.items()
    }
    streams = Streams.from_seed(chosen.seed)
    parameters = parameter_views(network, now["parameters"])
    for name, array in network.first_weights(rng=streams.weights).items():
        np.copyto(parameters[name], array)
    rate = np.zeros((), dtype)
    with np.errstate(all="ignore"):
        updates = update(network, chosen, now, rate, 0)
    samples = len(inputs)
    batch = min(chosen.batch_size or samples, samples)
    compiled: dict[int, Gradient] = {}
    index = 0
    for epoch, now_at in enumerate(rates):
        order = np.arange(samples)
        if batch < samples:
            streams.shuffle.shuffle(order)
        rate[...] = now_at
        for start in range(0, samples, batch):
            rows = order[start : start + batch]
            count = len(rows)
            if count not in compiled:
                compiled[count] = Gradient(network, chosen.loss, count, dtype)
            one = compiled[count]
            x, y = with_column(network, inputs[rows]), targets[rows]
            scores = np.empty((count, *network.output_shape), dtype)
            before = now["parameters"].copy()
            with np.errstate(all="ignore"):
                # ------------------------------------------- forward, loss, backward; and update
                parts = one.parts(now["parameters"]), one.parts(now["gradient"])
                perform(one.bind(x, y, scores, *parts, streams.dropout))
                perform(updates)
                # ------------------------------------------------------------------------------
            yield _Step(
                index=index,
                epoch=epoch,
                samples=rows,
                rate=float(rate),
                scores=scores.astype(np.float64),
                targets=y.astype(np.float64),
                before=before,
                gradient=now["gradient"].copy(),
                update=now["step"].copy(),
                after=now["parameters"].copy(),
            )
            index += 1


def _told(step: _Step, run: ShortRun, chosen: Training) -> TrainingStep:
    network = run.network
    loss = find_loss(chosen.loss)
    segments = Segments(network)
    with np.errstate(all="ignore"):
        losses = loss.values_from_scores(step.scores, step.targets)
        mean_loss = float(losses.mean())
        mean_score = float(step.scores.mean())
        gradient, moved, length = (
            np.sqrt(segments.squares(vector[None, :]))[0]
            for vector in (step.gradient, step.update, step.before)
        )
        ratios = np.divide(moved, length, out=np.zeros_like(moved), where=length > 0.0)
        whole = float(np.sqrt(np.square(gradient).sum()))
    count = len(step.samples)
    shown = losses.ravel()[:3].tolist()
    rest = " + …" if losses.size > 3 else ""
    squares = np.square(gradient).tolist()
    scored = "logits" if loss.output_activation else "predictions"
    return TrainingStep(
        step=step.index + 1,
        epoch=step.epoch + 1,
        samples=step.samples[:SAMPLES_TOLD].tolist(),
        batch_size=count,
        forward=Quantity(
            name="mean score",
            value=mean_score,
            formula=f"the mean of the network's {scored} over the batch",
            substituted=(
                "("
                + " + ".join(factor(s) for s in step.scores.ravel()[:3].tolist())
                + (" + …" if step.scores.size > 3 else "")
                + f") / {step.scores.size} = {number(mean_score)}"
            ),
        ),
        loss=Quantity(
            name="L",
            value=mean_loss,
            formula=f"L = mean over the batch of {loss.formula}",
            substituted=(
                f"L = ({' + '.join(number(one) for one in shown)}{rest}) / {losses.size} = "
                f"{number(mean_loss)}"
            ),
        ),
        backward=Quantity(
            name="‖∇L‖",
            value=whole,
            formula="‖∇L‖ = √ Σ over the layers of the squared lengths of their gradients",
            substituted=f"‖∇L‖ = √({' + '.join(map(number, squares))}) = {number(whole)}",
        ),
        update=_update_in_words(step, network, chosen.optimizer),
        learning_rate=step.rate,
        layers=[
            LayerStep(
                layer=name,
                gradient_norm=float(gradient[k]),
                update_norm=float(moved[k]),
                update_ratio=float(ratios[k]),
            )
            for k, name in enumerate(segments.layers)
        ],
    )


def _update_in_words(step: _Step, network: Network, optimizer: Optimizer) -> Quantity:
    learnt = np.abs(step.gradient[: network.learnt_size])
    place = int(np.nan_to_num(learnt, nan=0.0).argmax())
    name = _parameter_at(network, place)
    old, slope, new = (float(vector[place]) for vector in (step.before, step.gradient, step.after))
    return Quantity(
        name=name,
        value=new,
        formula=UPDATES[optimizer.type],
        substituted=(
            f"{name}: g = {number(slope)}, η = {number(step.rate)}; "
            f"w ← {number(old)} - {factor(old - new)} = {number(new)}"
        ),
    )


def _parameter_at(network: Network, place: int) -> str:
    for name, shape in network.parameters.items():
        size = int(np.prod(shape))
        if place < size:
            return name + "".join(f"[{i}]" for i in np.unravel_index(place, shape))
        place -= size
    raise IndexError(place)


# ---------------------------------------------------------------- learning rates


def learning_rates(request: SimulateLearningRatesRequest) -> LearningRatesSimulation:
    """Where a learning rate is too low, slow, good, oscillating or diverging, by training at each.

    All rates are trained at once, each from the first weights of several seeds, and each curve is
    read as a job's is. What is told of a rate is the run in the middle: half of the others did
    better. More rates, seeds or epochs than one call may cost are for `POST /v1/sweeps`.

    Raises `InvalidArgument` for what does not fit together, and for more than the budget of one
    call.
    """
    return _learning_rates(request.model_dump_json())


# A sweep is the dearest of all answers, depends on the request alone, and is asked for again.
@lru_cache(maxsize=64)
def _learning_rates(asked: str) -> LearningRatesSimulation:
    request = SimulateLearningRatesRequest.model_validate_json(asked)
    if not request.lowest < request.highest:
        raise InvalidArgument.of(FieldError("highest", "must be greater than lowest"))
    run = short_run(request)
    price = priced(request, run, request.epochs, request.rates * request.seeds)
    rates = np.geomspace(request.lowest, request.highest, request.rates).tolist()
    optimizer = build_optimizer(request.optimizer)
    try:
        one = Training(
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
        replace(one, optimizer=replace(optimizer, learning_rate=rate), seed=request.seed + k)
        for rate in rates
        for k in range(request.seeds)
    ]
    with np.errstate(all="ignore"):
        sweep = Sweep(run.network, members, run.data)
        for _ in sweep:
            pass
    chosen = np.unique(np.linspace(1, request.epochs, CURVE_POINTS).round().astype(int))
    found = []
    for blocks, outcome in zip(sweep.take(), sweep.outcomes, strict=True):
        losses = np.concatenate([block.columns["train_loss"] for block in blocks])
        assert outcome is not None
        found.append((label(losses, diverged=outcome.stop_reason == "diverged").name, losses))
    results = []
    for rate, runs in zip(rates, _in_groups(found, request.seeds), strict=True):
        ordered = sorted(runs, key=lambda one: (LABELS.index(one[0]), _finite(float(one[1][-1]))))
        name, losses = ordered[len(ordered) // 2]
        results.append(
            RateResult(
                learning_rate=rate,
                label=name,
                labels=[each for each, _ in runs],
                final_loss=float(losses[-1]),
                curve=losses[chosen[chosen <= len(losses)] - 1].tolist(),
            )
        )
    bands = []
    for name, group in groupby(results, key=lambda result: result.label):
        within = [result.learning_rate for result in group]
        bands.append(RateBand(label=name, lowest=within[0], highest=within[-1], rates=len(within)))
    best = min(results, key=lambda result: _finite(result.final_loss)).learning_rate
    return LearningRatesSimulation(
        results=results,
        curve_epochs=chosen.tolist(),
        bands=bands,
        best=best,
        samples=run.samples,
        price=price,
        verdict=_rates_verdict(bands, best, request.optimizer.type),
    )


def _in_groups(runs: list[_Found], size: int) -> list[list[_Found]]:
    return [runs[start : start + size] for start in range(0, len(runs), size)]


def _finite(loss: float) -> float:
    """The loss, or what is worse than any."""
    return loss if np.isfinite(loss) else np.inf


def _rates_verdict(bands: list[RateBand], best: float, optimizer: str) -> str:
    good = max((b for b in bands if b.label == "good"), key=lambda b: b.rates, default=None)
    if good is None:
        said = (
            f"None of these rates is good for {optimizer} here: try a wider range, or more epochs."
        )
    else:
        said = (
            f"For {optimizer} here, rates from about {number(good.lowest)} to "
            f"{number(good.highest)} are good."
        )
    return (
        f"{said} The lowest loss was reached at {number(best)}. Each label was read off a curve; "
        "POST /v1/sweeps trains more rates, seeds and epochs."
    )
