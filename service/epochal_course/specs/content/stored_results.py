"""Stored results of preset experiments: what a real run gave, before the reader trains it."""

from __future__ import annotations

from typing import Literal

from epochal_service.specs.base import Reply
from epochal_service.specs.experiments import Experiment
from epochal_service.specs.jobs import CurveSeries

ExhibitKind = Literal[
    "line",
    "unit_maps",
    "code",
    "filters",
    "feature_maps",
    "samples",
    "own_input",
    "gradients",
    "attention",
    "induction",
    "texts",
    "calls",
    "run",
    "errors",
    "gaps",
    "neighbors",
    "picture_attention",
    "denoised",
]


class ExhibitCall(Reply):
    """A request about a job of an experiment, and the stored reply."""

    job: str
    """Name of the job in the experiment."""
    method: str
    """HTTP method, `GET` or `POST`."""
    path: str
    """HTTP path, with `{id}` for the id of the job."""
    request: str
    """Query or body, as JSON."""
    reply: str
    """Reply of the stored run, as JSON; empty if none is stored."""


class Exhibit(Reply):
    """A picture of the result of an experiment: outputs or weights of its networks."""

    kind: ExhibitKind
    """How the replies are drawn."""
    title: str
    """Title for display."""
    caption: str
    """Caption that points to the result in the picture."""
    calls: list[ExhibitCall]
    """Requests in the order in which the picture shows their replies."""


class ExperimentCurve(Reply):
    """The curves of one job of an experiment."""

    job: str
    """Name of the job in the experiment."""
    series: list[CurveSeries]
    """One series per metric, for the first seed."""


class PresetExperimentResults(Reply):
    """Results of a preset experiment that were stored with this release."""

    name: str
    """Name of the preset experiment."""
    experiment: Experiment | None = None
    """The experiment after its end, without ids. Absent if no results of its present spec are
    stored.
    """
    curves: list[ExperimentCurve]
    """Curves of the jobs; empty without stored results."""
    exhibits: list[Exhibit]
    """Pictures, which can be requested of any run of the experiment."""
