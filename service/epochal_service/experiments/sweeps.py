"""A sweep is a job with columns for every member in its epochs: one row, one claim, one log.

The columns of a segment are named `0.train_loss`, `1.train_loss`, …; a member that has ended has no
columns in later segments. A sweep is claimed, stored, reclaimed and watched like a job.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

import epochal_engine as engine
from epochal_engine import Block
from epochal_engine.training import join

from ..admission.price import Price, price_of
from ..curves.buckets import bucket_width, downsample
from ..curves.epochs import Columns, columns_after, last_row
from ..errors import FieldError, InvalidArgument
from ..large import POINT_BYTES, require_small
from ..preparation import baselines
from ..preparation.prepare import prepare
from ..preparation.prepared import Cost, Prepared
from ..settings import Limits, Settings
from ..specs.build import build_training, network_of
from ..specs.diagnosis import Label
from ..specs.jobs import BaselineLosses, BestEpoch, Divergence, EpochRow
from ..specs.limits import LIMIT, each_layer
from ..specs.networks import LayerSpec, NetworkSpec
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
from ..store import Access, Connection, Database
from ..store import log as job_log
from ..store.jobs import JobWithSpec
from ..store.log import Entry, LogRow
from ..store.packing import pack, unpack_some
from ..streams.follow import EventFormat

MAX_MEMBER_EPOCHS = 2_000_000  # of all members together: a hundred megabytes of columns
MAX_POINTS = 60  # epochs of one member in one frame; more are downsampled
SNAPSHOT_POINTS = 200  # epochs of one member in the first event of a stream

_progress = TypeAdapter(list[MemberProgress])


@dataclass(frozen=True)
class PreparedSweep:
    """Everything that a sweep needs: the job that its members share, and the differences."""

    spec: SweepSpec
    """The sweep's spec, with the job's network written out."""
    job: Prepared
    networks: tuple[engine.Network, ...]
    """The network of each member: the job's, or one with another initializer."""
    trainings: tuple[engine.Training, ...]
    """The training options of each member."""
    cost: Cost


