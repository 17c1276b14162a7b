"""One training job: its life, its events and its numbers."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack, overload

from ..curves import Curve
from ..deferred import np
from ..epoch_table import EpochTable
from ..errors import EpochalError
from ..paging import pages_by_epoch
from ..records import read, request
from ..session import Session
from ..specs import Spec, repeated, spec_after, with_activation, with_objects
from ..types import (
    Baselines,
    ChangedTrainingSpec,
    CurveSeries,
    Diagnosis,
    Epoch,
    GradientSnapshot,
    Metric,
    TrainingChange,
    TrainingFields,
)
from .generation import Writing
from .inspection import Inspection
from .live import Live
from .verification import Verifiable

if TYPE_CHECKING:
    import pandas


class JobFailed(EpochalError):
    """A job failed or was cancelled while `wait` waited for its success; `job` is the handle."""

    def __init__(self, job: Job) -> None:
        explanation = f": {job.explanation}" if job.explanation else ""
        super().__init__(f"{job.id} {job.outcome}{explanation}")
        self.job = job


class Job(Verifiable, Inspection, Writing):
    """A handle to a training job.

    `data` has the latest record from the service, and its fields are attributes of the handle.
    `refresh`, `wait` and `watch` update it.
    """

    # ------------------------------------------------------------------ from the latest record

    @property
    def total_epochs(self) -> int:
        """The number of epochs in the spec with its changes; the job may end earlier."""
        return int(spec_after(self._data.spec)["epochs"])

    @property
    def small_curve(self) -> CurveSeries | None:
        """The training loss in a few points, in lists with `curve_points`."""
        return self._data.curve

    @property
    def outcome(self) -> str:
        """The state, with the stop reason unless it is `completed`: `failed (diverged)`."""
        if self.stop_reason in (None, "completed"):
            return self.state
        return f"{self.state} ({str(self.stop_reason).replace('_', ' ')})"

    @property
    def explanation(self) -> str:
        """Why the job ended as it did, in a sentence or two; empty for a plain success."""
        if self.warning is not None:
            return self.warning
        if self.divergence is None:
            return self.detail or ""
        where = f"At epoch {self.divergence.epoch} in {self.divergence.layer}"
        return f"{where}: {self.divergence.symptom}. {self.divergence.suggestion}"

    def __repr__(self) -> str:
        loss = f", train_loss {self.latest.train_loss:.4g}" if self.latest else ""
        warning = f". {self.warning}" if self.warning else ""
        epochs = f"epoch {self.epoch} of {self.total_epochs}"
        return f"<Job {self.id} {self.state}, {epochs}{loss}{warning}>"

    # ------------------------------------------------------------------ life

    def wait(self, timeout: float | None = None, *, check: bool = False) -> Self:
        """Wait until the job is over, and return it.

        Raises `TimedOut` after `timeout` seconds; the job continues. With `check`, raises
        `JobFailed` unless the job succeeded.
        """
        if not self.is_over:
            super().wait(timeout)
        if check and self.state != "succeeded":
            raise JobFailed(self)
        return self

    def pause(self) -> Self:
        """Pause the job at its next epoch. Raises `Conflict` if it is over."""
        return self._update(self._call("Pause"))

    def resume(self, epochs: int | None = None) -> Self:
        """Resume a paused job, bit for bit: to its end, or for some `epochs`, after which it pauses
        again.

        Raises `Conflict` if it is over, and for `epochs` if it is not paused.
        """
        return self._update(self._call("Resume", epochs=epochs))

    def change(
        self,
        *,
        learning_rate: float | None = None,
        activation: str | None = None,
        pace: float | None = None,
        **fields: Unpack[ChangedTrainingSpec],
    ) -> TrainingChange:
        """Change the settings while the job trains, after the epoch that is being trained or, if it
        takes longer than 0.1 s, after its next steps.

        `optimizer={"type": "sgd"}` changes the optimizer, `learning_rate=0.003` its rate alone, and
        `activation="tanh"` the hidden layers. A `network` has the same parameters as the present.
        `dataset={"name": "spiral", "noise": 0.3}`, `samples=[{"inputs": [1, 2], "targets": 1}]` and
        `weights=[{"layer": "dense_1", "array": "bias", "index": [0], "value": 2}]` change data and
        weights, `freeze=["dense_1"]` and `unfreeze` the layers that train.
        `pace` is the number of epochs a second, or 0 for as many as possible; no result changes.
        The spec of the job has the change from then on, and the same spec repeats every bit. Data,
        class weights, augmentation and shuffling change between two epochs: `epoch` of the result
        is None if that takes long.
        Raises `Conflict` if the job is over, `InvalidArgument` for settings that do not fit.

        >>> job = client.jobs.create(client.preset("spiral"), epochs=4000)
        >>> change = job.change(learning_rate=0.003)
        >>> change.training
        {'optimizer': {'learning_rate': 0.003}}
        """
        if learning_rate is not None:
            options = {**(fields.get("optimizer") or {}), "learning_rate": learning_rate}
            fields["optimizer"] = options  # type: ignore[typeddict-item]
        if activation is not None:
            network = fields.get("network") or spec_after(self.spec)["network"]
            fields["network"] = with_activation(network, activation)
        request = {"id": self.id, "pace": pace, **with_objects(fields)}
        return read(TrainingChange, self._session.call("ChangeTraining", request))

    def live(self) -> Live:
        """Return the newest epochs while the job trains, each with its metrics and weights.

        A loop that takes long for an epoch skips some. `with` closes the stream at its end; the job
        trains on.

        >>> job = client.jobs.create(client.preset("xor"), epochs=100_000, pace=50)
        >>> with job.live() as run:
        ...     for now in run:
        ...         if now.metrics.train_loss < 0.9:
        ...             change = run.change(learning_rate=0.1)
        ...             break
        >>> now.weights["dense_1.weight"].shape[0]
        2
        >>> job.cancel().wait().state
        'cancelled'
        """
        return Live(self, self._watch(None, parameters=True), self.change)

    @overload
    def fork(
        self,
        epoch: int | None = None,
        *,
        keep_state: Literal[False] = False,
        **changes: Unpack[TrainingFields],
    ) -> Job: ...

    @overload
    def fork(
        self,
        epoch: int | None = None,
        *,
        keep_state: Literal[True],
        name: str | None = None,
        **changes: Unpack[ChangedTrainingSpec],
    ) -> Job: ...

    def fork(self, epoch: int | None = None, *, keep_state: bool = False, **changes: Any) -> Job:
        """Start another job from the weights of this one at a stored epoch.

        By default it is the best epoch if early stopping restored it, else the latest.

        With `keep_state`, the optimizer and the random numbers continue, too. The new job repeats
        this one up to any `epoch`, by default the latest, and `changes` are fields that `change`
        can make: without any, every epoch is the same, to the bit.

        The spec is the same, with the settings of that epoch, except for the name and `changes`,
        which replace fields of it. The optimizer starts without its state. A `network` of another
        shape takes what fits: with more units or a new layer after relu or linear units, it has the
        same outputs at first. Raises `InvalidArgument`
        if that epoch has no checkpoint; the message names the nearest ones.
        """
        if keep_state:
            at = self.epoch if epoch is None else epoch
            return create_job(self._session, repeated(self.spec, at, changes))
        epoch = self._default_checkpoint() if epoch is None else epoch
        start = {"job": self.id, "epoch": epoch, "resize": "network" in changes}
        fields = {**spec_after(self.spec, epoch), "initial_weights": start, "name": None, **changes}
        return create_job(self._session, fields)

    # ------------------------------------------------------------------ numbers

    def epochs(self, after: int = 0, *, page_size: int | None = None) -> Iterator[Epoch]:
        """Yield every stored epoch after `after`, in order, page by page. Raises `NotFound`."""
        fields = {"id": self.id, "after_epoch": after, "page_size": page_size}
        for page in pages_by_epoch(self._session, "ListEpochs", fields):
            for row in page.get("epochs") or ():
                yield read(Epoch, row)

    def epoch_table(
        self, metrics: Sequence[Metric] = (), *, after: int = 0, page_size: int | None = None
    ) -> EpochTable:
        """Return the metrics of every stored epoch after `after` as arrays, by default all metrics.

        `page_size` epochs are one request, by default 100,000. Raises `NotFound`,
        `InvalidArgument`.
        """
        fields = {
            "id": self.id,
            "after_epoch": after,
            "page_size": page_size,
            "metrics": list(metrics) or None,
        }
        return EpochTable.of(pages_by_epoch(self._session, "GetEpochColumns", fields), metrics)

    def to_pandas(self, metrics: Sequence[Metric] = (), *, after: int = 0) -> pandas.DataFrame:
        """Return the same as a data frame: a row for each epoch, a column for each metric.

        Raises `MissingDependency` without pandas.
        """
        return self.epoch_table(metrics, after=after).to_pandas()

    def curve(
        self,
        metrics: Sequence[Metric] = (),
        *,
        max_points: int | None = None,
        previous: Curve | None = None,
    ) -> Curve:
        """Return the metrics of the whole run, by default all that the job has.

        `max_points` limits the points of each metric (4 to 100,000; 1,000 by default). The lowest
        and the highest value of each bucket of epochs are kept. To poll, pass the `previous` curve,
        of the same metrics and `max_points`: only what is new is then read. Raises `NotFound`,
        `InvalidArgument`.
        """
        fields = {"id": self.id, "metrics": list(metrics) or None, "max_points": max_points}
        curve = None
        if previous is not None:
            since = {**fields, "after_epoch": previous.closed_epoch}
            curve = previous.continued(Curve.of(self._session.call("GetCurve", since)))
        if curve is None:
            curve = Curve.of(self._session.call("GetCurve", fields))
        return replace(curve, baselines=_reference_losses(self.baselines))

    def gradients(
        self, after: int = 0, *, page_size: int | None = None, max_points: int | None = None
    ) -> Iterator[GradientSnapshot]:
        """Yield the stored gradient statistics after epoch `after`, in order, page by page.

        `snapshots.gradients_every` of the spec selects the epochs. `max_points` limits their number
        (4 to 1,000): one request then returns the snapshots with the lowest and the highest
        gradient norm of each bucket of epochs. Raises `NotFound`, `InvalidArgument`.
        """
        fields = {
            "id": self.id,
            "after_epoch": after,
            "page_size": page_size,
            "max_points": max_points,
        }
        for page in pages_by_epoch(self._session, "ListGradients", fields):
            edges = np.array(page.get("histogram_edges") or (), dtype=np.float64)
            for snapshot in page.get("snapshots") or ():
                yield read(GradientSnapshot, snapshot, histogram_edges=edges)

    def diagnosis(self) -> Diagnosis:
        """Return the problems that the run shows, and remedies; empty for a healthy run.

        `job.diagnosis().findings[0].apply_to(job.spec)` is the spec with the suggested change.
        Raises `NotFound` if the data set of the job was deleted.
        """
        return read(Diagnosis, self._session.call("GetDiagnosis", {"id": self.id}))

    # ------------------------------------------------------------------ in a notebook

    def _repr_html_(self) -> str:
        """Return state, progress and curve. The curve is read from the service; if that fails, the
        error message takes its place.
        """
        try:
            curve = self.curve().svg() if self.epoch else ""
        except EpochalError as error:
            curve = f"<br>{html.escape(str(error))}"
        share = self.epoch / max(self.total_epochs, 1)
        return (
            f"<div><strong>{html.escape(self.id)}</strong> {html.escape(self.outcome)}<br>"
            f"{f'{html.escape(self.explanation)}<br>' if self.explanation else ''}"
            f'<progress value="{share:.4f}" max="1" aria-label="epochs done"></progress> '
            f"epoch {self.epoch:,} of {self.total_epochs:,}"
            f"{curve}</div>"
        )


_NGRAMS = {2: "bigram", 3: "trigram", 4: "4-gram"}


def _reference_losses(baselines: Baselines | None) -> dict[str, float]:
    """Return name -> validation loss of each baseline; the training loss without validation."""
    if baselines is None:
        return {}
    named = {
        "best constant": baselines.constant,
        "linear model": baselines.linear,
        "boosted trees": baselines.boosted,
        **{_NGRAMS[losses.n]: losses for losses in baselines.ngrams},
    }
    losses = {
        name: losses.train_loss if losses.validation_loss is None else losses.validation_loss
        for name, losses in named.items()
        if losses is not None
    }
    return {name: loss for name, loss in losses.items() if np.isfinite(loss)}


def create_job(session: Session, fields: Spec, request_id: str | None = None) -> Job:
    """Create a job from the fields of its spec, and return its handle."""
    body = request(with_objects(fields))
    return Job(session.create("CreateJob", {"spec": body}, request_id), session)
