"""The engine of Epochal: neural networks in NumPy, from a description to every epoch's numbers."""

from .activations import ACTIVATIONS, Activation
from .blocks import Block
from .data import Data, split
from .divergence import Divergence
from .initializers import INITIALIZERS, Initializer
from .layers import LAYERS, Dense, Dropout, Layer
from .losses import LOSSES, Loss
from .network import Network, ShapeError
from .optimizers import OPTIMIZERS, Adam, Momentum, Optimizer, Sgd
from .predict import predict
from .run import Outcome, Run, State
from .schedules import SCHEDULES, Constant, Cosine, Schedule
from .snapshots import BINS, HISTOGRAM_EDGES, STATISTICS, Gradients
from .stopping import METRICS, EarlyStopping, StopReason, Target
from .summary import LayerSummary, Summary, summarize
from .training import Training, check_output

__all__ = [
    "ACTIVATIONS",
    "BINS",
    "HISTOGRAM_EDGES",
    "INITIALIZERS",
    "LAYERS",
    "LOSSES",
    "METRICS",
    "OPTIMIZERS",
    "SCHEDULES",
    "STATISTICS",
    "Activation",
    "Adam",
    "Block",
    "Constant",
    "Cosine",
    "Data",
    "Dense",
    "Divergence",
    "Dropout",
    "EarlyStopping",
    "Gradients",
    "Initializer",
    "Layer",
    "LayerSummary",
    "Loss",
    "Momentum",
    "Network",
    "Optimizer",
    "Outcome",
    "Run",
    "Schedule",
    "Sgd",
    "ShapeError",
    "State",
    "StopReason",
    "Summary",
    "Target",
    "Training",
    "check_output",
    "predict",
    "split",
    "summarize",
]
