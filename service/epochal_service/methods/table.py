"""Every method of the training API, a row each."""

from __future__ import annotations

from ..specs.experiments import ExperimentEvent
from ..specs.generation import Generation, GenerationEvent
from ..specs.jobs import JobEvent
from ..specs.sweeps import SweepEvent
from . import (
    changes,
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
from .method import Api, Id, Method, Service

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
                "ChangeTraining",
                "POST /v1/jobs/{id}/changes",
                changes.change_training,
                "Change a job while it trains",
                conflicts=True,
                examples=examples.CHANGES,
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
                conflicts=True,
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

DESCRIPTION = """
A job trains a network on a data set. The service stores every epoch; watch the job while it trains,
or replay it later.

* The service refuses unknown fields and parameters. If a key occurs twice, the last value counts.

* A number that is not finite is the string `"NaN"`, `"Infinity"` or `"-Infinity"` in a reply.
  Requests must not contain such numbers.

* Every error is an `application/problem+json` document (RFC 9457) with a stable `reason`.

* Lists are paged: send `next_page_token` as `page_token`, and `next_after_epoch` as `after_epoch`.

* gRPC has the same methods under the same names.
""".strip()

IDS = {
    "jobs": Id("The id of the job, as `POST /v1/jobs` returned it."),
    "sweeps": Id("The id of the sweep, as `POST /v1/sweeps` returned it."),
    "experiments": Id("The id of the experiment, as `POST /v1/experiments` returned it."),
    "exercises": Id("The id of the exercise, as `POST /v1/exercises` returned it."),
    "networks": Id("The id of the network, as `POST /v1/networks` returned it."),
    "datasets": Id("The id of the data set. The id of a built-in one is its name.", "digits"),
    "uploads": Id("The id of the upload, as `POST /v1/uploads` returned it."),
}

TRAINING = Api(
    package="epochal.v1",
    document="/openapi.json",
    title="Epochal",
    summary="Trains neural networks over HTTP and gRPC and lets you see every epoch.",
    description=DESCRIPTION,
    services=SERVICES,
    ids=IDS,
)
