"""The public surface is this list: a name joins or leaves it on purpose."""

import dataclasses
import inspect
import subprocess
import sys
from importlib.metadata import version

import epochal
from epochal import public

NAMES = [
    "ApiError",
    "Attempt",
    "BestEpoch",
    "Checkpoint",
    "CheckpointEvent",
    "Claim",
    "ClaimRun",
    "Client",
    "ComparedJob",
    "Comparison",
    "Component",
    "Conflict",
    "ConfusionMatrix",
    "ConnectionFailed",
    "Curve",
    "CurveSeries",
    "Dataset",
    "DatasetParameter",
    "DatasetPreview",
    "Delivery",
    "DeliveryAttempt",
    "Deviation",
    "Diagnosis",
    "Divergence",
    "EndEvent",
    "Epoch",
    "EpochTable",
    "EpochalError",
    "EpochsEvent",
    "Evaluation",
    "Event",
    "Exercise",
    "ExerciseResults",
    "Experiment",
    "ExperimentData",
    "ExperimentJob",
    "ExperimentSpec",
    "FieldError",
    "Finding",
    "Forbidden",
    "ForkedFrom",
    "Generation",
    "GradientBatch",
    "GradientColumns",
    "GradientSnapshot",
    "Grid",
    "Health",
    "HiddenSpace",
    "IdempotencyMismatch",
    "Inside",
    "InvalidArgument",
    "Job",
    "JobData",
    "JobFailed",
    "Label",
    "LayerGradient",
    "LayerSummary",
    "LayerWeights",
    "Limit",
    "Limits",
    "Member",
    "MemberCurve",
    "MemberEpochs",
    "MissingDependency",
    "Network",
    "NetworkSpec",
    "NetworkSummary",
    "NotFound",
    "NotInstalled",
    "OwnerResult",
    "QuotaExceeded",
    "QuotaUsage",
    "RandomDraws",
    "SamplePrediction",
    "SamplePredictions",
    "SnapshotEvent",
    "SpecDifference",
    "StateEvent",
    "Sweep",
    "SweepData",
    "SweepEpochsEvent",
    "SweepEvent",
    "SweepSnapshotEvent",
    "SweepSpec",
    "TimedOut",
    "TooLarge",
    "TrainingSpec",
    "Trial",
    "Unauthenticated",
    "Unavailable",
    "UnitMaps",
    "UnsupportedMediaType",
    "Usage",
    "ValidatedJob",
    "ValidatedSweep",
    "Verification",
    "Version",
    "Webhook",
    "WebhookNotVerified",
    "Worker",
    "__version__",
    "augmentations",
    "corruptions",
    "create_webhook_secret",
    "data",
    "dense",
    "dropout",
    "layers",
    "network",
    "optimizers",
    "schedules",
    "table",
    "verify_webhook",
]


def test_the_package_exports_these_names_and_no_others() -> None:
    assert sorted(NAMES) == sorted(epochal.__all__)


def test_every_public_method_and_class_says_what_it_does() -> None:
    silent = []
    for name in epochal.__all__:
        member = getattr(epochal, name)
        if inspect.isclass(member) or inspect.isfunction(member):
            silent += [] if member.__doc__ else [name]
        for attribute, value in vars(member).items() if inspect.isclass(member) else ():
            public = inspect.isfunction(value) or isinstance(value, property | classmethod)
            if public and not attribute.startswith("_") and not inspect.getdoc(value):
                silent.append(f"{name}.{attribute}")
    assert silent == []


def test_the_version_is_that_of_the_distribution() -> None:
    assert epochal.__version__ == version("epochal")


def test_results_are_frozen() -> None:
    records = [v for v in vars(public).values() if dataclasses.is_dataclass(v)]
    assert len(records) > 20
    assert [r for r in records if not vars(r)["__dataclass_params__"].frozen] == []


def test_every_error_is_an_epochal_error() -> None:
    errors = [v for v in vars(public).values() if inspect.isclass(v) and issubclass(v, Exception)]
    assert len(errors) == 18
    assert all(issubclass(error, epochal.EpochalError) for error in errors)


def printed(code: str) -> str:
    """What a new process prints that runs `code`."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_client_loads_neither_numpy_nor_grpc_nor_the_terminal() -> None:
    others = {"numpy", "grpc", "plotext", "rich", "typer"}
    code = f"import sys, epochal; epochal.Client(); print({others} & set(sys.modules))"
    assert printed(code) == "set()"


def test_the_package_has_its_names_before_and_after_the_first_use() -> None:
    code = "import epochal; print(sorted(set(epochal.__all__) - set(dir(epochal))))"
    assert printed(code) == "[]"
    assert printed("from epochal import *; print(Client.__name__, data.__name__)") == (
        "Client epochal.data"
    )
    # A submodule that nobody imported, and a name that does not exist.
    assert printed("import epochal; print(epochal.types.Epoch.__name__)") == "Epoch"
    assert printed("import epochal; print(hasattr(epochal, 'Clint'))") == "False"
