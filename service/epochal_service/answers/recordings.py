"""The stored records of a job's training, as a training program needs them.

The training is repeated here as well, for its states: with the software and on the kind of
processor that trained it, every bit is the same. A stored number that differs is a contradiction,
which the program reports. Elsewhere the bits may be the same, too.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

import epochal_engine as engine
from epochal_engine.export.training import At, Contradiction, Recording
from epochal_engine.training import check_data, join, steps_per_epoch

from ..curves.epochs import merge, unpack_gradients
from ..errors import Conflict, NotFound
from ..jobs import lifecycle
from ..jobs.endings import dump_best
from ..jobs.kernel import kernel
from ..large import require_small
from ..preparation import baselines
from ..preparation.changes import with_change
from ..preparation.prepare import prepare
from ..preparation.prepared import Prepared, forked
from ..settings import Limits
from ..specs.training import TrainingSpec
from ..store import Access, Connection, Database, checkpoints
from ..store import log as job_log
from ..store.packing import unpack
from .sources import source_of

BESIDE_LOOP_SECONDS = 0.02
"""A training up to this long may be repeated beside the event loop."""
REPEAT_SECONDS = 10.0
"""The processor time of a repetition. A longer training has states of its first epochs."""
STATE_BYTES = 24_000_000
"""All states of a program together. The number of epochs between states follows from this limit."""
CLOSENESS = {32: STATE_BYTES, 4: 4_000_000}
"""By the steps between two states within an epoch, at least: the bytes of all states together."""
CHECKPOINT_BYTES = 12_000_000
"""All stored checkpoints in a program together."""
NOT_FOLLOWED = {
    "weights": "weights were set by hand then",
    **dict.fromkeys(
        ("dataset", "samples", "class_weights", "augmentation", "clear"),
        "the data changed then",
    ),
    **dict.fromkeys(("freeze", "unfreeze"), "other layers were frozen then"),
}
"""Changes of a training that the program does not follow, and why it ends there."""

Array = NDArray[Any]
Columns = Mapping[str, Array]
Weights = Mapping[int, Mapping[str, Array]]


def recording_of(database: Database, job_id: str, access: Access, limits: Limits) -> Recording:
    """Return the training of the job up to its latest stored epoch, or to a change that the
    program does not follow.

    Raises `NotFound` if no epoch is stored yet, or the job's data set was deleted; `Conflict` if
    such a change came before the first epoch.
    """
    with database.read() as connection:
        row = lifecycle.find(connection, job_id, access)
        segment = merge((first, body) for first, _, body in job_log.bodies(connection, job_id))
        if segment is None:
            raise NotFound(
                f"The job is {row.state} and has no epoch yet", reason="checkpoint_not_found"
            )
        if segment.columns["seconds"].sum() > BESIDE_LOOP_SECONDS:
            require_small(sys.maxsize)
        gradients = unpack_gradients(blob for _, _, blob in job_log.gradients(connection, job_id))
        weights, too_many = _checkpoints(connection, job_id)
        notes = map(json.loads, job_log.notes(connection, job_id, "state"))
        kernels = {note.get("kernel") for note in notes if note["state"] == "running"}
    spec = TrainingSpec.model_validate_json(row.spec)
    prepared = prepare(database, spec, Access(row.owner), limits, stored=True)
    network, data = prepared.network, prepared.data
    settings, last, ends = _settings(prepared, len(segment.columns["train_loss"]))
    training = settings.pop(0).training
    columns = {name: c[:last] for name, c in segment.columns.items() if name != "seconds"}
    weights = {epoch: arrays for epoch, arrays in weights.items() if epoch <= last}
    gradients = None if gradients is None else _until(last, gradients)
    initial = weights.pop(0, None)
    state = None
    if initial is not None and spec.initial_weights is not None:
        state = forked(prepared, initial)
    epochs = len(columns["train_loss"])
    settings = {epoch: later for epoch, later in settings.items() if epoch < epochs}
    run = engine.Run(network, training, data, state, steps_between(network, training, data, epochs))
    drawn = run.weights()
    is_here = kernels == {kernel()}
    # Versions before boosted trees stored none.
    omitted = {"boosted"} if row.baselines and '"boosted"' not in row.baselines else None
    first = baselines.of_job(run, prepared.dataset) if is_here else None
    repetition = repeat(run, settings, columns, gradients, {0: initial or drawn, **weights})
    if first is None:
        repetition = repetition.elsewhere()
    else:
        if row.baselines not in (None, first.model_dump_json(exclude=omitted)):
            repetition.contradictions.append(("baselines", "", 0))
        if repetition.epoch == row.epoch and row.best != dump_best(repetition.best):
            repetition.contradictions.append(("best", "", row.epoch))
    return Recording(
        name=job_id,
        network=network,
        training=training,
        data=check_data(network, training, data),
        initial_weights=initial or drawn,  # Earlier versions stored none.
        columns=columns,
        gradients=gradients,
        checkpoints=weights,
        states=repetition.states,
        omitted=too_many,
        contradictions=repetition.contradictions,
        changes={epoch: later.training for epoch, later in settings.items()},
        networks={epoch: later.network for epoch, later in settings.items()},
        source=source_of(prepared),
        ends=ends,
    )


def _settings(prepared: Prepared, epochs: int) -> tuple[dict[int, Prepared], int, str]:
    """Return the settings of the job by the epoch that they follow, from 0 on; the last epoch that
    a program follows, and why it ends there, if that is before the last of `epochs`.

    Raises `Conflict` if it follows none.
    """
    settings = {0: prepared}
    for change in prepared.spec.changes:
        if change.epoch >= epochs:
            break
        texts = [t for n, t in NOT_FOLLOWED.items() if getattr(change.training, n) is not None]
        if change.step:
            texts.append("it changes within an epoch, and the program changes between two epochs")
        if texts and change.epoch == 0:
            raise Conflict(f"No program verifies the job: {texts[0]}", reason="job_state")
        if texts:
            return settings, change.epoch, texts[0]
        prepared = with_change(prepared, change.training)
        settings[change.epoch] = prepared
    return settings, epochs, ""


def _until(epoch: int, gradients: engine.Gradients) -> engine.Gradients:
    n = int(np.searchsorted(gradients.epochs, epoch, side="right"))
    numbers = gradients.statistics[:n], gradients.histogram[:n]
    return engine.Gradients(gradients.epochs[:n], gradients.layers, *numbers)


def _checkpoints(connection: Connection, job_id: str) -> tuple[dict[int, dict[str, Array]], int]:
    """Return the stored weights by epoch, the first and the last among them, and how many are left
    out because there are too many.
    """
    sizes = checkpoints.sizes(connection, job_id)
    epochs = [*sizes]
    every = max(1, math.ceil(sum(sizes.values()) / CHECKPOINT_BYTES))
    chosen = sorted({*epochs[::every], *epochs[-1:]})
    blobs = ((epoch, checkpoints.find(connection, job_id, epoch)) for epoch in chosen)
    weights = {epoch: unpack(blob[1]) for epoch, blob in blobs if blob is not None}
    return weights, len(epochs) - len(chosen)


@dataclass(frozen=True)
class Repetition:
    """The results of a repeated training."""

    states: dict[At, engine.State] = field(default_factory=dict)
    contradictions: list[Contradiction] = field(default_factory=list)
    same_until: int = 0
    """The last epoch up to which all stored weights are the same."""
    epoch: int = 0
    """The last epoch that was repeated."""
    best: engine.Best | None = None

    def elsewhere(self) -> Repetition:
        """Return the repetition of a training by other software or on another processor.

        Other bits contradict nothing there, and states after the last weights are unknown.
        """
        states = self.states.items()
        return Repetition(
            {at: s for at, s in states if (at if isinstance(at, int) else at[0]) <= self.same_until}
        )


def repeat(
    run: engine.Run,
    settings: Mapping[int, Prepared],
    columns: Columns,
    gradients: engine.Gradients | None,
    weights: Weights,
) -> Repetition:
    """Train the stored number of epochs, while time lasts.

    `run` begins where the job did, and continues with other settings after some epochs; `columns`,
    `gradients` and `weights` are stored.
    """
    epochs = len(columns["train_loss"])
    began, states, step = process_time(), dict[At, engine.State](), 0
    contradictions, same_until = [*_other_weights(0, run.weights(), weights)], 0
    blocks: list[engine.Block] = []
    for end in (*settings, epochs):
        network, training, data = run.network, run.training, run.data
        every = math.ceil(epochs * state_bytes(network, training) / STATE_BYTES)
        is_within = steps_between(network, training, data, epochs) < math.inf
        for epoch in run:
            if process_time() - began > REPEAT_SECONDS:  # also within an epoch, which may be long
                break
            if not run.at_boundary:
                if run.step > step and is_within:
                    arrays = run.arrays_within()
                    if all(np.isfinite(array).all() for array in arrays.values()):
                        states[epoch + 1, run.step] = engine.State(arrays, {})
                step = run.step
                continue
            if epoch in weights:
                contradictions += _other_weights(epoch, run.weights(), weights)
                same_until = same_until if contradictions else epoch
            if epoch % every == 0:
                state = run.state()
                if state.values["epoch"] == epoch:  # and not that before a divergence
                    states[epoch] = state
            if epoch == end:
                break
        blocks += run.take()
        if run.epoch < end or end == epochs:
            break
        network, training = settings[end].network, settings[end].training
        state = run.state_for(network, training)
        at_once = steps_between(network, training, data, epochs)
        run = engine.Run(network, training, data, state, at_once)
    repetition = Repetition(states, contradictions, same_until, run.epoch, run.best())
    if not blocks:
        return repetition
    block = join(blocks)
    contradictions += _other_columns(block.columns, columns)
    if block.gradients is not None and gradients is not None:
        contradictions += _other_gradients(block.gradients, gradients)
    return repetition


def state_bytes(network: engine.Network, training: engine.Training) -> int:
    """Return the bytes of the weights and the moments."""
    numbers = network.size + training.optimizer.moments * network.changing_size
    return numbers * np.dtype(training.dtype).itemsize


def steps_between(
    network: engine.Network, training: engine.Training, data: engine.Data, epochs: int
) -> float:
    """Return how many steps lie between two states at least; infinite if whole epochs do."""
    size, steps = epochs * state_bytes(network, training), steps_per_epoch(training, data)
    return min(
        max(least, steps / (limit // size - 1)) if steps > least and limit >= 2 * size else math.inf
        for least, limit in CLOSENESS.items()
    )


def _other_weights(
    epoch: int, repeated: Mapping[str, Array], stored: Weights
) -> Iterator[Contradiction]:
    for name, array in repeated.items():
        if not np.array_equal(array, stored[epoch][name], equal_nan=True):
            yield f"weights of {name.partition('.')[0]}", name, epoch


def _other_columns(repeated: Columns, stored: Columns) -> Iterator[Contradiction]:
    for name, column in stored.items():
        count = len(repeated["train_loss"])
        epoch = _first_other(repeated.get(name, np.zeros(0)), column[:count])
        if epoch is not None:
            yield name, "", epoch + 1


def _other_gradients(
    repeated: engine.Gradients, stored: engine.Gradients
) -> Iterator[Contradiction]:
    count = len(repeated.epochs)
    for place, layer in enumerate(stored.layers):
        row = f"gradient of {layer}"
        parts = {
            name: (repeated.statistics[:, place, i], stored.statistics[:count, place, i])
            for i, name in enumerate(engine.STATISTICS)
        }
        parts["histogram"] = repeated.histogram[:, place], stored.histogram[:count, place]
        for name, (ours, theirs) in parts.items():
            index = _first_other(ours, theirs)
            if index is not None:
                yield row, name, int(stored.epochs[index])


def _first_other(repeated: Array, stored: Array) -> int | None:
    """Return the first row that differs in a bit; None if none does."""
    if repeated.shape != stored.shape:
        return 0
    is_equal = (repeated == stored) | ((repeated != repeated) & (stored != stored))
    rows = is_equal.reshape(len(stored), -1).all(1)
    return None if rows.all() else int(rows.argmin())
