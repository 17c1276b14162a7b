"""Sweeps: one job in many variants that are trained together, to see which numbers suit it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal, TypeAlias, overload

from .diagnosis import Label
from .errors import InvalidArgument
from .events import EndEvent, StateEvent
from .following import GIVE_UP_SECONDS, TERMINAL, follow
from .jobs import Divergence, Epoch, Estimate, JobState, StopReason
from .paging import pages
from .records import Floats, Ints, read, request
from .session import Session
from .specs import Spec

_OF_THE_OPTIMIZER = ("learning_rate", "momentum", "beta_1", "beta_2")
_OF_THE_WEIGHTS = ("initializer", "initializer_gain")
VARIED = (*_OF_THE_OPTIMIZER, "l2", "seed", *_OF_THE_WEIGHTS)
"""What members of a sweep may have otherwise than the job."""
_DRAWN = ("dense", "conv1d", "conv2d")


@dataclass(frozen=True)
class Member:
    """One member of a sweep."""

    index: int
    """Counted from 0, as the variants are."""
    variant: dict[str, Any]
    """What it has otherwise than the job."""
    learning_rate: float
    epoch: int
    """Epochs that are stored."""
    latest: Epoch | None
    stop_reason: StopReason | None
    """Why it is over; None while it is not."""
    divergence: Divergence | None
    label: Label | None
    """None until there are two epochs."""


@dataclass(frozen=True, eq=False)
class MemberCurve:
    """One metric of one member: `values` `(points,)` at `epochs` `(points,)`."""

    index: int
    epochs: Ints
    values: Floats


@dataclass(frozen=True, eq=False)
class MemberEpochs:
    """Epochs of one member by column, each `(points,)`."""

    index: int
    epoch: Ints
    train_loss: Floats
    validation_loss: Floats
    """Empty where nothing is held out."""


@dataclass(frozen=True, eq=False)
class SweepSnapshotEvent:
    """Opens a stream that has no cursor: the sweep and its members' training losses so far."""

    type: ClassVar[str] = "snapshot"
    seq: int
    sweep: Sweep
    curves: tuple[MemberCurve, ...]


@dataclass(frozen=True, eq=False)
class SweepEpochsEvent:
    """Epochs of the members were stored."""

    type: ClassVar[str] = "epochs"
    seq: int
    first_epoch: int
    last_epoch: int
    reduced: bool
    """Some epochs are left out: only the extremes of each stretch are told."""
    members: tuple[MemberEpochs, ...]


SweepEvent: TypeAlias = SweepSnapshotEvent | StateEvent | SweepEpochsEvent | EndEvent


