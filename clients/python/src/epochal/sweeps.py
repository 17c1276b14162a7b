"""Sweeps: one job in many variants that train together, to find good hyperparameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, TypeAlias, Unpack, cast

from .deferred import dataclass
from .errors import EpochalError, InvalidArgument
from .events import EndEvent, StateEvent
from .handles import Handle
from .jobs.job import Job, create_job
from .paging import pages
from .records import read, request
from .session import Part
from .specs import Spec, with_objects
from .types import (
    JobState,
    Member,
    MemberCurve,
    Metric,
    SweepBatch,
    SweepData,
    SweepProperties,
    TrainingFields,
    TrainingSpec,
    ValidatedSweep,
    Variant,
    VariantColumns,
)

_OPTIMIZER_FIELDS = ("learning_rate", "momentum", "beta_1", "beta_2")
_LAYER_FIELDS = ("initializer", "initializer_gain")
VARIED = tuple(VariantColumns.__annotations__)
"""Fields in which the members of a sweep may differ."""
_LAYERS_WITH_INITIALIZER = ("dense", "conv1d", "conv2d")


@dataclass(frozen=True, eq=False)
class SweepSnapshotEvent:
    """The sweep and the training losses of its members so far: the first event of a stream."""

    type: ClassVar[str] = "snapshot"
    seq: int
    sweep: SweepData
    curves: tuple[MemberCurve, ...]


@dataclass(frozen=True, eq=False)
class SweepEpochsEvent(SweepBatch):
    """Stored epochs of the members."""

    type: ClassVar[str] = "epochs"
    seq: int


SweepEvent: TypeAlias = SweepSnapshotEvent | StateEvent | SweepEpochsEvent | EndEvent


class Sweep(SweepProperties, Handle[SweepData, SweepEvent]):
    """A handle to a sweep.

    `data` has the latest record from the service, and its fields are attributes of the handle.
    `refresh`, `wait` and `watch` update it.
    """

    _record = SweepData
    _token_rpc = "IssueSweepStreamToken"
    _deliveries_rpc = "ListSweepDeliveries"
    _events = (StateEvent, SweepEpochsEvent, EndEvent)

    @property
    def best(self) -> Member | None:
        """The member with the lowest loss of its last epoch, on validation samples if there are
        any. None before any member has a finite loss.
        """
        scored = [(_score(member), member.index) for member in self.members]
        scored = [(score, index) for score, index in scored if score < float("inf")]
        return self.members[min(scored)[1]] if scored else None

    def job_spec(self, member: int) -> dict[str, Any]:
        """Return the spec of one member as a separate job, ready for `jobs.create`."""
        variant = dict(self.spec["variants"][member]) if self.spec.get("variants") else {}
        spec = {**self.spec["job"]}
        numbers = {n: v for n, v in variant.items() if n in _OPTIMIZER_FIELDS}
        spec["optimizer"] = {**spec["optimizer"], **numbers}
        initial = {n: v for n, v in variant.items() if n in _LAYER_FIELDS}
        if initial:
            layers = _with_initializer(spec["network"]["layers"], initial)
            spec["network"] = {**spec["network"], "layers": layers}
        if "l2" in variant:
            spec["regularization"] = {**spec.get("regularization", {}), "l2": variant["l2"]}
        if "seed" in variant:
            spec["seed"] = variant["seed"]
        return spec

    def create_job(self, member: int | None = None, **changes: Unpack[TrainingFields]) -> Job:
        """Train one member as a separate job, by default the best, and return the job.

        The job repeats the numbers of the member, up to rounding, and stores what the member does
        not: weights and gradient statistics, and with them predictions, exports, a verification and
        a diagnosis. `changes` replace fields of the spec. Raises `EpochalError` if no member has a
        finite loss yet, `InvalidArgument`.
        """
        if member is None:
            if self.best is None:
                raise EpochalError(f"No member of {self.id} has a finite loss yet: choose one.")
            member = self.best.index
        return create_job(self._session, {**self.job_spec(member), **changes})

    def __repr__(self) -> str:
        count = len(self.spec.get("variants", ()))
        return f"<Sweep {self.id} {self.state}, {count} members, epoch {self.epoch}>"

    def curves(
        self, metric: Metric = "train_loss", *, max_points: int | None = None
    ) -> dict[int, MemberCurve]:
        """Return one metric of every member that has it: index -> curve.

        `max_points` limits the points of each member (4 to 10,000; 200 by default); extremes are
        kept. Raises `NotFound`, `InvalidArgument`.
        """
        fields = {"id": self.id, "metric": metric, "max_points": max_points}
        reply = self._session.call("GetSweepCurves", fields)
        members = (read(MemberCurve, member) for member in reply.get("members") or ())
        return {curve.index: curve for curve in members}

    def _job_spec(self) -> Mapping[str, Any]:
        job: Mapping[str, Any] = self.spec["job"]
        return job

    def _snapshot(self, seq: int, data: Mapping[str, Any]) -> SweepEvent:
        members = (data.get("curves") or {}).get("members") or ()
        curves = tuple(read(MemberCurve, member) for member in members)
        return SweepSnapshotEvent(seq, read(SweepData, data["sweep"]), curves)

    def _after(self, event: SweepEvent) -> SweepData:
        data = self._data
        match event:
            case SweepSnapshotEvent():
                data = event.sweep
            case SweepEpochsEvent():
                data = replace(data, epoch=event.last_epoch)
            case _:
                data = replace(data, state=event.state, stop_reason=event.stop_reason)
        return replace(data, seq=event.seq)


def _with_initializer(layers: Sequence[Spec], initial: Spec) -> list[dict[str, Any]]:
    """Return the layers, with `initial` in layers that have an initializer."""
    return [
        {**layer, "layers": _with_initializer(layer["layers"], initial)}
        if layer["type"] == "residual"
        else {**layer, **(initial if layer["type"] in _LAYERS_WITH_INITIALIZER else {})}
        for layer in layers
    ]


def _score(member: Member) -> float:
    if member.latest is None or member.stop_reason == "diverged":
        return float("inf")
    validation_loss = member.latest.validation_loss
    loss = member.latest.train_loss if validation_loss is None else validation_loss
    return loss if loss == loss else float("inf")


class Sweeps(Part):
    """`client.sweeps`."""

    def create(
        self,
        job: TrainingSpec | Spec,
        /,
        variants: Sequence[Variant | Spec] = (),
        *,
        request_id: str | None = None,
        **values: Unpack[VariantColumns],
    ) -> Sweep:
        """Train a job in many variants, such as `{"learning_rate": 0.1, "seed": 3}`.

        Instead of `variants`, give sequences of equal length with one value for each member:
        `learning_rate=[0.01, 0.1]`, `momentum`, `beta_1`, `beta_2`, `l2`, `seed`, `initializer`,
        `initializer_gain`. `client.limits()["max_variants"]` is the largest number of members.

        The service creates one sweep for each `request_id`; a random one is used by default. Raises
        `InvalidArgument`.
        """
        body = _spec(job, variants, values)
        return Sweep(self._session.create("CreateSweep", {"spec": body}, request_id), self._session)

    def validate(
        self,
        job: TrainingSpec | Spec,
        /,
        variants: Sequence[Variant | Spec] = (),
        **values: Unpack[VariantColumns],
    ) -> ValidatedSweep:
        """Check a sweep, estimate its cost, and fill in its defaults, without creating it.

        It takes the parameters of `create`. Raises `InvalidArgument`.

        >>> client.sweeps.validate(client.preset("xor"), learning_rate=[0.01, 0.1]).samples
        4
        """
        body = _spec(job, variants, values)
        return read(ValidatedSweep, self._session.call("ValidateSweep", {"spec": body}))

    def get(self, sweep_id: str) -> Sweep:
        """Return the sweep with this id. Raises `NotFound`."""
        return Sweep(self._session.call("GetSweep", {"id": sweep_id}), self._session)

    def list(
        self,
        *,
        states: JobState | Sequence[JobState] = (),
        label: str | None = None,
        owner: str | None = None,
        limit: int | None = None,
        page_size: int | None = None,
    ) -> Iterator[Sweep]:
        """Yield sweeps without their members, or the first `limit`, newest first, page by page.

        `states` is one state or several; `label` is `key` or `key=value` of the job's labels;
        `owner` is a member of the caller's class.
        """
        fields = {
            "states": ([states] if isinstance(states, str) else list(states)) or None,
            "label": label,
            "owner": owner,
            "page_size": page_size,
        }
        for row in pages(self._session, "ListSweeps", "sweeps", fields, limit):
            yield Sweep(row, self._session)


def _spec(
    job: TrainingSpec | Spec, variants: Sequence[Variant | Spec], values: VariantColumns
) -> dict[str, Any]:
    members = [*variants, *_rows(cast(Mapping[str, Sequence[Any]], values))]
    body: dict[str, Any] = request({"job": with_objects(job), "variants": members})
    return body


def _rows(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Return one variant for each position in the sequences."""
    for name in columns:
        if name not in VARIED:
            raise InvalidArgument.of(name, f"must be one of {', '.join(VARIED)}")
    lengths = {len(sequence) for sequence in columns.values()}
    if len(lengths) > 1:
        raise InvalidArgument.of("variants", "must be sequences of equal length")
    rows = zip(*columns.values(), strict=True) if columns else ()
    return [dict(zip(columns, row, strict=True)) for row in rows]
