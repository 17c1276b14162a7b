"""The engine of Epochal: neural networks in NumPy, from a description to every epoch's numbers."""

from .activations import ACTIVATIONS, Activation
from .blocks import Block
from .data import Data, split
from .diagnosis import Finding, FindingKind, diagnose
from .divergence import Divergence
from .initializers import INITIALIZERS, Initializer
from .labels import LABELS, Label, LabelName, label
from .layers import (
    LAYERS,
    ActivationLayer,
    Add,
    AdditiveAttention,
    AveragePool1d,
    AveragePool2d,
    BatchNorm,
    Concatenate,
    Conv1d,
    Conv2d,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePool,
    GlobalMaxPool,
    Gru,
    Layer,
    LayerNorm,
    Lstm,
    MaxPool1d,
    MaxPool2d,
    MultiHeadAttention,
    PositionalEncoding,
    Reshape,
    Residual,
    Rnn,
    Slice,
    TransformerBlock,
)
from .losses import LOSSES, Loss
from .network import Network, ShapeError
from .optimizers import OPTIMIZERS, Adam, Momentum, Optimizer, Sgd
from .predict import predict
from .run import Outcome, Run, State
from .schedules import SCHEDULES, Constant, Cosine, Schedule
from .snapshots import BINS, HISTOGRAM_EDGES, STATISTICS, Gradients
from .stopping import METRICS, EarlyStopping, StopReason, Target
from .summary import LayerSummary, Summary, summarize
from .sweep import Sweep
from .training import Training, check_output

__all__ = [
    "ACTIVATIONS",
    "BINS",
    "HISTOGRAM_EDGES",
    "INITIALIZERS",
    "LABELS",
    "LAYERS",
    "LOSSES",
    "METRICS",
    "OPTIMIZERS",
    "SCHEDULES",
    "STATISTICS",
    "Activation",
    "ActivationLayer",
    "Adam",
    "Add",
    "AdditiveAttention",
    "AveragePool1d",
    "AveragePool2d",
    "BatchNorm",
    "Block",
    "Concatenate",
    "Constant",
    "Conv1d",
    "Conv2d",
    "Cosine",
    "Data",
    "Dense",
    "Divergence",
    "Dropout",
    "EarlyStopping",
    "Embedding",
    "Finding",
    "FindingKind",
    "Flatten",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "Gradients",
    "Gru",
    "Initializer",
    "Label",
    "LabelName",
    "Layer",
    "LayerNorm",
    "LayerSummary",
    "Loss",
    "Lstm",
    "MaxPool1d",
    "MaxPool2d",
    "Momentum",
    "MultiHeadAttention",
    "Network",
    "Optimizer",
    "Outcome",
    "PositionalEncoding",
    "Reshape",
    "Residual",
    "Rnn",
    "Run",
    "Schedule",
    "Sgd",
    "ShapeError",
    "Slice",
    "State",
    "StopReason",
    "Summary",
    "Sweep",
    "Target",
    "Training",
    "TransformerBlock",
    "check_output",
    "diagnose",
    "label",
    "predict",
    "split",
    "summarize",
]
