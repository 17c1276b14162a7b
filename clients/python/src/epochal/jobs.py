"""Training jobs: ask for one, watch it learn, take its numbers and its weights."""

from __future__ import annotations

import html
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .curves import Curve
from .diagnosis import Diagnosis
from .errors import EpochalError, InvalidArgument, JobFailed, NotFound
from .events import EndEvent, EpochsEvent, Event, SnapshotEvent, StateEvent, event_of
from .following import GIVE_UP_SECONDS, TERMINAL, follow
from .inspection import (
    ConfusionMatrix,
    HiddenSpace,
    LayerWeights,
    SampleOrder,
    SamplePredictions,
    Split,
    UnitMaps,
)
from .paging import pages, pages_by_epoch
from .records import Floats, Ints, read, request
from .session import Session
from .specs import Spec

if TYPE_CHECKING:
    from .comparison import Comparison

JobState = Literal[
    "queued", "running", "pausing", "paused", "cancelling", "succeeded", "failed", "cancelled"
]
ExportFormat = Literal["numpy", "pytorch", "safetensors", "onnx"]
StopReason = Literal[
    "completed",
    "early_stopped",
    "target_reached",
    "diverged",
    "deadline_exceeded",
    "attempts_exhausted",
    "user",
    "internal",
]


@dataclass(frozen=True)
class Epoch:
    """One pass over the training samples. Losses may be NaN or infinite where a run diverged."""

    epoch: int
    train_loss: float
    """Mean over the epoch's batches, as they were met."""
    validation_loss: float | None
    train_accuracy: float | None
    """0 to 1; None where it has no meaning."""
    validation_accuracy: float | None
    learning_rate: float
    gradient_norm: float
    """Length of the last batch's whole gradient, before clipping."""
    seconds: float


@dataclass(frozen=True)
class ForkedFrom:
    """Where a job's first weights come from. Its epoch 1 follows that epoch of the other job."""

    job: str
    epoch: int


@dataclass(frozen=True, eq=False)
class SmallCurve:
    """The training loss of a job in few points: `values` `(points,)` at `epochs` `(points,)`."""

    epochs: Ints
    values: Floats


@dataclass(frozen=True)
class Divergence:
    """Why a run blew up."""

    epoch: int
    layer: str
    what: str
    suggestion: str


@dataclass(frozen=True, eq=False)
class LayerGradient:
    """Statistics of one layer's gradient, weights and biases together, before clipping."""

    name: str
    norm: float
    mean: float
    std: float
    largest: float
    zero_share: float
    weight_norm: float
    update_ratio: float
    """Length of the last update over the length of the weights."""
    activation_mean: float
    """Of the layer's outputs after the epoch, on a few training samples."""
    activation_std: float
    saturated_share: float
    """Of the outputs of tanh and sigmoid, those where the slope is below 5 % of the largest."""
    dead_share: float
    """Of the units of relu, those that are 0 for each of the samples."""
    histogram: Ints
    """`(edges + 1,)` counts of |gradient|: one bin below the edges and one above."""


@dataclass(frozen=True, eq=False)
class GradientSnapshot:
    """The gradients of every layer at one epoch; `histogram_edges` are the same for all."""

    epoch: int
    layers: tuple[LayerGradient, ...]
    histogram_edges: Floats


@dataclass(frozen=True)
class Checkpoint:
    """Weights that are stored; size and digest are those of their safetensors form."""

    epoch: int
    size_bytes: int
    sha256: str
    created_at: datetime


@dataclass(frozen=True, eq=False)
class Grid:
    """Predictions over a rectangle: `outputs[j, i]` belongs to the point `(x[i], y[j])`."""

    epoch: int
    """Of the weights that answered."""
    x: Floats
    """`(resolution,)`."""
    y: Floats
    """`(resolution,)`."""
    outputs: Floats
    """`(resolution, resolution, outputs)`."""
    classes: Ints | None
    """`(resolution, resolution)`, the most probable class, -1 where an output is not a number; None
    for regression.
    """


@dataclass(frozen=True)
class Estimate:
    """What a valid spec would cost. No job was made."""

    spec: dict[str, Any]
    """The spec with every default filled in."""
    parameters: int
    samples: int
    flops: float
    """Floating-point operations of the whole run: 3 · operations forward · samples · epochs."""


