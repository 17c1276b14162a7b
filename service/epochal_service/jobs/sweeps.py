"""A sweep is a job whose epochs have columns for every member: one row, one claim, one log.

The columns of a stretch are named `0.train_loss`, `1.train_loss`, …; a member that is over has no
columns in the stretches that follow. Everything else about a sweep is a job's: how it is claimed,
stored, taken back and watched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

import epochal_engine as engine
from epochal_engine import Block

from ..errors import FieldError, InvalidArgument
from ..settings import Limits
from ..specs.build import build_training
from ..specs.diagnosis import Label
from ..specs.jobs import Divergence, EpochRow
from ..specs.limits import LIMIT, each_layer
from ..specs.networks import LayerSpec, NetworkSpec, ResidualSpec
from ..specs.sweeps import (
    Member,
    MemberCurve,
    MemberEpochs,
    MemberProgress,
    Sweep,
    SweepBatch,
    SweepCurves,
    SweepEvent,
    SweepSnapshot,
    SweepSpec,
    Variant,
)
from ..specs.training import Metric, TrainingSpec
from ..store import Connection, Database
from ..store import log as job_log
from ..store.jobs import JobWithSpec
from ..store.log import Entry, LogRow
from ..store.packing import pack, unpack_some
from .curve import keep
from .follow import Telling
from .preparation import Prepared, Price, prepare

MAX_MEMBER_EPOCHS = 2_000_000  # of all members together: a hundred megabytes of columns
MAX_POINTS = 60  # of one member in one frame; more are reduced to their extremes
SNAPSHOT_POINTS = 200  # of one member where a stream begins

Columns = dict[str, NDArray[np.float64]]
Progress = TypeAdapter(list[MemberProgress])


@dataclass(frozen=True)
class PreparedSweep:
    """Everything that a sweep needs: the job that its members share, and what differs."""

    spec: SweepSpec
    """The sweep's spec, with the job's network written out."""
    job: Prepared
    networks: tuple[engine.Network, ...]
    """The network of each member: the job's, or one with another initializer."""
    trainings: tuple[engine.Training, ...]
    """The training options of each member."""
    price: Price


def prepare_sweep(
    database: Database, spec: SweepSpec, owner: str, limits: Limits, *, stored: bool = False
) -> PreparedSweep:
    """Build everything that a sweep needs; for `stored` see `prepare`.

    Raises `InvalidArgument` with all fields that do not fit.
    """
    count = len(spec.variants)
    if count > limits.max_variants:
        raise InvalidArgument.of(
            FieldError("variants", f"must be at most {limits.max_variants}: {LIMIT}"),
            reason="limit_exceeded",
        )
    if spec.job.initial_weights is not None:
        raise InvalidArgument.of(
            FieldError("job.initial_weights", "must be absent: all members start from new weights")
        )
    try:
        job = prepare(database, spec.job, owner, limits, stored=stored)
    except InvalidArgument as error:
        raise within_job(error) from None
    spec = spec.model_copy(update={"job": job.spec})
    trainings = tuple(
        replace(build_training(variant_of(spec, i), job.dataset.ignore_label), gradients_every=0)
        for i in range(count)
    )
    if count * spec.job.epochs > MAX_MEMBER_EPOCHS:
        raise InvalidArgument.of(
            FieldError(
                "variants",
                f"make {count * spec.job.epochs:,} epochs of all members; the limit of one sweep "
                f"is {MAX_MEMBER_EPOCHS:,}: use fewer members, or fewer epochs",
            ),
            reason="limit_exceeded",
        )
    price = replace(job.price, flops=count * job.price.flops)
    if price.flops > limits.max_flops:
        raise InvalidArgument.of(
            FieldError(
                "variants",
                f"make {count} jobs of {job.price.flops:.3g} floating-point operations each; the "
                f"limit of one sweep is {limits.max_flops:.3g}: use fewer members, or fewer epochs",
            ),
            reason="limit_exceeded",
        )
    return PreparedSweep(spec, job, _member_networks(spec, job.network), trainings, price)


