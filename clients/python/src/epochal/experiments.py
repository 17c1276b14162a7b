"""Experiments: several jobs, for several seeds, and claims about their results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, Self

from .errors import NotFound
from .following import follow
from .jobs.job import Job
from .notebook import table
from .paging import pages
from .records import read, request
from .session import Part, Session
from .specs import Spec, with_objects
from .types import (
    ClaimSpec,
    ExperimentData,
    ExperimentJob,
    ExperimentProperties,
    ExperimentSpec,
    TrainingSpec,
)


class Experiment(ExperimentProperties):
    """A handle to an experiment.

    `data` has the latest record from the service, and its fields are attributes of the handle.
    `refresh`, `wait` and `watch` update it.
    """

    def __init__(self, data: Mapping[str, Any], session: Session) -> None:
        self._data = read(ExperimentData, data)
        self._session = session

    @property
    def is_over(self) -> bool:
        """Whether all jobs have ended."""
        return self.state != "running"

    @property
    def jobs(self) -> tuple[ExperimentJob, ...]:
        """The jobs by seed, each after the jobs that it needs, without deleted ones."""
        return self._data.jobs

    def job(self, name: str, seed: int | None = None) -> Job:
        """Return a job by its name and the seed of its run, by default the first.

        Raises `NotFound` if the experiment has no such job, or it was deleted.
        """
        seed = self.seeds[0] if seed is None else seed
        for job in self.jobs:
            if (job.job, job.seed) == (name, seed):
                return Job(self._session.call("GetJob", {"id": job.id}), self._session)
        raise NotFound(f"{self.id} has no job {name} with the seed {seed}")

    def spec(self) -> dict[str, Any]:
        """Return a spec that creates the same experiment again, ready for `experiments.create` or
        `exercises.create`.

        Raises `NotFound` if a job of every run was deleted.

        >>> job = client.preset("xor") | {"epochs": 5, "target": None}
        >>> made = client.experiments.create(jobs={"xor": job}, seeds=[3])
        >>> again = client.experiments.create(made.spec(), seeds=[4])
        >>> again.job("xor").spec["seed"] - made.job("xor").spec["seed"]
        1
        """
        return self._session.call("GetExperimentSpec", {"id": self.id})

    def refresh(self) -> Self:
        """Update the handle from the service. Raises `NotFound` if the experiment was deleted."""
        return self._update(self._session.call("GetExperiment", {"id": self.id}))

    def watch(self, *, timeout: float | None = None) -> Iterator[Self]:
        """Yield the experiment now, after changes, at most twice a second, and a last time when
        all its jobs have ended.

        Raises `TimedOut` after `timeout` seconds; the experiment continues.
        """
        with closing(follow(self._session, self.id, None, timeout=timeout)) as frames:
            for frame in frames:
                yield self._update(frame[frame["type"]])
        if not self.is_over:  # it ended while the connection was lost
            yield self.refresh()

    def wait(self, timeout: float | None = None) -> Self:
        """Wait until all jobs have ended, and return the experiment.

        Raises `TimedOut` after `timeout` seconds; the experiment continues.
        """
        for _ in self.watch(timeout=timeout):
            pass
        return self

    def cancel(self) -> Self:
        """Cancel all jobs that have not ended. Raises `Conflict` if all have ended otherwise."""
        return self._update(self._session.call("CancelExperiment", {"id": self.id}))

    def delete(self) -> None:
        """Delete the experiment and its jobs. Raises `Conflict` unless all jobs have ended."""
        self._session.call("DeleteExperiment", {"id": self.id})

    def _repr_html_(self) -> str:
        return table(self._data)

    def __repr__(self) -> str:
        met = sum(claim.outcome == "met" for claim in self.claims)
        claims = f", {met} of {len(self.claims)} claims met" if self.claims else ""
        return f"<Experiment {self.id} {self.state}, {len(self.jobs)} jobs{claims}>"

    def _update(self, data: Mapping[str, Any]) -> Self:
        self._data = read(ExperimentData, data)
        return self


class Experiments(Part):
    """`client.experiments`."""

    def create(
        self,
        spec: ExperimentSpec | Spec | None = None,
        /,
        *,
        jobs: Mapping[str, TrainingSpec | Spec] | None = None,
        claims: Sequence[ClaimSpec | Spec] | None = None,
        seeds: Sequence[int] | None = None,
        name: str | None = None,
        request_id: str | None = None,
    ) -> Experiment:
        """Create an experiment from a spec, from its fields, or from a spec with other fields.

        A job waits for the jobs that it names in `initial_weights`, as `{"job": NAME}`, and in
        `rollouts.reward`, as `{"type": "job", "job": NAME}`. Each run adds its seed to the seeds of
        all jobs. A claim compares a metric of a job, or its difference to another job, with
        `at_least`, `above`, `at_most` or `below`.

        The service creates one experiment for each `request_id`; a random one is used by default.
        Raises `InvalidArgument`.

        >>> job = client.preset("xor") | {"epochs": 300, "target": None}
        >>> claim = {"job": "xor", "metric": "train_loss", "below": 0.7}
        >>> made = client.experiments.create(jobs={"xor": job}, claims=[claim], seeds=[0, 1])
        >>> made.wait().claims[0].outcome
        'met'
        """
        fields = {"name": name, "seeds": seeds, "jobs": jobs, "claims": claims}
        body = {
            **(spec or {}),
            **{key: value for key, value in fields.items() if value is not None},
        }
        body["jobs"] = {key: with_objects(job) for key, job in (body.get("jobs") or {}).items()}
        reply = self._session.create("CreateExperiment", {"spec": request(body)}, request_id)
        return Experiment(reply, self._session)

    def get(self, experiment_id: str) -> Experiment:
        """Return the experiment with this id. Raises `NotFound`."""
        return Experiment(self._session.call("GetExperiment", {"id": experiment_id}), self._session)

    def list(
        self,
        *,
        owner: str | None = None,
        limit: int | None = None,
        page_size: int | None = None,
    ) -> Iterator[Experiment]:
        """Yield experiments without their jobs and claims, newest first, page by page.

        `owner` is a member of the caller's class.
        """
        fields = {"owner": owner, "page_size": page_size}
        for row in pages(self._session, "ListExperiments", "experiments", fields, limit):
            yield Experiment(row, self._session)