@dataclass(frozen=True, eq=False, repr=False)
class Sweep:
    """A sweep as it was last told; `refresh`, `wait` and `watch` bring it up to date."""

    id: str
    state: JobState
    stop_reason: StopReason | None
    detail: str | None
    """A sentence on how it ended, where there is more to say than the reason."""
    spec: dict[str, Any]
    """The job and the variants, with every default filled in."""
    epoch: int
    """Epochs of the member that has most."""
    members: tuple[Member, ...]
    """Empty for a sweep out of a list, until it is refreshed."""
    parameters: int
    """Of one member."""
    samples: int
    flops: float
    attempt: int
    seq: int
    """Cursor of the newest event."""
    created_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    _session: Session

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in TERMINAL

    @property
    def best(self) -> Member | None:
        """The member with the lowest loss of its last epoch, held-out where there is one.

        None while nobody has a finite one.
        """
        scored = [(_score(member), member.index) for member in self.members]
        scored = [(score, index) for score, index in scored if score < float("inf")]
        return self.members[min(scored)[1]] if scored else None

    def job_spec(self, member: int) -> dict[str, Any]:
        """The spec of the job that a member would be alone, to be handed to `jobs.create`."""
        variant = dict(self.spec["variants"][member]) if self.spec.get("variants") else {}
        spec = {**self.spec["job"]}
        numbers = {n: v for n, v in variant.items() if n in _OF_THE_OPTIMIZER}
        spec["optimizer"] = {**spec["optimizer"], **numbers}
        how = {n: v for n, v in variant.items() if n in _OF_THE_WEIGHTS}
        if how:
            layers = _started(spec["network"]["layers"], how)
            spec["network"] = {**spec["network"], "layers": layers}
        if "l2" in variant:
            spec["regularization"] = {**spec.get("regularization", {}), "l2": variant["l2"]}
        if "seed" in variant:
            spec["seed"] = variant["seed"]
        return spec

    def __repr__(self) -> str:
        count = len(self.spec.get("variants", ()))
        return f"<Sweep {self.id} {self.state}, {count} members, epoch {self.epoch}>"

    def refresh(self) -> Sweep:
        """Asks for the sweep as it is now. Raises `NotFound` if it was deleted."""
        return self._become(self._session.call("GetSweep", {"id": self.id}))

    def wait(self, timeout: float | None = None) -> Sweep:
        """Waits until the sweep is over, and returns it.

        Raises `TimedOut` after `timeout` seconds; the sweep goes on.
        """
        if not self.over:
            for _ in self.watch(after=self.seq, timeout=timeout):
                pass
        return self.refresh()

    def watch(
        self,
        after: int | None = None,
        *,
        timeout: float | None = None,
        give_up_after: float = GIVE_UP_SECONDS,
    ) -> Iterator[SweepEvent]:
        """The sweep's events, as they happen, up to its `EndEvent`; see `Job.watch`."""
        frames = follow(self._session, self.id, after, timeout=timeout, give_up_after=give_up_after)
        with closing(frames):
            for frame in frames:
                event = _event_of(frame, self._session)
                if event is not None:
                    self._keep_up(event)
                    yield event

    def cancel(self) -> Sweep:
        """Asks the sweep to stop; what is stored stays. Raises `Conflict` if it ended otherwise."""
        return self._become(self._session.call("CancelSweep", {"id": self.id}))

    def delete(self) -> None:
        """Deletes the sweep and all that it stored. Raises `Conflict` unless it is over."""
        self._session.call("DeleteSweep", {"id": self.id})

    def curves(
        self, metric: str = "train_loss", *, max_points: int | None = None
    ) -> dict[int, MemberCurve]:
        """One metric of every member that has it, each in at most `max_points` points.

        From 4 to 10,000 of them, 200 unless you say otherwise: the extremes stay. Raises
        `NotFound`, `InvalidArgument`.
        """
        fields = {"id": self.id, "metric": metric, "max_points": max_points}
        reply = self._session.call("GetSweepCurves", fields)
        told = (read(MemberCurve, member) for member in reply.get("members") or ())
        return {curve.index: curve for curve in told}

    def _become(self, data: Mapping[str, Any]) -> Sweep:
        # Frozen for whoever holds the sweep; only the service's answers move it.
        vars(self).update(vars(sweep_of(data, self._session)))
        return self

    def _keep_up(self, event: SweepEvent) -> None:
        match event:
            case SweepSnapshotEvent():
                vars(self).update(vars(event.sweep))
            case SweepEpochsEvent():
                vars(self).update(epoch=event.last_epoch)
            case _:
                vars(self).update(state=event.state, stop_reason=event.stop_reason)
        vars(self).update(seq=event.seq)