def variant_of(spec: SweepSpec, index: int) -> TrainingSpec:
    """Return the job that member `index` would be alone.

    Raises `InvalidArgument` for a field that its optimizer or its network does not have.
    """
    job, variant = spec.job, spec.variants[index]
    numbers = {
        name: value
        for name in ("learning_rate", "momentum", "beta_1", "beta_2")
        if (value := getattr(variant, name)) is not None
    }
    errors = [
        FieldError(f"variants[{index}].{name}", f"is not an option of {job.optimizer.type}")
        for name in numbers
        if name not in type(job.optimizer).model_fields
    ]
    changes: dict[str, Any] = {"optimizer": job.optimizer.model_copy(update=numbers)}
    if initializer := _initializer_of(variant):
        assert isinstance(job.network, NetworkSpec)
        layers = job.network.layers
        if not any(hasattr(layer, "initializer") for _, layer in each_layer(layers, "")):
            errors += [
                FieldError(
                    f"variants[{index}].{name}", "needs a layer of the job that has an initializer"
                )
                for name in initializer
            ]
        layers = _with_initializer(layers, initializer)
        changes["network"] = job.network.model_copy(update={"layers": layers})
    if variant.l2 is not None:
        changes["regularization"] = job.regularization.model_copy(update={"l2": variant.l2})
    if variant.seed is not None:
        changes["seed"] = variant.seed
    if errors:
        raise InvalidArgument.of(*errors)
    return job.model_copy(update=changes)


def _initializer_of(variant: Variant) -> dict[str, Any]:
    """Return the fields of the initializer that the variant changes."""
    names = ("initializer", "initializer_gain")
    return {name: value for name in names if (value := getattr(variant, name)) is not None}


def _with_initializer(layers: Sequence[LayerSpec], fields: dict[str, Any]) -> list[LayerSpec]:
    """Return the layers; those that have an initializer get the fields."""
    return [
        layer.model_copy(update={"layers": _with_initializer(layer.layers, fields)})
        if isinstance(layer, ResidualSpec)
        else layer.model_copy(update=fields if hasattr(layer, "initializer") else {})
        for layer in layers
    ]


def _member_networks(spec: SweepSpec, network: engine.Network) -> tuple[engine.Network, ...]:
    """Return the network of each member; members with the same initializer share one."""
    networks: dict[str, engine.Network] = {}
    for fields in map(_initializer_of, spec.variants):
        networks.setdefault(repr(fields), engine.started(network, **fields) if fields else network)
    return tuple(networks[repr(_initializer_of(variant))] for variant in spec.variants)


def within_job(error: InvalidArgument) -> InvalidArgument:
    """Return the job's error with its fields under `job`, as in a sweep."""
    errors = (FieldError(f"job.{field}", description) for field, description in error.errors)
    return InvalidArgument.of(*errors, reason=error.reason)


# ----------------------------------------------------------------------------------- what is stored


def entry_of(
    taken: Sequence[Sequence[Block]], seconds: float, after: int
) -> tuple[Entry | None, dict[int, EpochRow]]:
    """The log's row for the members' epochs beyond `after`, and the last of these for each member
    that has some.

    `seconds` is what each epoch took. None, and nothing, where no member has any.
    """
    columns: Columns = {}
    latest: dict[int, EpochRow] = {}
    first, last = 0, 0
    for index, blocks in enumerate(taken):
        if not blocks or blocks[-1].last_epoch <= after:
            continue
        skip = max(0, after + 1 - blocks[0].first_epoch)
        own = {
            name: np.concatenate([block.columns[name] for block in blocks])[skip:]
            for name in blocks[0].columns
        }
        own["seconds"] = np.full(len(own["train_loss"]), seconds)
        columns |= {f"{index}.{name}": column for name, column in own.items()}
        first, last = blocks[0].first_epoch + skip, max(last, blocks[-1].last_epoch)
        values = {name: float(column[-1]) for name, column in own.items()}
        latest[index] = EpochRow(epoch=blocks[-1].last_epoch, **values)
    if not columns:
        return None, {}
    return Entry("epochs", first, last, body=pack(columns)), latest


def progress_of(
    before: Sequence[MemberProgress],
    latest: Mapping[int, EpochRow],
    outcomes: Sequence[engine.Outcome | None],
) -> list[MemberProgress]:
    """What is known of the members, with what is new."""
    told = []
    for index, (known, outcome) in enumerate(zip(before, outcomes, strict=True)):
        row = latest.get(index, known.latest)
        why = None if outcome is None else outcome.divergence
        told.append(
            MemberProgress(
                epoch=0 if row is None else row.epoch,
                latest=row,
                stop_reason=None if outcome is None else outcome.stop_reason,
                divergence=None if why is None else Divergence(**asdict(why)),
            )
        )
    return told


