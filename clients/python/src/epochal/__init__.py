"""Train neural networks on an Epochal service and see every epoch.

with epochal.Client() as client:
    job = client.jobs.create(client.preset("xor")).wait()
    job.predict([[0, 1]])
"""

from importlib.metadata import version as _version

from .client import Client
from .comparison import BestEpoch, ComparedJob, Comparison, SpecDifference
from .curves import Curve
from .datasets import Dataset, DatasetParameter, DatasetPreview
from .diagnosis import Diagnosis, Finding, Label
from .errors import (
    ApiError,
    Conflict,
    ConnectionFailed,
    EpochalError,
    FieldError,
    IdempotencyMismatch,
    InvalidArgument,
    JobFailed,
    MissingDependency,
    NotFound,
    NotInstalled,
    TimedOut,
    TooLarge,
    Unavailable,
    UnsupportedMediaType,
)
from .events import (
    CheckpointEvent,
    EndEvent,
    EpochsEvent,
    Event,
    GradientBatch,
    GradientColumns,
    SnapshotEvent,
    StateEvent,
)
from .inspection import (
    ConfusionMatrix,
    HiddenSpace,
    LayerWeights,
    SamplePrediction,
    SamplePredictions,
    UnitMaps,
)
from .jobs import (
    Checkpoint,
    Divergence,
    Epoch,
    Estimate,
    ForkedFrom,
    GradientSnapshot,
    Grid,
    Job,
    LayerGradient,
    SmallCurve,
)
from .networks import LayerSummary, Network, NetworkSummary
from .specs import dense, dropout, network
from .sweeps import (
    Member,
    MemberCurve,
    MemberEpochs,
    Sweep,
    SweepEpochsEvent,
    SweepEvent,
    SweepSnapshotEvent,
)
from .system import Component, Health, Limit, Limits, Version

__version__ = _version("epochal")

__all__ = [
    "ApiError",
    "BestEpoch",
    "Checkpoint",
    "CheckpointEvent",
    "Client",
    "ComparedJob",
    "Comparison",
    "Component",
    "Conflict",
    "ConfusionMatrix",
    "ConnectionFailed",
    "Curve",
    "Dataset",
    "DatasetParameter",
    "DatasetPreview",
    "Diagnosis",
    "Divergence",
    "EndEvent",
    "Epoch",
    "EpochalError",
    "EpochsEvent",
    "Estimate",
    "Event",
    "FieldError",
    "Finding",
    "ForkedFrom",
    "GradientBatch",
    "GradientColumns",
    "GradientSnapshot",
    "Grid",
    "Health",
    "HiddenSpace",
    "IdempotencyMismatch",
    "InvalidArgument",
    "Job",
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
    "NetworkSummary",
    "NotFound",
    "NotInstalled",
    "SamplePrediction",
    "SamplePredictions",
    "SmallCurve",
    "SnapshotEvent",
    "SpecDifference",
    "StateEvent",
    "Sweep",
    "SweepEpochsEvent",
    "SweepEvent",
    "SweepSnapshotEvent",
    "TimedOut",
    "TooLarge",
    "Unavailable",
    "UnitMaps",
    "UnsupportedMediaType",
    "Version",
    "__version__",
    "dense",
    "dropout",
    "network",
]
