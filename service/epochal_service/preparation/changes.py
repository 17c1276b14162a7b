"""A prepared job with settings that change while it trains."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from operator import ge

import numpy as np

from epochal_engine import LOSSES, Network, Rows, Run, State, find_loss

from ..datasets import Dataset, DatasetError
from ..errors import FieldError, InvalidArgument
from ..resources import datasets
from ..settings import UNLIMITED, Limits
from ..specs.build import build_training
from ..specs.changes import between_epochs, changed
from ..specs.limits import check_network
from ..specs.networks import NetworkSpec
from ..specs.training import (
    ChangedTrainingSpec,
    SampleSpec,
    TrainingChangeSpec,
    TrainingSpec,
    WeightSpec,
)
from .prepared import (
    CHECKS,
    Array,
    Prepared,
    check_limits,
    cost_of,
    data_of,
    frozen,
    network_errors,
    range_errors,
    split_of,
)


def with_change(
    prepared: Prepared, change: ChangedTrainingSpec, limits: Limits = UNLIMITED
) -> Prepared:
    """Return the prepared job after a change. Raises `InvalidArgument` for one that does not fit.

    The weights that it sets are not part of it, see `changed_state`.
    """
    after = _with_fields(prepared, changed(prepared.spec, change), change, limits)
    errors = [
        FieldError(f"weights[{index}].{field}", text)
        for index, weight in enumerate(change.weights or ())
        for field, text in _weight_errors(after, weight)
    ]
    if errors:
        raise InvalidArgument.of(*errors)
    return after


def _with_fields(
    prepared: Prepared,
    spec: TrainingSpec,
    change: ChangedTrainingSpec,
    limits: Limits = UNLIMITED,
) -> Prepared:
    """Return the prepared job with the spec after a change. A data set is split before samples of
    it change, so that an added one is in the training part.
    """
    if change.dataset is not None and change.samples is not None:
        whole = changed(prepared.spec, ChangedTrainingSpec(dataset=change.dataset))
        prepared = with_settings(prepared, whole, limits)
    return with_settings(prepared, spec, limits, change.samples)


def with_settings(
    prepared: Prepared,
    spec: TrainingSpec,
    limits: Limits = UNLIMITED,
    samples: Sequence[SampleSpec] | None = None,
) -> Prepared:
    """Return the prepared job with the settings of another spec, which differs from its own as a
    change of a training may.

    The data set of the spec has these `samples` changed; without them, one that differs is split
    again. Raises `InvalidArgument` with all fields that do not fit.
    """
    former, is_other = prepared.spec, spec.dataset != prepared.spec.dataset
    if is_other:
        prepared = _with_dataset(prepared, spec, samples)
    check_limits(spec, prepared.dataset, limits)
    dataset = prepared.dataset
    network, errors = _changed_network(prepared, spec, limits)
    errors += [error for check in CHECKS for error in check(spec, network, dataset)]
    if errors:
        raise InvalidArgument.of(*errors)
    training = build_training(spec, dataset.ignore_label)
    training = replace(training, rollouts=prepared.training.rollouts)
    cost = cost_of(spec, network, len(prepared.rows.train), limits)
    rows, scaling, data = prepared.rows, prepared.scaling, prepared.data
    if is_other or spec.class_weights != former.class_weights:
        data = data_of(spec, dataset, prepared.targets, network, training, rows, scaling)
    return replace(prepared, spec=spec, network=network, training=training, data=data, cost=cost)


def _with_dataset(
    prepared: Prepared, spec: TrainingSpec, samples: Sequence[SampleSpec] | None
) -> Prepared:
    """Return the prepared job with the rows of the data set of the spec; see `with_settings`."""
    former, field = prepared.dataset, "dataset" if samples is None else "samples"
    if spec.corruption is not None or spec.rollouts is not None or LOSSES[spec.loss].rows > 1:
        text = "must stay with a corruption, rollouts, or a loss of pairs: fork the job instead"
        raise InvalidArgument.of(FieldError(field, text))
    dataset = datasets.load_inline_or_builtin(spec, field)
    counts = [
        (d.task, d.features, len(d.class_names), len(d.target_names)) for d in (former, dataset)
    ]
    if counts[0] != counts[1]:
        was, is_now = (
            f"{features} features and {classes or targets} {'classes' if classes else 'targets'}"
            for _, features, classes, targets in counts
        )
        text = f"must have {was} as before, not {is_now}: fork the job instead"
        raise InvalidArgument.of(FieldError(field, text))
    count = former.samples - former.validation_samples
    try:
        if former.validation_samples:
            dataset = dataset.with_validation(former.taken(np.arange(count, former.samples)))
        targets = dataset.encoded_targets(spec.loss)
    except DatasetError as error:
        raise datasets.invalid_argument(error, field) from None
    if errors := range_errors(spec, dataset, targets, field):
        raise InvalidArgument.of(*errors)
    rows = split_of(spec, dataset) if samples is None else _moved(prepared, dataset, samples)
    return replace(prepared, dataset=dataset, targets=targets, rows=rows)


def _moved(prepared: Prepared, dataset: Dataset, samples: Sequence[SampleSpec]) -> Rows:
    """Return the parts of a data set with some samples changed. Raises `InvalidArgument` if a part
    loses its last sample.
    """
    former = prepared.rows
    rows = [*range(prepared.dataset.samples - prepared.dataset.validation_samples)]
    for sample in samples:
        if sample.index is None:
            rows.append(-1)
        elif sample.inputs is None:
            del rows[sample.index]
    position = {row: index for index, row in enumerate(rows)}
    count = len(rows)
    added = [index for index, row in enumerate(rows) if row < 0]

    def moved(part: Array, *more: int) -> Array:
        return np.array([*(position[r] for r in part.tolist() if r in position), *more], np.intp)

    train, test = moved(former.train, *added), moved(former.test)
    validation = moved(former.validation)
    if dataset.validation_samples:
        validation = np.arange(count, dataset.samples)
    for name, part, before in (
        ("training", train, former.train),
        ("validation", validation, former.validation),
        ("test", test, former.test),
    ):
        if len(part) == 0 < len(before):
            text = f"must leave a sample in the {name} part"
            raise InvalidArgument.of(FieldError("samples", text))
    return replace(former, train=train, validation=validation, test=test)


def _changed_network(
    prepared: Prepared, spec: TrainingSpec, limits: Limits
) -> tuple[Network, list[FieldError]]:
    """Return the network of the spec, and the errors if it does not fit the prepared one."""
    former = prepared.network
    if (spec.network, spec.freeze) == (prepared.spec.network, prepared.spec.freeze):
        return former, []
    assert isinstance(spec.network, NetworkSpec)
    network = frozen(spec, check_network(spec.network, limits))
    if network.input_shape != former.input_shape or network.output_shape != former.output_shape:
        text = "must have inputs and outputs of the same shapes as before: fork the job instead"
        return network, [FieldError("network", text)]
    names = network.parameters.items() ^ former.parameters.items()
    if names:
        which = ", ".join(sorted({name for name, _ in names})[:3])
        text = (
            f"must have the same parameters as before, but {which} differs: fork the job with "
            "initial_weights.resize instead"
        )
        return network, [FieldError("network.layers", text)]
    return network, network_errors(spec, spec.network, network, prepared.dataset, prepared.targets)


def _weight_errors(prepared: Prepared, weight: WeightSpec) -> Iterator[tuple[str, str]]:
    """Yield the fields that do not fit the network, and texts for them."""
    arrays = prepared.network.parameters
    shape = arrays.get(f"{weight.layer}.{weight.array}")
    if weight.layer not in prepared.network.names:
        names = ", ".join(prepared.network.names)
        yield "layer", f"must be a layer: there is no {weight.layer}, only {names}"
    elif shape is None:
        names = ", ".join(n.partition(".")[2] for n in arrays if n.startswith(f"{weight.layer}."))
        yield "array", f"must be an array of {weight.layer}: {names or 'it has none'}"
    elif len(weight.index) != len(shape) or any(map(ge, weight.index, shape)):
        text = f"must be a position in {weight.layer}.{weight.array}, whose shape is {[*shape]}"
        yield "index", text
    elif abs(weight.value) > (largest := float(np.finfo(prepared.training.dtype).max)):
        yield "value", f"must be at most {largest:.2g}, the largest {prepared.training.dtype}"


def changed_state(run: Run, after: Prepared, change: ChangedTrainingSpec) -> State:
    """Return the state that a run continues from after a change: `after` is what it then trains."""
    state = run.state_for(after.network, after.training)
    for weight in change.weights or ():
        state.current(f"{weight.layer}.{weight.array}")[tuple(weight.index)] = weight.value
    return state


def at_epoch(prepared: Prepared, epoch: float = math.inf) -> Prepared:
    """Return the prepared job with its changes up to an epoch made, by default all of them."""
    made = [change.training for change in prepared.spec.changes if change.epoch <= epoch]
    spec = prepared.spec
    for change in made:
        spec = changed(spec, change)
        if change.dataset is not None or change.samples is not None:
            prepared = _with_fields(prepared, spec, change)
    return with_settings(prepared, spec) if made else prepared


@dataclass(frozen=True)
class _Moment:
    """A moment of a training: steps and samples of the epoch after `epoch` that are taken."""

    epoch: int
    step: int = 0
    samples: int = 0

    def moved(self, prepared: Prepared, change: TrainingChangeSpec, path: str) -> _Moment:
        """Return the moment of a change in the same epoch. Raises `InvalidArgument`."""
        if change.step == self.step:
            return self
        training, rows = prepared.training, len(prepared.rows.train)
        count = rows // find_loss(training.loss).rows
        batch = training.samples_per_step(count)
        steps = self.step + math.ceil((count - self.samples) / batch)
        text = None
        if training.rollouts is not None:
            text = "must be 0 with rollouts, which write the samples of an epoch"
        elif not self.step < change.step < steps:
            text = f"must be greater than {self.step}, and less than the {steps} steps of the epoch"
        elif waiting := between_epochs(change.training):
            text = f"must be 0: {waiting[0]} changes between two epochs"
        if text is not None:
            raise InvalidArgument.of(FieldError(f"{path}.step", text))
        samples = self.samples + (change.step - self.step) * batch
        return _Moment(self.epoch, change.step, samples)


def after_changes(prepared: Prepared, limits: Limits = UNLIMITED) -> Prepared:
    """Return what the run has once all changes of its spec are made.

    Raises `InvalidArgument` for a change that does not fit.
    """
    last, end = None, prepared
    for index, change in enumerate(prepared.spec.changes):
        path = f"changes[{index}]"
        if last is not None and change.epoch < last.epoch:
            text = f"must be later than {last.epoch}"
            raise InvalidArgument.of(FieldError(f"{path}.epoch", text))
        if change.epoch >= end.spec.epochs:
            text = f"must be less than the {end.spec.epochs} epochs of the job"
            raise InvalidArgument.of(FieldError(f"{path}.epoch", text))
        if last is None or change.epoch > last.epoch:
            last = _Moment(change.epoch)
        last = last.moved(end, change, path)
        try:
            end = with_change(end, change.training, limits)
        except InvalidArgument as error:
            errors = (FieldError(f"{path}.training.{e.field}", e.description) for e in error.errors)
            raise InvalidArgument.of(*errors, reason=error.reason) from None
    return end
