"""Every method of the API, once for both wires.

A row names the RPC, the HTTP verb and path, and the function, whose signature has the models of the
request and of the reply.

    row ──┬── rest/routes.py        routes, OpenAPI
          ├── rpc/services.py       handlers
          ├── protos/generate.py    the .proto files
          ├── clients/python        routes of the SDK
          └── tests/contract, docs/api.md

How a function's parameters become a request:

    context            not part of the request
    id, epoch          a segment of the path; a field of the message
    spec               the JSON body; a field of the message
    another `Spec`     the JSON body; the fields of the message
    a `Request`        the query; the fields of the message
    data               the body as it is; a field of the message
    .request_id        the header Idempotency-Key; a field of the message
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from inspect import cleandoc
from typing import Annotated, Any, Literal, TypeVar, get_type_hints

import structlog
from pydantic import BaseModel, Field

from ..errors import FieldError
from ..simulate.explorer import Explorer
from ..specs.base import Cursor, Reply, Request, Spec
from ..specs.experiments import ExperimentEvent
from ..specs.generation import Generation, GenerationEvent
from ..specs.jobs import JobEvent
from ..specs.sweeps import SweepEvent
from ..specs.system import Scope
from . import (
    comparison,
    datasets,
    deliveries,
    diagnosis,
    examples,
    exercises,
    experiments,
    exports,
    generation,
    inside,
    inspection,
    jobs,
    journey,
    networks,
    predictions,
    random_draws,
    stream_tokens,
    suggestion,
    sweeps,
    system,
    uploads,
    workers,
)
from .context import Context
from .simulations import EXPLORERS, path_of

M = TypeVar("M", bound=BaseModel)

PATH_FIELDS: dict[str, Any] = {
    "id": Annotated[str, Field(min_length=1)],
    "epoch": Cursor,
}
"""What may stand in a path, and its type."""

PATH_DESCRIPTIONS = {
    "jobs": "The id of the job, as `POST /v1/jobs` returned it.",
    "sweeps": "The id of the sweep, as `POST /v1/sweeps` returned it.",
    "experiments": "The id of the experiment, as `POST /v1/experiments` returned it.",
    "exercises": "The id of the exercise, as `POST /v1/exercises` returned it.",
    "networks": "The id of the network, as `POST /v1/networks` returned it.",
    "datasets": "The id of the data set. The id of a built-in one is its name.",
    "architectures": "The id of the architecture, such as `lstm`: see `GET /v1/architectures`.",
    "sections": "The id of the section, such as `neuron`: see `GET /v1/sections`.",
    "preset-experiments": "The name of the experiment, such as `xor-1969`: see "
    "`GET /v1/preset-experiments`.",
    "presets": "The id of the preset, such as `xor`: see `GET /v1/presets`.",
    "uploads": "The id of the upload, as `POST /v1/uploads` returned it.",
    "epoch": "The epoch of a stored checkpoint: see `GET /v1/jobs/{id}/checkpoints`.",
}
"""What `{id}` is, by the collection that the path begins with, and the other fields."""

DATA = "data"
DATA_DESCRIPTION = "The bytes of the piece. Not empty."
"""The field that is the body as it is on HTTP, and what it holds."""

Basis = Literal["job", "release"]
"""The row and the log of the job or sweep that `id` names; the version of the service alone."""

logger = structlog.get_logger(__name__)

READS = ("Simulate", "Generate", "Summarize", "Validate", "Suggest", "Predict", "Check", "Get")
"""How the names of methods begin that change nothing, although their HTTP verb is not GET."""

NO_DATA = FieldError(DATA, "must not be empty")


@dataclass(frozen=True, eq=False)
class Method:
    """One method of the API."""

    rpc: str
    """The name on gRPC, such as `CreateJob`."""
    http: str
    """Verb and path, such as `POST /v1/jobs`."""
    function: Callable[..., Any]
    """What it does; its docstring, up to "Raises", describes the method on both wires."""
    summary: str
    """A few words for a list of methods."""
    conflicts: bool = False
    """Whether it may fail with 409."""
    errors: tuple[int, ...] = ()
    """Statuses of errors that its signature does not tell."""
    scope: Scope = "train"
    """The scope that an API key needs for it; `read` where its verb or its name says that it
    changes nothing."""
    event: type[Reply] | None = None
    """The events of a method that answers with a stream."""
    total: type[Reply] | None = None
    """What HTTP answers instead to a client that does not accept a stream: all events in one."""
    examples: Mapping[str, Any] = field(default_factory=dict)
    """Bodies that can be sent as they are, by what they show."""
    takes_long: bool = False
    """Whether it may take seconds: then it does not wait in the process of other large requests."""
    basis: Basis | None = None
    """What its reply depends on beside the request, so that it is computed once until that changes.
    None: on more than this, or it is computed each time."""
    service: str = ""
    """The gRPC service that it belongs to."""
    tag: str = ""
    """The section of the HTTP documentation that it belongs to."""

    def __post_init__(self) -> None:
        if self.scope == "train" and (self.verb == "GET" or self.rpc.startswith(READS)):
            object.__setattr__(self, "scope", "read")

    @property
    def verb(self) -> str:
        """The HTTP verb."""
        return self.http.partition(" ")[0]

    @property
    def path(self) -> str:
        """The HTTP path, with `{id}` and `{epoch}` where these stand."""
        return self.http.partition(" ")[2]

    @property
    def name(self) -> str:
        """The name in snake case, such as `create_job`."""
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in self.rpc).strip("_")

    @property
    def explorer(self) -> Explorer | None:
        """The explorer that is called; None for another method."""
        explorer = getattr(self.function, "__self__", None)
        return explorer if isinstance(explorer, Explorer) else None

    @property
    def description(self) -> str:
        """What the method does, in the words of its function."""
        function = self.function if self.explorer is None else self.explorer.function
        return cleandoc(function.__doc__ or "").partition("Raises ")[0].strip()

    @cached_property
    def _hints(self) -> dict[str, Any]:
        if self.explorer is not None:
            return {"request": self.explorer.request, "return": self.explorer.reply}
        hints = get_type_hints(self.function)
        hints.pop("context", None)
        return hints

    @cached_property
    def path_fields(self) -> dict[str, Any]:
        """The fields in the path, in the order of the function's parameters."""
        return {name: PATH_FIELDS[name] for name in self._hints if name in PATH_FIELDS}

    @cached_property
    def body(self) -> type[Spec] | None:
        """The model of the JSON body."""
        return next(iter(self._models(Spec)), None)

    @cached_property
    def query(self) -> type[Request] | None:
        """The model of the query."""
        return next(iter(self._models(Request)), None)

    def _models(self, kind: type[M]) -> list[type[M]]:
        hints = [hint for name, hint in self._hints.items() if name != "return"]
        return [hint for hint in hints if isinstance(hint, type) and issubclass(hint, kind)]

    @cached_property
    def body_field(self) -> str | None:
        """The field of the gRPC message that holds the body, if its fields do not stand there
        themselves.
        """
        return "spec" if "spec" in self._hints else None

    @cached_property
    def has_data(self) -> bool:
        """Whether the body is bytes."""
        return DATA in self._hints

    @cached_property
    def reads_file(self) -> bool:
        """Whether it reads a file, which may be larger than the body of a request."""
        return self.body is not None and "upload" in self.body.model_fields

    @cached_property
    def has_key(self) -> bool:
        """Whether the method takes an idempotency key."""
        models = [model for model in (self.body, self.query) if model is not None]
        return any("request_id" in model.model_fields for model in models)

    def audit(self, context: Context, subject: str) -> None:
        """Log who called a method that changes something, and what it changed."""
        if self.verb != "GET" and self.scope != "read":
            logger.info(
                "audit", method=self.rpc, id=subject, owner=context.owner, key=context.key_id
            )

    @property
    def creates(self) -> bool:
        """Whether it makes a thing with an id: the answer is 201 with a Location."""
        return self.rpc.startswith("Create")

    @cached_property
    def reply(self) -> type[Reply] | None:
        """The model of the answer: None for a method that returns nothing, the event for one that
        streams.
        """
        if self.event is not None:
            return self.event
        hint = self._hints["return"]
        return None if hint is type(None) else hint

    @property
    def statuses(self) -> list[int]:
        """The HTTP statuses of its errors."""
        codes = {400, 401, 429, *self.errors}
        if self.scope != "read":
            codes.add(403)
        if self.path_fields:
            codes.add(404)
        if self.body is not None or self.has_data:
            codes |= {413, 415}
        if self.has_key:
            codes.add(422)
        if self.conflicts:
            codes.add(409)
        return sorted(codes)

    def message_fields(self) -> list[tuple[str, Any, type[BaseModel] | None]]:
        """The fields of the gRPC request: name, annotation, and the model that describes them."""
        fields: list[tuple[str, Any, type[BaseModel] | None]] = [
            (name, annotation, None) for name, annotation in self.path_fields.items()
        ]
        if self.body is not None and self.body_field is not None:
            fields.append((self.body_field, self.body, None))
        elif self.body is not None:
            fields += [(name, f, self.body) for name, f in self.body.model_fields.items()]
        if self.has_data:
            fields.append((DATA, bytes, None))
        if self.query is not None:
            fields += [(name, f, self.query) for name, f in self.query.model_fields.items()]
        return fields