@dataclass(frozen=True, eq=False, repr=False)
class Job:
    """A training job as it was last told; `refresh`, `wait` and `watch` bring it up to date."""

    id: str
    state: JobState
    stop_reason: StopReason | None
    detail: str | None
    """A sentence on how it ended, where there is more to say than the reason."""
    divergence: Divergence | None
    spec: dict[str, Any]
    """The spec with every default filled in; it can be handed to `create` again."""
    forked_from: ForkedFrom | None
    """None for a job that began with fresh weights."""
    epoch: int
    """Epochs that are stored."""
    latest: Epoch | None
    parameters: int
    samples: int
    """Samples trained on; the held-out part does not count."""
    flops: float
    attempt: int
    """How often a worker has taken the job up."""
    seq: int
    """Cursor of the newest event."""
    created_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    small_curve: SmallCurve | None
    """In lists that ask for `curve_points`."""
    _session: Session

    # ------------------------------------------------------------------ what is known already

    @property
    def name(self) -> str | None:
        """What people call it."""
        return self.spec.get("name")

    @property
    def over(self) -> bool:
        """Whether it has succeeded, failed or been cancelled: nothing more will happen."""
        return self.state in TERMINAL

    @property
    def epochs_wanted(self) -> int:
        """Epochs that the spec asks for; a job may end earlier."""
        return int(self.spec["epochs"])

    @property
    def labels(self) -> dict[str, str]:
        """The words of your own that the job was made with."""
        return dict(self.spec.get("labels", {}))

    @property
    def outcome(self) -> str:
        """Its state, and the reason where it did not end on its own: `failed (diverged)`."""
        if self.stop_reason in (None, "completed"):
            return self.state
        return f"{self.state} ({str(self.stop_reason).replace('_', ' ')})"

    @property
    def explanation(self) -> str:
        """A sentence or two on why it ended as it did; empty where there is nothing to explain."""
        if self.divergence is None:
            return self.detail or ""
        where = f"At epoch {self.divergence.epoch} in {self.divergence.layer}"
        return f"{where}: {self.divergence.what}. {self.divergence.suggestion}"

    def __repr__(self) -> str:
        loss = f", train_loss {self.latest.train_loss:.4g}" if self.latest else ""
        return f"<Job {self.id} {self.state}, epoch {self.epoch} of {self.epochs_wanted}{loss}>"

    # ------------------------------------------------------------------ its life

    def refresh(self) -> Job:
        """Asks for the job as it is now. Raises `NotFound` if it was deleted."""
        return self._become(self._session.call("GetJob", {"id": self.id}))

    def wait(self, timeout: float | None = None, *, check: bool = False) -> Job:
        """Waits until the job is over, and returns it.

        Raises `TimedOut` after `timeout` seconds; the job goes on. With `check`, raises `JobFailed`
        unless it succeeded.
        """
        if not self.over:
            for _ in self.watch(after=self.seq, timeout=timeout):
                pass
            self.refresh()
        if check and self.state != "succeeded":
            raise JobFailed(self)
        return self

    def watch(
        self,
        after: int | None = None,
        *,
        timeout: float | None = None,
        give_up_after: float = GIVE_UP_SECONDS,
    ) -> Iterator[Event]:
        """The job's events, as they happen, up to its `EndEvent`; the job keeps up with them.

        Without `after` the first event is a `SnapshotEvent` with all that has been; with the `seq`
        of an event, what came after that event is replayed first. The connection is taken up again
        where it broke; after `give_up_after` seconds without any, the last error is raised. Raises
        `TimedOut` after `timeout` seconds in all, and `NotFound`.
        """
        frames = follow(self._session, self.id, after, timeout=timeout, give_up_after=give_up_after)
        try:
            for frame in frames:
                event = event_of(frame, lambda data: job_of(data, self._session))
                if event is not None:
                    self._keep_up(event)
                    yield event
        finally:
            frames.close()

    def cancel(self) -> Job:
        """Asks the job to stop; what is stored stays. Raises `Conflict` if it ended otherwise."""
        return self._become(self._session.call("CancelJob", {"id": self.id}))

    def pause(self) -> Job:
        """Asks the job to rest at its next epoch. Raises `Conflict` if it is over."""
        return self._become(self._session.call("PauseJob", {"id": self.id}))

    def resume(self) -> Job:
        """Goes on from the last checkpoint, bit for bit. Raises `Conflict` if it is over."""
        return self._become(self._session.call("ResumeJob", {"id": self.id}))

    def fork(self, epoch: int | None = None, **changes: Any) -> Job:
        """Starts another job from this one's weights at a stored epoch, by default the latest.

        It has the same spec but for the name and `changes`, which replace fields of it; its
        optimizer begins anew. Raises `InvalidArgument` where that epoch has no weights, and names
        the nearest that have.
        """
        begin = {"job": self.id, "epoch": self._latest_stored() if epoch is None else epoch}
        own = {"initial_weights": begin, "name": None}
        return Jobs(self._session).create({**self.spec, **own, **changes})

    def delete(self) -> None:
        """Deletes the job and all that it stored. Raises `Conflict` unless it is over."""
        self._session.call("DeleteJob", {"id": self.id})

    # ------------------------------------------------------------------ its numbers

    def epochs(self, after: int = 0, *, page_size: int | None = None) -> Iterator[Epoch]:
        """Every stored epoch after `after`, in order, fetched page by page. Raises `NotFound`."""
        fields = {"id": self.id, "after_epoch": after, "page_size": page_size}
        for page in pages_by_epoch(self._session, "ListEpochs", fields):
            for row in page.get("epochs") or ():
                yield read(Epoch, row)

    def curve(self, metrics: Sequence[str] = (), *, max_points: int | None = None) -> Curve:
        """The whole run in at most `max_points` points a metric (1,000 unless you say otherwise).

        From 4 to 100,000 of them: the lowest and the highest value of every stretch stay. Without
        `metrics`, all that the job has. Raises `NotFound`, `InvalidArgument`.
        """
        fields = {"id": self.id, "metrics": list(metrics) or None, "max_points": max_points}
        return Curve.of(self._session.call("GetCurve", fields))

    def gradients(
        self, after: int = 0, *, page_size: int | None = None
    ) -> Iterator[GradientSnapshot]:
        """The stored gradient statistics after epoch `after`, in order, fetched page by page.

        There are those epochs that `snapshots.gradients_every` of the spec asks for. Raises
        `NotFound`.
        """
        fields = {"id": self.id, "after_epoch": after, "page_size": page_size}
        for page in pages_by_epoch(self._session, "ListGradients", fields):
            edges = np.array(page.get("histogram_edges") or (), dtype=np.float64)
            for snapshot in page.get("snapshots") or ():
                yield read(GradientSnapshot, snapshot, histogram_edges=edges)

    def diagnosis(self) -> Diagnosis:
        """What went wrong so far, where it shows, and what to try next; no findings are good news.

        `job.diagnosis().findings[0].applied_to(job.spec)` is a spec with the change. Raises
        `NotFound` where the data set of the job was deleted.
        """
        return read(Diagnosis, self._session.call("GetDiagnosis", {"id": self.id}))

    def checkpoints(self) -> list[Checkpoint]:
        """The weights that are stored now, in the order of their epochs. Raises `NotFound`."""
        return [
            read(Checkpoint, row)
            for page in pages_by_epoch(self._session, "ListCheckpoints", {"id": self.id})
            for row in page.get("checkpoints") or ()
        ]

    def weights(self, epoch: int | None = None) -> dict[str, NDArray[Any]]:
        """The weights of a checkpoint, by default the latest: name -> array.

        `weights()["dense_1.weight"]` is `(inputs, units)`, `["dense_1.bias"]` `(units,)`. Raises
        `NotFound` where there is no checkpoint, or none of that epoch.
        """
        if epoch is None:
            epoch = self._latest_stored()
        fields = {"id": self.id, "epoch": epoch, "format": "npz"}
        content = self._session.call("GetCheckpoint", fields)["content"]
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return dict(arrays)

    def export(self, format: ExportFormat = "numpy", *, epoch: int | None = None) -> bytes:
        """The trained network as a file: a NumPy program, a PyTorch module, safetensors, or ONNX.

        Weights, and the scaling of the inputs, are in it. `epoch` picks a checkpoint, by default
        the latest. Raises `NotFound` where there is none, and `NotInstalled` for "onnx" where
        the server lacks what makes it.
        """
        fields = {"id": self.id, "format": format, "epoch": epoch}
        content: bytes = self._session.call("GetExport", fields)["content"]
        return content

    def predict(self, inputs: ArrayLike, *, epoch: int | None = None) -> Floats:
        """What the network answers to `inputs` `(rows, features)`: `(rows, *output_shape)`.

        A single sample `(features,)` gives `(*output_shape,)`. `epoch` picks a checkpoint, by
        default the latest. Raises `NotFound` where there is none, `InvalidArgument` for another
        shape.
        """
        rows, reply = self._predicted(inputs, epoch)
        outputs = np.array(reply["outputs"], dtype=np.float64)
        outputs = outputs.reshape(len(outputs), *reply["output_shape"])
        return outputs if rows.ndim == 2 else outputs[0]

    def classify(self, inputs: ArrayLike, *, epoch: int | None = None) -> list[str]:
        """The name of the class that the network takes each of `inputs` `(rows, features)` for.

        Of a network that answers in a sequence, one for each of its places, row after row. Empty
        where the data set has no classes with names; an empty name where an output is not a number.
        Otherwise as `predict`.
        """
        _, reply = self._predicted(inputs, epoch)
        return list(reply.get("labels") or ())

    def _predicted(self, inputs: ArrayLike, epoch: int | None) -> tuple[Floats, Mapping[str, Any]]:
        rows = np.asarray(inputs, dtype=np.float64)
        if rows.ndim not in (1, 2):
            raise InvalidArgument.of("inputs", f"must be (rows, features), not {rows.shape}")
        fields = {"id": self.id, "inputs": request(np.atleast_2d(rows), "inputs"), "epoch": epoch}
        return rows, self._session.call("Predict", fields)

    def predict_grid(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        *,
        resolution: int | None = None,
        x_feature: int = 0,
        y_feature: int = 1,
        at: Sequence[float] = (),
        epoch: int | None = None,
    ) -> Grid:
        """What the network answers over a rectangle of the input space: a decision boundary.

        `x` and `y` are the (lowest, highest) values of the two features that move, in `resolution`
        steps each (2 to 200, 50 unless you say otherwise); `at` holds all features where the grid
        does not move them, zeros if left out. Raises `NotFound`, `InvalidArgument`.
        """
        grid = {
            "x_min": x[0],
            "x_max": x[1],
            "y_min": y[0],
            "y_max": y[1],
            "resolution": resolution,
            "x_feature": x_feature,
            "y_feature": y_feature,
            "at": list(at),
        }
        grid = {name: value for name, value in grid.items() if value is not None}
        reply = self._session.call(
            "Predict", {"id": self.id, "grid": request(grid, "grid"), "epoch": epoch}
        )
        xs, ys = np.array(reply["x"], dtype=float), np.array(reply["y"], dtype=float)
        outputs = np.array(reply["outputs"], dtype=float).reshape(len(ys), len(xs), -1)
        classes = reply.get("classes")
        return Grid(
            epoch=reply.get("epoch") or 0,
            x=xs,
            y=ys,
            outputs=outputs,
            classes=np.array(classes).reshape(len(ys), len(xs)) if classes else None,
        )

    # ------------------------------------------------------------------ a look into the network

    def unit_maps(
        self,
        layer: str | None = None,
        *,
        x: tuple[float, float] | None = None,
        y: tuple[float, float] | None = None,
        resolution: int | None = None,
        epoch: int | None = None,
    ) -> UnitMaps:
        """What each unit says over a rectangle of a network's two inputs.

        Of all layers, unless you name one. `x` and `y` are (lowest, highest) values, both or
        neither: without them, the rectangle in which the data lie. The last stored epoch that is
        not after `epoch` answers, by default the latest. Raises `NotFound`, `InvalidArgument`.
        """
        bounds = None
        if x is not None or y is not None:
            (x_min, x_max), (y_min, y_max) = x or (None, None), y or (None, None)
            bounds = {"x_min": x_min, "x_max": x_max, "y_min": y_min, "y_max": y_max}
            bounds = {name: value for name, value in bounds.items() if value is not None}
        fields = {"layer": layer, "resolution": resolution, "bounds": bounds, "epoch": epoch}
        return UnitMaps.of(self._session.call("GetUnitMaps", {"id": self.id, **fields}))

    def hidden_space(
        self,
        layer: str | None = None,
        *,
        split: Split = "all",
        samples: int | None = None,
        epoch: int | None = None,
    ) -> HiddenSpace:
        """Where a layer puts the samples, in two dimensions: the last layer before the output.

        `layer="input"` is what the network is given. The last stored epoch that is not after
        `epoch` answers, by default the latest. Raises `NotFound`, `InvalidArgument`.
        """
        fields = {"layer": layer, "split": split, "samples": samples, "epoch": epoch}
        reply = self._session.call("GetHiddenSpace", {"id": self.id, **fields})
        points = np.array(reply.get("points") or np.empty((0, 2)), dtype=np.float64)
        return read(HiddenSpace, reply, points=points)

    def confusion_matrix(
        self, *, split: Split = "all", epoch: int | None = None
    ) -> ConfusionMatrix:
        """How many samples of each class are taken for which.

        The last stored epoch that is not after `epoch` answers, by default the latest. Raises
        `NotFound`, and `InvalidArgument` for a job without classes.
        """
        fields = {"id": self.id, "split": split, "epoch": epoch}
        return ConfusionMatrix.of(self._session.call("GetConfusionMatrix", fields))

    def sample_predictions(
        self,
        count: int | None = None,
        *,
        order: SampleOrder = "first",
        split: Split = "all",
        seed: int | None = None,
        epoch: int | None = None,
    ) -> SamplePredictions:
        """Samples (20 unless you say otherwise) beside what the network says of them.

        `order="worst"` has those with the largest loss first; `seed` is for `random`. The last
        stored epoch that is not after `epoch` answers, by default the latest. Raises `NotFound`,
        `InvalidArgument`.
        """
        fields = {"count": count, "order": order, "split": split, "seed": seed, "epoch": epoch}
        reply = self._session.call("GetSamplePredictions", {"id": self.id, **fields})
        return read(SamplePredictions, reply)

    def layer_weights(self, layer: str | None = None, *, epoch: int | None = None) -> LayerWeights:
        """The weights of a layer, or of all, at the last stored epoch that is not after `epoch`.

        By default the latest. Large networks are refused with `InvalidArgument`: `weights` has
        them. Raises `NotFound`.
        """
        fields = {"id": self.id, "layer": layer, "epoch": epoch}
        return LayerWeights.of(self._session.call("GetWeights", fields))

    def _latest_stored(self) -> int:
        """The latest epoch with a checkpoint. Raises `NotFound`."""
        stored = self.checkpoints()
        if not stored:
            raise NotFound(f"{self.id} has no checkpoint yet")
        return stored[-1].epoch

    # ------------------------------------------------------------------ in a notebook

    def _repr_html_(self) -> str:
        """State, progress and curve; a read of the curve is all that it asks of the service. Where
        that fails, since the job was deleted or the client closed, a sentence stands in its place.
        """
        try:
            curve = self.curve().svg() if self.epoch else ""
        except EpochalError as gone:
            curve = f"<br>{html.escape(str(gone))}"
        share = self.epoch / max(self.epochs_wanted, 1)
        return (
            f"<div><strong>{html.escape(self.id)}</strong> {html.escape(self.outcome)}<br>"
            f"{f'{html.escape(self.explanation)}<br>' if self.explanation else ''}"
            f'<progress value="{share:.4f}" max="1" aria-label="epochs done"></progress> '
            f"epoch {self.epoch:,} of {self.epochs_wanted:,}"
            f"{curve}</div>"
        )

    # ------------------------------------------------------------------ keeping up to date

    def _become(self, data: Mapping[str, Any]) -> Job:
        return self._update(**vars(job_of(data, self._session)))

    def _update(self, **values: Any) -> Job:
        # Frozen for whoever holds the job; only the service's answers move it.
        vars(self).update(values)
        return self

    def _keep_up(self, event: Event) -> None:
        match event:
            case SnapshotEvent():
                self._update(**vars(event.job))
            case StateEvent():
                attempt = self.attempt if event.attempt is None else event.attempt
                self._update(state=event.state, stop_reason=event.stop_reason, attempt=attempt)
            case EpochsEvent():
                last = {name: float(column[-1]) for name, column in event.columns.items()}
                latest = read(Epoch, {"epoch": int(event.epoch[-1]), **last})
                self._update(epoch=event.last_epoch, latest=latest)
            case EndEvent():
                self._update(state=event.state, stop_reason=event.stop_reason)
        self._update(seq=event.seq)


