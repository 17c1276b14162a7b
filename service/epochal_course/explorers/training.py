"""A short training run: its first steps in detail, and its loss curve."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice

import numpy as np

from epochal_engine import Label as EngineLabel
from epochal_engine import (
    Loss,
    Network,
    Optimizer,
    Run,
    Training,
    baselines,
    comparable,
    find_loss,
    initial_losses,
    label,
    predict,
)
from epochal_engine.model import parameter_views
from epochal_engine.symbolic import Array, perform
from epochal_engine.training import Gradient, LayerSlices, Streams, update, with_column
from epochal_service.errors import FieldError, InvalidArgument
from epochal_service.specs.build import build_optimizer, build_schedule
from epochal_service.specs.diagnosis import Label

from ..specs.explorers.quantity import Quantity
from ..specs.explorers.training import (
    LayerStep,
    PlaneMap,
    PlaneSample,
    SimulateTrainingRequest,
    TrainingPlane,
    TrainingSimulation,
    TrainingStep,
)
from .explorer import Explorer
from .formulas import evaluation, expression, number, quantity, total
from .short_run import ShortRun, short_run, training_cost

MAX_SAMPLES_SHOWN = 32
MAP_POINTS = 40
"""Points of a map per axis."""


def training(request: SimulateTrainingRequest) -> TrainingSimulation:
    """Train without a job: forward pass, loss, backward pass and update of the first steps.

    Raises `InvalidArgument` for settings that do not fit together, and for more than the budget of
    one call.
    """
    run = short_run(request)
    cost = training_cost(request, run, request.epochs)
    settings = _settings(request)
    # A penalty or a rate may overflow float32, which then counts as divergence.
    with np.errstate(all="ignore"):
        whole = Run(run.network, settings, run.data)
        constant = baselines(run.network, request.loss, whole.data).constant.train
        initial = initial_losses(run.network, request.loss, whole.data, whole.weights()).train
        plane = _mapped(whole, request.maps) if request.maps else None
        for _ in whole:
            pass
    blocks = whole.take()
    assert whole.outcome is not None

    def column(name: str) -> list[float]:
        parts = [block.columns[name] for block in blocks if name in block.columns]
        return np.concatenate(parts).tolist() if parts else []

    losses, rates = column("train_loss"), column("learning_rate")
    labeled = label(
        losses,
        diverged=whole.outcome.stop_reason == "diverged",
        initial=comparable(run.network, initial),
        constant=constant,
    )
    steps = islice(_steps(run, settings, rates), request.steps)
    steps_per_epoch = run.steps(request.batch_size)
    return TrainingSimulation(
        steps=[_step(step, run, settings) for step in steps],
        train_loss=losses,
        train_accuracy=column("train_accuracy"),
        gradient_norm=column("gradient_norm"),
        learning_rate=rates,
        label=Label(**asdict(labeled)),
        stop_reason=whole.outcome.stop_reason,
        samples=run.samples,
        steps_per_epoch=steps_per_epoch,
        parameters=run.network.learned_size,
        cost=cost,
        verdict=_training_verdict(losses, labeled, steps_per_epoch),
        plane=plane,
    )


def _settings(request: SimulateTrainingRequest) -> Training:
    try:
        return Training(
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


def _mapped(run: Run, maps: int) -> TrainingPlane:
    """Train to the end, and map the output over the plane of inputs before, during and after."""
    network, data = run.network, run.data
    if network.input_shape != (2,) or network.output_shape != (1,):
        raise InvalidArgument.of(
            FieldError("maps", "must be 0 unless the network has two inputs and one output")
        )
    inputs = np.asarray(data.train_inputs, np.float64)
    low, high = inputs.min(axis=0), inputs.max(axis=0)
    margin = 0.08 * np.maximum(high - low, 1e-9)
    xs, ys = np.linspace(low - margin, high + margin, MAP_POINTS).T
    grid = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    epochs = run.training.epochs
    # Closer together at the beginning, where most changes.
    chosen = set((epochs * np.linspace(0.0, 1.0, maps) ** 2).round().astype(int).tolist())
    plane_maps = []

    def add_map(epoch: int) -> None:
        outputs = predict(network, run.weights(), grid).reshape(MAP_POINTS, MAP_POINTS)
        plane_maps.append(
            PlaneMap(epoch=epoch, outputs=outputs.astype(np.float64).round(3).tolist())
        )

    add_map(0)
    for epoch in run:
        diverged = run.outcome is not None and run.outcome.stop_reason == "diverged"
        if epoch in chosen and epoch > plane_maps[-1].epoch and not diverged:
            add_map(epoch)
    return TrainingPlane(
        x_values=xs.tolist(),
        y_values=ys.tolist(),
        samples=[
            PlaneSample(inputs=row, target=target)
            for row, target in zip(
                inputs.tolist(), np.ravel(data.train_targets).tolist(), strict=True
            )
        ],
        maps=plane_maps,
    )


def _training_verdict(losses: list[float], labeled: EngineLabel, steps: int) -> str:
    meaning = {
        "too_low": "the learning rate is too low, or the run too short: the loss hardly changed",
        "slow": "the loss falls, and would have kept falling",
        "good": "the learning rate suits the network and the data",
        "oscillating": "the loss rises again and again: the learning rate is too high",
        "diverged": "the learning rate is far too high: each step made the loss worse",
    }
    return (
        f"In {len(losses)} epochs of {steps} step{'s' if steps > 1 else ''} the loss went from "
        f"{number(losses[0])} to {number(losses[-1])}: {meaning[labeled.name]}."
    )


# ---------------------------------------------------------------- the first steps


@dataclass(frozen=True, eq=False)
class _Step:
    """One training step. Parameters, gradient and update are flat vectors."""

    index: int
    """From 0."""
    epoch: int
    """From 0."""
    samples: Array
    rate: float
    scores: Array
    """Logits where the loss includes the output activation, else predictions."""
    targets: Array
    before: Array
    gradient: Array
    update: Array
    after: Array


def _steps(run: ShortRun, settings: Training, rates: list[float]) -> Iterator[_Step]:
    """The steps of the run one by one: the same random streams, the same order, the same calls.

    `rates` are the learning rates of the run's epochs.
    """
    loop = _Loop(run, settings)
    samples = len(loop.inputs)
    batch = min(settings.batch_size or samples, samples)
    index = 0
    for epoch, rate in enumerate(rates):
        order = np.arange(samples)
        if batch < samples:
            loop.streams.shuffle.shuffle(order)
        for start in range(0, samples, batch):
            yield loop.step(index, epoch, order[start : start + batch], rate)
            index += 1


class _Loop:
    """The state of a training loop that takes one step at a time."""

    def __init__(self, run: ShortRun, settings: Training) -> None:
        network, data, dtype = run.network, run.data, settings.dtype
        self.network, self.settings = network, settings
        shape = (len(data.train_inputs), *network.output_shape)
        targets = find_loss(settings.loss).targets(data.train_targets, shape)
        self.inputs = np.ascontiguousarray(data.train_inputs, dtype)
        self.targets = np.ascontiguousarray(targets, dtype)
        size = sum(int(np.prod(shape)) for shape in network.parameters.values())
        self.vectors = {
            name: np.zeros(shape, dtype)
            for name, shape in {
                "parameters": (size,),
                "gradient": (size,),
                "step": (size,),
                "moments": (settings.optimizer.moments, size),
            }.items()
        }
        self.streams = Streams.from_seed(settings.seed)
        parameters = parameter_views(network, self.vectors["parameters"])
        for name, array in network.initial_parameters(rng=self.streams.weights).items():
            np.copyto(parameters[name], array)
        self.rate = np.zeros((), dtype)
        with np.errstate(all="ignore"):
            self.updates = update(network, settings, self.vectors, self.rate, 0)
        self.gradients: dict[int, Gradient] = {}
        """By the size of a batch."""

    def step(self, index: int, epoch: int, rows: Array, rate: float) -> _Step:
        """Train on these rows of the data, and return the step."""
        network, vectors, count = self.network, self.vectors, len(rows)
        self.rate[...] = rate
        if count not in self.gradients:
            self.gradients[count] = Gradient(
                network, self.settings.loss, count, self.settings.dtype
            )
        gradient = self.gradients[count]
        x, y = with_column(network, self.inputs[rows]), self.targets[rows]
        scores = np.empty((count, *network.output_shape), self.settings.dtype)
        before = vectors["parameters"].copy()
        with np.errstate(all="ignore"):
            # ------------------------------------------- forward, loss, backward; and update
            parts = gradient.parts(vectors["parameters"]), gradient.parts(vectors["gradient"])
            perform(gradient.bind(x, y, scores, *parts, self.streams.dropout))
            perform(self.updates)
            # ------------------------------------------------------------------------------
        return _Step(
            index=index,
            epoch=epoch,
            samples=rows,
            rate=float(self.rate),
            scores=scores.astype(np.float64),
            targets=y.astype(np.float64),
            before=before,
            gradient=vectors["gradient"].copy(),
            update=vectors["step"].copy(),
            after=vectors["parameters"].copy(),
        )


@dataclass(frozen=True, eq=False)
class _Measured:
    """The numbers of a step that the reply shows."""

    losses: Array
    """The loss of each sample."""
    layers: list[str]
    gradients: Array
    """The gradient norm of each layer."""
    updates: Array
    """The norm of the update of each layer."""
    ratios: Array
    """The norm of the update divided by the norm of the parameters, for each layer."""


def _measured(step: _Step, network: Network, loss: Loss) -> _Measured:
    segments = LayerSlices(network)
    with np.errstate(all="ignore"):
        gradients, updates, sizes = (
            np.sqrt(segments.squares(vector[None, :]))[0]
            for vector in (step.gradient, step.update, step.before)
        )
        return _Measured(
            losses=loss.values_from_logits(step.scores, step.targets),
            layers=list(segments.layers),
            gradients=gradients,
            updates=updates,
            ratios=np.divide(updates, sizes, out=np.zeros_like(updates), where=sizes > 0.0),
        )


def _step(step: _Step, run: ShortRun, settings: Training) -> TrainingStep:
    loss = find_loss(settings.loss)
    measured = _measured(step, run.network, loss)
    outputs = "logits" if loss.output_activation else "predictions"
    with np.errstate(all="ignore"):
        squares = np.square(measured.gradients)
        norm = float(np.sqrt(squares.sum()))
    return TrainingStep(
        step=step.index + 1,
        epoch=step.epoch + 1,
        samples=step.samples[:MAX_SAMPLES_SHOWN].tolist(),
        batch_size=len(step.samples),
        mean_output=_mean("mean output", step.scores, f"mean of the {outputs} over the batch"),
        loss=_mean("L", measured.losses, f"mean over the batch of {loss.formula}"),
        gradient_norm=quantity(
            "‖∇L‖",
            norm,
            "√ Σ over the layers of their squared gradient norms",
            expression("√({})", total(squares.tolist())),
        ),
        update=_update(step, run.network, settings.optimizer),
        learning_rate=step.rate,
        layers=[
            LayerStep(
                layer=name,
                gradient_norm=float(measured.gradients[k]),
                update_norm=float(measured.updates[k]),
                update_ratio=float(measured.ratios[k]),
            )
            for k, name in enumerate(measured.layers)
        ],
    )


def _mean(name: str, numbers: Array, formula: str) -> Quantity:
    """A mean; a sum of more than three numbers is shown as one number."""
    with np.errstate(all="ignore"):
        mean, sum_ = float(numbers.mean()), float(numbers.sum())
    terms = total(numbers.ravel().tolist()) if numbers.size <= 3 else expression("{}", sum_)
    if numbers.size == 1:
        return quantity(name, mean, formula, terms)
    template = "({{}}) / {}" if numbers.size <= 3 else "{{}} / {}"
    return quantity(name, mean, formula, expression(template.format(numbers.size), terms))


def _update(step: _Step, network: Network, optimizer: Optimizer) -> Quantity:
    """The update of the parameter with the largest gradient."""
    learned = np.abs(step.gradient[: network.learned_size])
    index = int(np.nan_to_num(learned, nan=0.0).argmax())
    name = _parameter_name(network, index)
    before, gradient, after = (
        float(vector[index]) for vector in (step.before, step.gradient, step.after)
    )
    change = expression("{} - {}", before, before - after)
    return Quantity(
        name=name,
        value=after,
        formula=optimizer.formula,
        substituted=f"{name}: g = {number(gradient)}, η = {number(step.rate)}; "
        f"w ← {evaluation(after, change)}",
    )


def _parameter_name(network: Network, index: int) -> str:
    for name, shape in network.parameters.items():
        size = int(np.prod(shape))
        if index < size:
            return name + "".join(f"[{i}]" for i in np.unravel_index(index, shape))
        index -= size
    raise IndexError(index)


TRAINING = Explorer(
    "A short training run, step by step",
    training,
    {
        "Two circles: the first three steps, and fifty epochs": {},
        "Iris in batches, with plain SGD": {
            "network": {
                "input_shape": [4],
                "layers": [
                    {"type": "dense", "units": 8, "activation": "relu"},
                    {"type": "dense", "units": 3, "activation": "softmax"},
                ],
            },
            "dataset": {"name": "iris"},
            "loss": "cross_entropy",
            "batch_size": 32,
            "epochs": 20,
            "optimizer": {"type": "sgd", "learning_rate": 0.05},
            "schedule": {"type": "cosine", "warmup_epochs": 2},
            "steps": 2,
        },
        "A learning rate that is too high, on four rows": {
            "network": {"input_shape": [1], "layers": [{"type": "dense", "units": 1}]},
            "dataset": {
                "inputs": [[1.0], [2.0], [3.0], [4.0]],
                "targets": [[2.0], [4.0], [6.0], [8.0]],
            },
            "loss": "mse",
            "epochs": 100,
            "optimizer": {"type": "sgd", "learning_rate": 0.2},
        },
    },
)
