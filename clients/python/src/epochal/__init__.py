"""Train neural networks on an Epochal service and see every epoch.

with epochal.Client() as client:
    job = client.jobs.create(epochal.preset("xor")).wait()
    job.predict([[0, 1]])
"""

from .client import Client
from .curves import Curve
from .datasets import Dataset, DatasetPreview
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
from .jobs import (
    Checkpoint,
    Divergence,
    Epoch,
    Estimate,
    GradientSnapshot,
    Grid,
    Job,
    LayerGradient,
)
from .networks import LayerSummary, Network, NetworkSummary
from .presets import Preset, preset, presets
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

__version__ = "0.1.0"

__all__ = [
    "ApiError",
    "Checkpoint",
    "CheckpointEvent",
    "Client",
    "Component",
    "Conflict",
    "ConnectionFailed",
    "Curve",
    "Dataset",
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
    "GradientBatch",
    "GradientColumns",
    "GradientSnapshot",
    "Grid",
    "Health",
    "IdempotencyMismatch",
    "InvalidArgument",
    "Job",
    "JobFailed",
    "Label",
    "LayerGradient",
    "LayerSummary",
    "Limit",
    "Limits",
    "Member",
    "MemberCurve",
    "MemberEpochs",
    "MissingDependency",
    "Network",
    "NetworkSummary",
    "NotFound",
    "Preset",
    "SnapshotEvent",
    "StateEvent",
    "Sweep",
    "SweepEpochsEvent",
    "SweepEvent",
    "SweepSnapshotEvent",
    "TimedOut",
    "TooLarge",
    "Unavailable",
    "UnsupportedMediaType",
    "Version",
    "__version__",
    "dense",
    "dropout",
    "network",
    "preset",
    "presets",
]