def prepare_sweep(
    database: Database, spec: SweepSpec, access: Access, limits: Limits, *, stored: bool = False
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
    if engine.LOSSES[spec.job.loss].rows > 1:
        raise InvalidArgument.of(
            FieldError("job.loss", f"must be a loss of single rows, not {spec.job.loss}")
        )
    if spec.job.rollouts is not None:
        text = "must be absent: the members of a sweep write no texts"
        raise InvalidArgument.of(FieldError("job.rollouts", text))
    if spec.job.changes:
        text = "must be absent: the members of a sweep do not change while they train"
        raise InvalidArgument.of(FieldError("job.changes", text))
    if spec.job.pace:
        text = "must be 0: the members of a sweep train together, as fast as possible"
        raise InvalidArgument.of(FieldError("job.pace", text))
    try:
        job = prepare(database, spec.job, access, limits, stored=stored)
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
    cost = replace(job.cost, flops=count * job.cost.flops)
    if cost.flops > limits.max_flops:
        raise InvalidArgument.of(
            FieldError(
                "variants",
                f"make {count} jobs of {job.cost.flops:.3g} floating-point operations each; the "
                f"limit of one sweep is {limits.max_flops:.3g}: use fewer members, or fewer epochs",
            ),
            reason="limit_exceeded",
        )
    return PreparedSweep(spec, job, _member_networks(spec, job.network), trainings, cost)


def price_of_sweep(prepared: PreparedSweep, settings: Settings) -> Price:
    """Return the price of a sweep. Raises `InvalidArgument` if it exceeds a limit."""
    try:
        return price_of(prepared.job, settings, len(prepared.trainings))
    except InvalidArgument as error:
        raise within_job(error) from None


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
    """Return the layers; layers with an initializer get the fields."""
    return [
        layer.model_copy(update={"layers": _with_initializer(layer.layers, fields)})
        if layer.type == "residual"
        else layer.model_copy(update=fields if hasattr(layer, "initializer") else {})
        for layer in layers
    ]


def _member_networks(spec: SweepSpec, network: engine.Network) -> tuple[engine.Network, ...]:
    """Return the network of each member; members with the same initializer share one."""
    networks: dict[str, engine.Network] = {}
    for fields in map(_initializer_of, spec.variants):
        networks.setdefault(
            repr(fields), engine.with_initializer(network, **fields) if fields else network
        )
    return tuple(networks[repr(_initializer_of(variant))] for variant in spec.variants)


def within_job(error: InvalidArgument) -> InvalidArgument:
    """Return the job's error with its fields under `job`, as in a sweep."""
    errors = (
        FieldError(field if field == "variants" else f"job.{field}", description)
        for field, description in error.errors
    )
    return InvalidArgument.of(*errors, reason=error.reason)


# ----------------------------------------------------------------------------------------- stored


def entry_of(
    members: Sequence[Sequence[Block]], seconds: float, after: int
) -> tuple[Entry | None, dict[int, EpochRow], dict[int, BestEpoch]]:
    """Return the log entry for the members' epochs after `after`, and their last and best epochs.

    `seconds` is the duration of each epoch. Without new epochs the entry is None.
    """
    columns: Columns = {}
    latest: dict[int, EpochRow] = {}
    best: dict[int, BestEpoch] = {}
    first, last = 0, 0
    for index, blocks in enumerate(members):
        if not blocks or blocks[-1].last_epoch <= after:
            continue
        block = join(blocks)
        durations = np.full(len(block.columns["train_loss"]), seconds)
        first, metrics = columns_after(block, durations, after)
        columns |= {f"{index}.{name}": column for name, column in metrics.items()}
        last = max(last, block.last_epoch)
        latest[index] = last_row(first, metrics)
        metric: Literal["validation_loss", "train_loss"] = (
            "validation_loss" if "validation_loss" in metrics else "train_loss"
        )
        losses = np.where(np.isfinite(metrics[metric]), metrics[metric], np.inf)
        lowest = int(losses.argmin())
        if np.isfinite(losses[lowest]):
            best[index] = BestEpoch(
                metric=metric,
                epoch=first + lowest,
                value=float(losses[lowest]),
            )
    if not columns:
        return None, {}, {}
    return Entry("epochs", first, last, body=pack(columns)), latest, best


def updated_progress(
    members: Sequence[MemberProgress],
    latest: Mapping[int, EpochRow],
    best: Mapping[int, BestEpoch],
    outcomes: Sequence[engine.Outcome | None],
) -> list[MemberProgress]:
    """Return the members' progress, updated by new epochs and outcomes."""
    updated = []
    for index, (member, outcome) in enumerate(zip(members, outcomes, strict=True)):
        row = latest.get(index, member.latest)
        bests = [b for b in (member.best, best.get(index)) if b is not None]
        divergence = None if outcome is None else outcome.divergence
        updated.append(
            MemberProgress(
                epoch=0 if row is None else row.epoch,
                latest=row,
                initial=member.initial,
                best=min(bests, key=lambda best: best.value, default=None),
                stop_reason=None if outcome is None else outcome.stop_reason,
                divergence=None if divergence is None else Divergence(**asdict(divergence)),
            )
        )
    return updated


def load_progress(spec: SweepSpec, latest: str | None) -> list[MemberProgress]:
    """Return the members' progress from the column `latest` of the sweep's row."""
    if latest is None:
        return [MemberProgress() for _ in spec.variants]
    return _progress.validate_json(latest)


def dump_progress(members: Sequence[MemberProgress]) -> str:
    """Return the members' progress as JSON, for the column `latest` of the sweep's row."""
    return _progress.dump_json(list(members)).decode()


# --------------------------------------------------------------------------------------- returned


def curves(connection: Connection, sweep_id: str, metric: Metric) -> dict[int, Columns]:
    """Return epochs and values, each `(n,)`, of every member that has the metric."""
    return _merged(((f, b) for f, _, b in job_log.bodies(connection, sweep_id)), (metric,))


def _merged(bodies: Iterable[tuple[int, bytes]], metrics: Sequence[Metric]) -> dict[int, Columns]:
    parts: dict[int, dict[str, list[NDArray[np.float64]]]] = {}
    for first, body in bodies:
        columns = unpack_some(body, lambda name: name.partition(".")[2] in metrics)
        for name, column in columns.items():
            index, _, metric = name.partition(".")
            member = parts.setdefault(int(index), {"epochs": []})
            member.setdefault(metric, []).append(column)
            if metric == metrics[0]:
                member["epochs"].append(np.arange(first, first + len(column), dtype=np.float64))
    return {
        index: {name: np.concatenate(pieces) for name, pieces in member.items()}
        for index, member in sorted(parts.items())
    }


def _downsampled(columns: Columns, metric: Metric, points: int) -> NDArray[np.intp]:
    width = bucket_width(len(columns["epochs"]), points)
    return downsample(columns["epochs"].astype(np.int64), columns[metric], width)


def downsampled_curves(
    connection: Connection, sweep_id: str, metric: Metric, points: int
) -> SweepCurves:
    """Return the metric of every member, each in about `points` points."""
    every = curves(connection, sweep_id, metric)
    chosen = {index: _downsampled(columns, metric, points) for index, columns in every.items()}
    require_small(sum(map(len, chosen.values())) * POINT_BYTES)
    members = [
        MemberCurve(
            index=index,
            epochs=columns["epochs"][chosen[index]].astype(int).tolist(),
            values=columns[metric][chosen[index]].tolist(),
        )
        for index, columns in every.items()
    ]
    return SweepCurves(metric=metric, members=members)


def batch(rows: Sequence[LogRow]) -> SweepBatch:
    """Return the epochs of several rows by member; more than `MAX_POINTS` are downsampled."""
    bodies = ((row.first_epoch, row.body) for row in rows if row.body is not None)
    members = []
    downsampled = False
    for index, columns in _merged(bodies, ("train_loss", "validation_loss")).items():
        chosen = _downsampled(columns, "train_loss", MAX_POINTS)
        downsampled = downsampled or len(chosen) < len(columns["train_loss"])
        validation = columns.get("validation_loss")
        members.append(
            MemberEpochs(
                index=index,
                epochs=columns["epochs"][chosen].astype(int).tolist(),
                train_loss=columns["train_loss"][chosen].tolist(),
                validation_loss=[] if validation is None else validation[chosen].tolist(),
            )
        )
    return SweepBatch(
        first_epoch=rows[0].first_epoch,
        last_epoch=rows[-1].last_epoch,
        downsampled=downsampled,
        members=members,
    )


def members(
    spec: SweepSpec,
    progress: Sequence[MemberProgress],
    losses: Mapping[int, Columns],
    constant: BaselineLosses | None,
) -> list[Member]:
    """Return the members for a reply; `losses` are the curves of the training loss."""
    network = replace(network_of(spec.job), frozen=tuple(spec.job.freeze))
    best = engine.best_final_loss(
        (columns["train_loss"], progress[index].stop_reason == "diverged")
        for index, columns in losses.items()
    )
    replies = []
    for index, (variant, member) in enumerate(zip(spec.variants, progress, strict=True)):
        columns = losses.get(index)
        diverged = member.stop_reason == "diverged"
        label = None
        if columns is not None and (diverged or len(columns["train_loss"]) > 1):
            label = baselines.label(
                columns["train_loss"],
                network,
                constant,
                member.initial,
                diverged=diverged,
                best=best,
            )
        rate = variant.learning_rate
        replies.append(
            Member(
                index=index,
                variant=variant,
                learning_rate=spec.job.optimizer.learning_rate if rate is None else rate,
                label=None if label is None else Label(**asdict(label)),
                **dict(member),
            )
        )
    return replies


@cache
def sweep_events(reply: Callable[[Connection, JobWithSpec], Sweep]) -> EventFormat:
    """Return the event format of sweeps; `reply` converts a row of the store."""

    def snapshot(connection: Connection, row: JobWithSpec) -> SweepSnapshot:
        losses = downsampled_curves(connection, row.id, "train_loss", SNAPSHOT_POINTS)
        return SweepSnapshot(sweep=reply(connection, row), curves=losses)

    return EventFormat("sweep", SweepEvent, batch, snapshot)