def _started(layers: Sequence[Spec], how: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The layers, of which those that draw their weights start otherwise."""
    return [
        {**layer, "layers": _started(layer["layers"], how)}
        if layer["type"] == "residual"
        else {**layer, **(how if layer["type"] in _DRAWN else {})}
        for layer in layers
    ]


def _score(member: Member) -> float:
    if member.latest is None or member.stop_reason == "diverged":
        return float("inf")
    held_out = member.latest.validation_loss
    loss = member.latest.train_loss if held_out is None else held_out
    return loss if loss == loss else float("inf")


def _event_of(frame: Mapping[str, Any], session: Session) -> SweepEvent | None:
    told, seq = frame.get(frame["type"]) or {}, frame["seq"]
    match frame["type"]:
        case "snapshot":
            curves = (told.get("curves") or {}).get("members") or ()
            members = tuple(read(MemberCurve, member) for member in curves)
            return SweepSnapshotEvent(seq, sweep_of(told["sweep"], session), members)
        case "epochs":
            return read(SweepEpochsEvent, told, seq=seq)
        case "state":
            return read(StateEvent, told, seq=seq)
        case "end":
            return read(EndEvent, told, seq=seq)
    return None


def sweep_of(data: Mapping[str, Any], session: Session) -> Sweep:
    """The handle of a sweep that the service told of."""
    return read(Sweep, data, _session=session)


class Sweeps:
    """`client.sweeps`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @overload
    def create(
        self,
        job: Spec,
        /,
        variants: Sequence[Mapping[str, Any]] = (),
        *,
        request_id: str | None = None,
        validate_only: Literal[False] = False,
        **values: Sequence[float | str],
    ) -> Sweep: ...

    @overload
    def create(
        self,
        job: Spec,
        /,
        variants: Sequence[Mapping[str, Any]] = (),
        *,
        request_id: str | None = None,
        validate_only: Literal[True],
        **values: Sequence[float | str],
    ) -> Estimate: ...

    def create(
        self,
        job: Spec,
        /,
        variants: Sequence[Mapping[str, Any]] = (),
        *,
        request_id: str | None = None,
        validate_only: bool = False,
        **values: Sequence[float | str],
    ) -> Sweep | Estimate:
        """Trains a job in many variants, such as `{"learning_rate": 0.1, "seed": 3}`.

        Instead of variants, `learning_rate=[0.01, 0.1]`, `momentum`, `beta_1`, `beta_2`, `l2`,
        `seed`, `initializer` or `initializer_gain`: sequences of equal length, one value for each
        member. The service says in its limits how many members there may be. The same `request_id`
        and the same spec give the same sweep; one is made up unless you bring your own. With
        `validate_only` all is checked and priced, and no sweep is made. Raises `InvalidArgument`.
        """
        members = [*variants, *_zipped(values)]
        body = request({"job": dict(job), "variants": members})
        if validate_only:
            reply = self._session.call("CreateSweep", {"spec": body, "validate_only": True})
            return read(Estimate, reply)
        return sweep_of(
            self._session.create("CreateSweep", {"spec": body}, request_id), self._session
        )

    def get(self, sweep_id: str) -> Sweep:
        """The sweep with this id. Raises `NotFound`."""
        return sweep_of(self._session.call("GetSweep", {"id": sweep_id}), self._session)

    def list(
        self,
        *,
        state: JobState | None = None,
        label: str | None = None,
        page_size: int | None = None,
    ) -> Iterator[Sweep]:
        """Sweeps without their members, newest first, fetched page by page.

        `label` is `key` or `key=value`, of the job's labels.
        """
        fields = {"state": state, "label": label, "page_size": page_size}
        for item in pages(self._session, "ListSweeps", "sweeps", fields):
            yield sweep_of(item, self._session)


def _zipped(values: Mapping[str, Sequence[float | str]]) -> list[dict[str, float | str]]:
    """One variant for each place in the sequences."""
    for name in values:
        if name not in VARIED:
            raise InvalidArgument.of(name, f"must be one of {', '.join(VARIED)}")
    lengths = {len(sequence) for sequence in values.values()}
    if len(lengths) > 1:
        raise InvalidArgument.of("variants", "need sequences of one length")
    rows = zip(*values.values(), strict=True) if values else ()
    return [dict(zip(values, row, strict=True)) for row in rows]
