"""Exercises: experiments with open fields, which others attempt and the claims mark."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import InvalidArgument
from .experiments import Experiment
from .paging import pages
from .records import read, request
from .session import Part
from .specs import Spec, with_objects
from .types import Attempt, Exercise, ExerciseResults, ExperimentSpec


class Exercises(Part):
    """`client.exercises`."""

    def create(
        self,
        experiment: ExperimentSpec | Spec,
        /,
        *,
        title: str,
        open: Sequence[str],
        text: str = "",
        request_id: str | None = None,
    ) -> Exercise:
        """Create an exercise from an experiment with claims, and return it.

        `open` has the paths of the fields that an attempt may change, with all that is below them.
        Everybody who knows the id reads the experiment, so its open fields are values to start
        from, and not the solution.

        The service creates one exercise for each `request_id`; a random one is used by default.
        Raises `InvalidArgument`.

        >>> job = client.preset("xor") | {"epochs": 1, "target": None}
        >>> claim = {"job": "xor", "metric": "epochs", "at_least": 3}
        >>> exercise = client.exercises.create(
        ...     {"jobs": {"xor": job}, "claims": [claim]},
        ...     title="Train for three epochs",
        ...     open=["jobs.xor.epochs"],
        ... )
        >>> client.exercises.attempt(exercise.id, {"xor": {"epochs": 3}}).wait().claims[0].outcome
        'met'
        >>> client.exercises.results(exercise.id).results[0].attempts
        1
        """
        fields = {"title": title, "text": text, "experiment": experiment, "open": [*open]}
        reply = self._session.create("CreateExercise", {"spec": request(fields)}, request_id)
        return read(Exercise, reply)

    def get(self, exercise_id: str) -> Exercise:
        """Return the exercise with this id, of any owner. Raises `NotFound`."""
        return read(Exercise, self._session.call("GetExercise", {"id": exercise_id}))

    def list(self, *, limit: int | None = None, page_size: int | None = None) -> Iterator[Exercise]:
        """Yield your exercises and your class's exercises without their experiments, newest first,
        page by page.
        """
        fields = {"page_size": page_size}
        for row in pages(self._session, "ListExercises", "exercises", fields, limit):
            yield read(Exercise, row)

    def attempt(
        self,
        exercise_id: str,
        jobs: Mapping[str, Mapping[str, Any]],
        *,
        request_id: str | None = None,
    ) -> Experiment:
        """Create an experiment from the exercise, with other values for fields of its jobs.

        `jobs` has only these fields, by the names of the jobs. Raises `NotFound`, `InvalidArgument`
        for a field that is not open.
        """
        exercise = self.get(exercise_id)
        fixed: dict[str, Any] = (exercise.experiment or {})["jobs"]
        spec = {name: {**fixed.get(name, {}), **with_objects(job)} for name, job in jobs.items()}
        fields = {"id": exercise_id, "spec": request({"jobs": spec})}
        return Experiment(
            self._session.create("AttemptExercise", fields, request_id), self._session
        )

    def submit(
        self,
        exercise_id: str,
        proof: bytes | str | os.PathLike[str],
        *,
        request_id: str | None = None,
    ) -> Experiment:
        """Submit a run that was trained elsewhere, and return the experiment that repeats it.

        `proof` is the file that `job.export("proof")` returns, or its path. The run has your seed,
        `seed` of the exercise, and differs from the exercise in open fields alone. `proof` of the
        experiment says whether the repetition has the same bits.

        Raises `NotFound`; `InvalidArgument` for the run of another owner, with another seed or
        other data, and for a field that is not open.

        >>> job = client.preset("xor") | {"epochs": 1, "target": None}
        >>> claim = {"job": "xor", "metric": "epochs", "at_least": 3}
        >>> exercise = client.exercises.create(
        ...     {"jobs": {"xor": job}, "claims": [claim]},
        ...     title="Train for three epochs",
        ...     open=["jobs.xor.epochs"],
        ... )
        >>> mine = client.jobs.create(job | {"epochs": 3, "seed": exercise.seed}).wait()
        >>> client.exercises.submit(exercise.id, mine.export("proof")).wait().proof.verdict
        'accepted'
        """
        content = proof if isinstance(proof, bytes) else Path(proof).read_bytes()
        try:
            fields = {"id": exercise_id, "spec": json.loads(content)}
        except ValueError:
            text = "must be JSON, as `export` returns it in the format proof"
            raise InvalidArgument.of("proof", text) from None
        return Experiment(self._session.create("SubmitProof", fields, request_id), self._session)

    def attempts(
        self,
        exercise_id: str,
        *,
        owner: str | None = None,
        limit: int | None = None,
        page_size: int | None = None,
    ) -> Iterator[Attempt]:
        """Yield attempts at the exercise, newest first: to its owner all attempts, to others their
        own. Raises `NotFound`.
        """
        fields = {"id": exercise_id, "owner": owner, "page_size": page_size}
        for row in pages(self._session, "ListAttempts", "attempts", fields, limit):
            yield read(Attempt, row)

    def results(self, exercise_id: str) -> ExerciseResults:
        """Return what each owner achieved in the exercise. Raises `NotFound`."""
        return read(ExerciseResults, self._session.call("GetExerciseResults", {"id": exercise_id}))

    def delete(self, exercise_id: str) -> None:
        """Delete the exercise and its results; the experiments of its attempts remain.

        Raises `NotFound`; `Forbidden` if it belongs to another owner.
        """
        self._session.call("DeleteExercise", {"id": exercise_id})