def read_progress(spec: SweepSpec, latest: str | None) -> list[MemberProgress]:
    """What the store's row has of the members."""
    if latest is None:
        return [MemberProgress() for _ in spec.variants]
    return Progress.validate_json(latest)


def write_progress(members: Sequence[MemberProgress]) -> str:
    """The same for the store's row."""
    return Progress.dump_json(list(members)).decode()


# ------------------------------------------------------------------------------------ what is told


def curves(connection: Connection, sweep_id: str, metric: Metric) -> dict[int, Columns]:
    """Of each member that has the metric its epochs and values, each `(n,)`."""
    return _joined(((f, b) for f, _, b in job_log.bodies(connection, sweep_id)), (metric,))


def _joined(bodies: Iterable[tuple[int, bytes]], metrics: Sequence[Metric]) -> dict[int, Columns]:
    parts: dict[int, dict[str, list[NDArray[np.float64]]]] = {}
    for first, body in bodies:
        columns = unpack_some(body, lambda name: name.partition(".")[2] in metrics)
        for name, column in columns.items():
            index, _, metric = name.partition(".")
            own = parts.setdefault(int(index), {"epochs": []})
            own.setdefault(metric, []).append(column)
            if metric == metrics[0]:
                own["epochs"].append(np.arange(first, first + len(column), dtype=np.float64))
    return {
        index: {name: np.concatenate(pieces) for name, pieces in own.items()}
        for index, own in sorted(parts.items())
    }


def reduced_curves(
    connection: Connection, sweep_id: str, metric: Metric, points: int
) -> SweepCurves:
    """The metric of every member, each in at most about `points` points."""
    members = []
    for index, own in curves(connection, sweep_id, metric).items():
        kept = keep(own[metric], points)
        members.append(
            MemberCurve(
                index=index,
                epochs=own["epochs"][kept].astype(int).tolist(),
                values=own[metric][kept].tolist(),
            )
        )
    return SweepCurves(metric=metric, members=members)


def batch(rows: Sequence[LogRow]) -> SweepBatch:
    """Epochs of several rows by member, reduced to the extremes of the training loss if there are
    many.
    """
    bodies = ((row.first_epoch, row.body) for row in rows if row.body is not None)
    members = []
    reduced = False
    for index, own in _joined(bodies, ("train_loss", "validation_loss")).items():
        kept = keep(own["train_loss"], MAX_POINTS)
        reduced = reduced or len(kept) < len(own["train_loss"])
        validation = own.get("validation_loss")
        members.append(
            MemberEpochs(
                index=index,
                epoch=own["epochs"][kept].astype(int).tolist(),
                train_loss=own["train_loss"][kept].tolist(),
                validation_loss=[] if validation is None else validation[kept].tolist(),
            )
        )
    return SweepBatch(
        first_epoch=rows[0].first_epoch,
        last_epoch=rows[-1].last_epoch,
        reduced=reduced,
        members=members,
    )


def members(
    spec: SweepSpec, progress: Sequence[MemberProgress], losses: Mapping[int, Columns]
) -> list[Member]:
    """The members as the API tells them; `losses` are the curves of the training loss."""
    told = []
    for index, (variant, known) in enumerate(zip(spec.variants, progress, strict=True)):
        own = losses.get(index)
        diverged = known.stop_reason == "diverged"
        found = None
        if own is not None and (diverged or len(own["train_loss"]) > 1):
            found = engine.label(own["train_loss"], diverged=diverged)
        rate = variant.learning_rate
        told.append(
            Member(
                index=index,
                variant=variant,
                learning_rate=spec.job.optimizer.learning_rate if rate is None else rate,
                label=None if found is None else Label(**asdict(found)),
                **dict(known),
            )
        )
    return told


def telling_of_sweeps(picture: Callable[[Connection, JobWithSpec], Sweep]) -> Telling:
    """How a sweep's log is told; `picture` puts its row into words."""

    def snapshot(connection: Connection, row: JobWithSpec) -> SweepSnapshot:
        drawn = reduced_curves(connection, row.id, "train_loss", SNAPSHOT_POINTS)
        return SweepSnapshot(sweep=picture(connection, row), curves=drawn)

    return Telling("sweep", SweepEvent, batch, snapshot)