def job_of(data: Mapping[str, Any], session: Session) -> Job:
    """The handle of a job that the service told of."""
    small = data.get("curve")
    return read(
        Job, data, small_curve=None if small is None else read(SmallCurve, small), _session=session
    )


class Jobs:
    """`client.jobs`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @overload
    def create(
        self,
        spec: Spec | None = None,
        /,
        *,
        request_id: str | None = None,
        validate_only: Literal[False] = False,
        **fields: Any,
    ) -> Job: ...

    @overload
    def create(
        self,
        spec: Spec | None = None,
        /,
        *,
        request_id: str | None = None,
        validate_only: Literal[True],
        **fields: Any,
    ) -> Estimate: ...

    def create(
        self,
        spec: Spec | None = None,
        /,
        *,
        request_id: str | None = None,
        validate_only: bool = False,
        **fields: Any,
    ) -> Job | Estimate:
        """Starts a training job from a spec; `fields` stand beside its own or replace them.

        The same `request_id` and the same spec give the same job, however often they are sent; one
        is made up unless you bring your own. With `validate_only` the spec is checked and priced,
        and no job is made. Raises `InvalidArgument`, whose `errors` name the fields at fault, and
        `IdempotencyMismatch` where a `request_id` comes with another spec.

        >>> client.jobs.create(client.preset("xor"), epochs=10, validate_only=True).parameters
        17
        """
        body = request({**(spec or {}), **fields})
        if validate_only:
            reply = self._session.call("CreateJob", {"spec": body, "validate_only": True})
            return read(Estimate, reply)
        return job_of(self._session.create("CreateJob", {"spec": body}, request_id), self._session)

    def get(self, job_id: str) -> Job:
        """The job with this id. Raises `NotFound`."""
        return job_of(self._session.call("GetJob", {"id": job_id}), self._session)

    def list(
        self,
        *,
        state: JobState | Sequence[JobState] | None = None,
        label: str | None = None,
        query: str | None = None,
        curve_points: int | None = None,
        page_size: int | None = None,
    ) -> Iterator[Job]:
        """Jobs, newest first, fetched page by page as they are asked for.

        `state` may be several; `label` is `key` or `key=value`; `query` is a text that the name,
        the labels, the data set or the id contain, in any case. With `curve_points`, about so many
        (4 to 100), each job has a `small_curve`. Raises `InvalidArgument`.
        """
        states = [state] if isinstance(state, str) else list(state or ())
        fields = {
            "state": states or None,
            "label": label,
            "query": query,
            "curve_points": curve_points,
            "page_size": page_size,
        }
        for item in pages(self._session, "ListJobs", "jobs", fields):
            yield job_of(item, self._session)

    def compare(
        self,
        *jobs: Job | str,
        metrics: Sequence[str] = (),
        max_points: int | None = None,
        aligned: bool = False,
    ) -> Comparison:
        """Two to ten jobs (or their ids) side by side.

        Without `metrics`, their losses, each in `max_points` points at the most (4 to 2,000, 300
        unless you say otherwise). With `aligned`, curves have values at the same epochs, at equal
        distances; else the extremes of each. Raises `NotFound`, `InvalidArgument`.
        """
        from .comparison import Comparison

        fields = {
            "job": [job if isinstance(job, str) else job.id for job in jobs],
            "metric": list(metrics) or None,
            "max_points": max_points,
            "aligned": aligned or None,
        }
        return Comparison.of(self._session.call("GetComparison", fields))