@dataclass(frozen=True)
class Service:
    """Methods that belong together."""

    name: str
    """On gRPC."""
    tag: str
    """In the HTTP documentation, and the name of the .proto file."""
    description: str
    """What its methods are about."""
    methods: tuple[Method, ...]
    """In the order of the documentation; a path without `{id}` comes before one with it."""


SERVICES: tuple[Service, ...] = (
    Service(
        "NetworkService",
        "networks",
        "Saved networks, and what a network costs.",
        (
            Method(
                "CreateNetwork",
                "POST /v1/networks",
                networks.create_network,
                "Save a network",
                examples=examples.NETWORKS,
            ),
            Method(
                "SummarizeNetwork",
                "POST /v1/networks/summarize",
                networks.summarize_network,
                "Summarize a network",
                examples=examples.SUMMARIES,
            ),
            Method("ListNetworks", "GET /v1/networks", networks.list_networks, "List networks"),
            Method("GetNetwork", "GET /v1/networks/{id}", networks.get_network, "Get a network"),
            Method(
                "DeleteNetwork",
                "DELETE /v1/networks/{id}",
                networks.delete_network,
                "Delete a network",
            ),
        ),
    ),
    Service(
        "DatasetService",
        "datasets",
        "Data sets: built in, generated, uploaded at once or in pieces.",
        (
            Method(
                "CreateDataset",
                "POST /v1/datasets",
                datasets.create_dataset,
                "Create a data set",
                conflicts=True,
                examples=examples.DATASETS,
            ),
            Method("ListDatasets", "GET /v1/datasets", datasets.list_datasets, "List data sets"),
            Method("GetDataset", "GET /v1/datasets/{id}", datasets.get_dataset, "Get a data set"),
            Method(
                "PreviewDataset",
                "GET /v1/datasets/{id}/preview",
                datasets.preview_dataset,
                "Preview a data set",
            ),
            Method(
                "DeleteDataset",
                "DELETE /v1/datasets/{id}",
                datasets.delete_dataset,
                "Delete a data set",
                conflicts=True,
            ),
            Method(
                "CreateUpload",
                "POST /v1/uploads",
                uploads.create_upload,
                "Create an upload",
                conflicts=True,
                examples=examples.UPLOADS,
            ),
            Method(
                "AppendUpload",
                "POST /v1/uploads/{id}/append",
                uploads.append_upload,
                "Append a piece to an upload",
                conflicts=True,
            ),
            Method("GetUpload", "GET /v1/uploads/{id}", uploads.get_upload, "Get an upload"),
            Method(
                "DeleteUpload",
                "DELETE /v1/uploads/{id}",
                uploads.delete_upload,
                "Delete an upload",
            ),
        ),
    ),
    Service(
        "TrainingService",
        "jobs",
        "Training jobs: create, watch, steer and inspect them.",
        (
            Method(
                "CreateJob",
                "POST /v1/jobs",
                jobs.create_job,
                "Create a job",
                examples=examples.JOBS,
            ),
            Method(
                "ValidateJob",
                "POST /v1/jobs/validate",
                jobs.validate_job,
                "Validate a job",
                examples=examples.JOBS,
            ),
            Method(
                "SuggestJob",
                "POST /v1/datasets/{id}/suggest",
                suggestion.suggest_job,
                "Suggest a job",
            ),
            Method("ListJobs", "GET /v1/jobs", jobs.list_jobs, "List jobs"),
            Method(
                "GetJob",
                "GET /v1/jobs/{id}",
                jobs.get_job,
                "Get a job",
                basis="job",
            ),
            Method(
                "UpdateJob",
                "PATCH /v1/jobs/{id}",
                jobs.update_job,
                "Rename or label a job",
                examples=examples.UPDATES,
            ),
            Method(
                "DeleteJob",
                "DELETE /v1/jobs/{id}",
                jobs.delete_job,
                "Delete a job",
                conflicts=True,
            ),
            Method(
                "CancelJob",
                "POST /v1/jobs/{id}/cancel",
                jobs.cancel_job,
                "Cancel a job",
                conflicts=True,
            ),
            Method(
                "PauseJob",
                "POST /v1/jobs/{id}/pause",
                jobs.pause_job,
                "Pause a job",
                conflicts=True,
            ),
            Method(
                "ResumeJob",
                "POST /v1/jobs/{id}/resume",
                jobs.resume_job,
                "Resume a job",
                conflicts=True,
            ),
            Method(
                "ListEpochs",
                "GET /v1/jobs/{id}/epochs",
                jobs.list_epochs,
                "List epochs",
                basis="job",
            ),
            Method(
                "GetEpochColumns",
                "GET /v1/jobs/{id}/epochs/columns",
                jobs.get_epoch_columns,
                "Get the epochs by column",
                basis="job",
            ),
            Method(
                "GetCurve",
                "GET /v1/jobs/{id}/curve",
                jobs.get_curve,
                "Get the curve",
                basis="job",
            ),
            Method(
                "ListGradients",
                "GET /v1/jobs/{id}/gradients",
                jobs.list_gradients,
                "List gradients",
                basis="job",
            ),
            Method(
                "ListDeliveries",
                "GET /v1/jobs/{id}/deliveries",
                deliveries.list_deliveries,
                "List webhook deliveries",
            ),
            Method(
                "ListCheckpoints",
                "GET /v1/jobs/{id}/checkpoints",
                jobs.list_checkpoints,
                "List checkpoints",
                basis="job",
            ),
            Method(
                "GetCheckpoint",
                "GET /v1/jobs/{id}/checkpoints/{epoch}",
                jobs.get_checkpoint,
                "Get a checkpoint",
            ),
            Method(
                "Predict",
                "POST /v1/jobs/{id}/predict",
                predictions.predict,
                "Predict",
                examples=examples.PREDICTIONS,
            ),
            Method(
                "Generate",
                "POST /v1/jobs/{id}/generate",
                generation.generate,
                "Generate text or samples",
                event=GenerationEvent,
                total=Generation,
                examples=examples.GENERATIONS,
            ),
            Method(
                "GetDiagnosis",
                "GET /v1/jobs/{id}/diagnosis",
                diagnosis.get_diagnosis,
                "Get a diagnosis",
            ),
            Method(
                "GetExport",
                "GET /v1/jobs/{id}/export",
                exports.get_export,
                "Export the trained network",
                errors=(501,),
                takes_long=True,
            ),
            Method(
                "GetUnitMaps",
                "POST /v1/jobs/{id}/unit-maps",
                inspection.get_unit_maps,
                "Map the units",
                examples=examples.UNIT_MAPS,
            ),
            Method(
                "GetHiddenSpace",
                "POST /v1/jobs/{id}/hidden-space",
                inspection.get_hidden_space,
                "Show the hidden space",
                examples=examples.HIDDEN_SPACES,
            ),
            Method(
                "GetConfusionMatrix",
                "POST /v1/jobs/{id}/confusion-matrix",
                inspection.get_confusion_matrix,
                "Compute the confusion matrix",
                examples=examples.CONFUSION_MATRICES,
            ),
            Method(
                "GetEvaluation",
                "GET /v1/jobs/{id}/evaluation",
                inspection.get_evaluation,
                "Evaluate the network",
            ),
            Method(
                "GetSamplePredictions",
                "POST /v1/jobs/{id}/sample-predictions",
                inspection.get_sample_predictions,
                "Predict samples",
                examples=examples.SAMPLE_PREDICTIONS,
            ),
            Method(
                "GetWeights", "GET /v1/jobs/{id}/weights", inspection.get_weights, "Get weights"
            ),
            Method(
                "GetAttention",
                "POST /v1/jobs/{id}/attention",
                inside.get_attention,
                "Get attention weights",
                examples=examples.ATTENTION,
            ),
            Method(
                "GetActivations",
                "POST /v1/jobs/{id}/activations",
                inside.get_activations,
                "Get activations",
                examples=examples.ACTIVATIONS,
            ),
            Method(
                "GetRandomDraws",
                "GET /v1/jobs/{id}/random-draws",
                random_draws.get_random_draws,
                "Get the random draws of an epoch",
            ),
            Method(
                "GetComparison",
                "GET /v1/comparison",
                comparison.get_comparison,
                "Compare jobs",
                errors=(404,),
            ),
            Method(
                "WatchJob",
                "GET /v1/jobs/{id}/events",
                jobs.watch_job,
                "Watch a job",
                event=JobEvent,
            ),
            Method(
                "IssueStreamToken",
                "POST /v1/jobs/{id}/stream-token",
                stream_tokens.issue_stream_token,
                "Issue a token to watch a job",
                scope="read",
            ),
        ),
    ),
    Service(
        "SweepService",
        "sweeps",
        "Sweeps: one job in many variants, trained together.",
        (
            Method(
                "CreateSweep",
                "POST /v1/sweeps",
                sweeps.create_sweep,
                "Create a sweep",
                examples=examples.SWEEPS,
            ),
            Method(
                "ValidateSweep",
                "POST /v1/sweeps/validate",
                sweeps.validate_sweep,
                "Validate a sweep",
                examples=examples.SWEEPS,
            ),
            Method("ListSweeps", "GET /v1/sweeps", sweeps.list_sweeps, "List sweeps"),
            Method(
                "GetSweep",
                "GET /v1/sweeps/{id}",
                sweeps.get_sweep,
                "Get a sweep",
                basis="job",
            ),
            Method(
                "UpdateSweep",
                "PATCH /v1/sweeps/{id}",
                sweeps.update_sweep,
                "Rename or label a sweep",
                examples=examples.UPDATES,
            ),
            Method(
                "DeleteSweep",
                "DELETE /v1/sweeps/{id}",
                sweeps.delete_sweep,
                "Delete a sweep",
                conflicts=True,
            ),
            Method(
                "CancelSweep",
                "POST /v1/sweeps/{id}/cancel",
                sweeps.cancel_sweep,
                "Cancel a sweep",
                conflicts=True,
            ),
            Method(
                "GetSweepCurves",
                "GET /v1/sweeps/{id}/curves",
                sweeps.get_sweep_curves,
                "Get the members' curves",
                basis="job",
            ),
            Method(
                "ListSweepDeliveries",
                "GET /v1/sweeps/{id}/deliveries",
                deliveries.list_sweep_deliveries,
                "List webhook deliveries of a sweep",
            ),
            Method(
                "WatchSweep",
                "GET /v1/sweeps/{id}/events",
                sweeps.watch_sweep,
                "Watch a sweep",
                event=SweepEvent,
            ),
            Method(
                "IssueSweepStreamToken",
                "POST /v1/sweeps/{id}/stream-token",
                stream_tokens.issue_sweep_stream_token,
                "Issue a token to watch a sweep",
                scope="read",
            ),
        ),
    ),
    Service(
        "ExperimentService",
        "experiments",
        "Experiments: several jobs, for several seeds, and claims about their results.",
        (
            Method(
                "CreateExperiment",
                "POST /v1/experiments",
                experiments.create_experiment,
                "Create an experiment",
                examples=examples.EXPERIMENTS,
            ),
            Method(
                "ListExperiments",
                "GET /v1/experiments",
                experiments.list_experiments,
                "List experiments",
            ),
            Method(
                "GetExperiment",
                "GET /v1/experiments/{id}",
                experiments.get_experiment,
                "Get an experiment",
            ),
            Method(
                "GetExperimentSpec",
                "GET /v1/experiments/{id}/spec",
                experiments.get_experiment_spec,
                "Get the spec of an experiment",
            ),
            Method(
                "DeleteExperiment",
                "DELETE /v1/experiments/{id}",
                experiments.delete_experiment,
                "Delete an experiment",
                conflicts=True,
            ),
            Method(
                "CancelExperiment",
                "POST /v1/experiments/{id}/cancel",
                experiments.cancel_experiment,
                "Cancel an experiment",
                conflicts=True,
            ),
            Method(
                "WatchExperiment",
                "GET /v1/experiments/{id}/events",
                experiments.watch_experiment,
                "Watch an experiment",
                event=ExperimentEvent,
            ),
            Method(
                "IssueExperimentStreamToken",
                "POST /v1/experiments/{id}/stream-token",
                stream_tokens.issue_experiment_stream_token,
                "Issue a token to watch an experiment",
                scope="read",
            ),
        ),
    ),
    Service(
        "ExerciseService",
        "exercises",
        "Exercises: experiments with open fields, which others attempt and the claims mark.",
        (
            Method(
                "CreateExercise",
                "POST /v1/exercises",
                exercises.create_exercise,
                "Create an exercise",
                examples=examples.EXERCISES,
            ),
            Method(
                "ListExercises",
                "GET /v1/exercises",
                exercises.list_exercises,
                "List exercises",
            ),
            Method(
                "GetExercise",
                "GET /v1/exercises/{id}",
                exercises.get_exercise,
                "Get an exercise",
            ),
            Method(
                "DeleteExercise",
                "DELETE /v1/exercises/{id}",
                exercises.delete_exercise,
                "Delete an exercise",
            ),
            Method(
                "AttemptExercise",
                "POST /v1/exercises/{id}/attempts",
                exercises.attempt_exercise,
                "Attempt an exercise",
                examples=examples.ATTEMPTS,
            ),
            Method(
                "ListAttempts",
                "GET /v1/exercises/{id}/attempts",
                exercises.list_attempts,
                "List attempts at an exercise",
            ),
            Method(
                "GetExerciseResults",
                "GET /v1/exercises/{id}/results",
                exercises.get_exercise_results,
                "Get the results of an exercise",
            ),
        ),
    ),
    Service(
        "SimulationService",
        "simulations",
        "Simulations of the ideas of the journey. They are stateless: nothing is stored.",
        tuple(
            Method(
                rpc,
                f"POST {path_of(rpc)}",
                explorer.method,
                explorer.summary,
                examples=explorer.examples,
                basis="release",
            )
            for rpc, explorer in EXPLORERS.items()
        ),
    ),
    Service(
        "JourneyService",
        "journey",
        "The content of the journey, with its sources. It is read-only.",
        (
            Method(
                "ListNeuronParts",
                "GET /v1/neuron-parts",
                journey.list_neuron_parts,
                "List the parts of a neuron",
                basis="release",
            ),
            Method(
                "ListActivations",
                "GET /v1/activations",
                journey.list_activations,
                "List activations",
                basis="release",
            ),
            Method(
                "ListModels",
                "GET /v1/models",
                journey.list_models,
                "List famous networks",
                basis="release",
            ),
            Method(
                "ListLosses",
                "GET /v1/losses",
                journey.list_losses,
                "List losses",
                basis="release",
            ),
            Method(
                "ListArchitectures",
                "GET /v1/architectures",
                journey.list_architectures,
                "List architectures",
                basis="release",
            ),
            Method(
                "GetArchitecture",
                "GET /v1/architectures/{id}",
                journey.get_architecture,
                "Get an architecture",
                basis="release",
            ),
            Method(
                "ListSections",
                "GET /v1/sections",
                journey.list_sections,
                "List sections",
                basis="release",
            ),
            Method(
                "GetSection",
                "GET /v1/sections/{id}",
                journey.get_section,
                "Get a section",
                basis="release",
            ),
            Method(
                "CheckAnswer",
                "POST /v1/sections/{id}/answers",
                journey.check_answer,
                "Check an answer",
                examples=examples.ANSWERS,
            ),
            Method(
                "ListPresets",
                "GET /v1/presets",
                journey.list_presets,
                "List presets",
                basis="release",
            ),
            Method(
                "GetPreset",
                "GET /v1/presets/{id}",
                journey.get_preset,
                "Get a preset",
                basis="release",
            ),
            Method(
                "ListPresetExperiments",
                "GET /v1/preset-experiments",
                journey.list_preset_experiments,
                "List preset experiments",
                basis="release",
            ),
            Method(
                "GetPresetExperiment",
                "GET /v1/preset-experiments/{id}",
                journey.get_preset_experiment,
                "Get a preset experiment",
                basis="release",
            ),
            Method(
                "GetPresetExperimentResults",
                "GET /v1/preset-experiments/{id}/results",
                journey.get_preset_experiment_results,
                "Get the stored results of a preset experiment",
                basis="release",
            ),
            Method(
                "GetTimeline",
                "GET /v1/timeline",
                journey.get_timeline,
                "Get the timeline",
                basis="release",
            ),
        ),
    ),
    Service(
        "SystemService",
        "system",
        "Limits, usage, versions and workers of this service. Health on gRPC is grpc.health.v1.",
        (
            Method("GetLimits", "GET /v1/limits", system.get_limits, "Get the limits"),
            Method("GetUsage", "GET /v1/usage", system.get_usage, "Get the usage of quotas"),
            Method("GetVersion", "GET /v1/version", system.get_version, "Get the version"),
            Method(
                "ListWorkers",
                "GET /v1/workers",
                workers.list_workers,
                "List workers",
                scope="admin",
            ),
        ),
    ),
)

METHODS: dict[str, Method] = {
    method.rpc: replace(method, service=service.name, tag=service.tag)
    for service in SERVICES
    for method in service.methods
}
"""All methods, by the name of the RPC."""
