"""The layers: each is its forward formula, and subclassing `Layer` registers it by its type."""

# In the order in which the API lists them.
# isort: off
from .layer import Layer, Noise, Scope
from .dense import ActivationLayer, Dense, Dropout
from .normalization import BatchNorm, LayerNorm
from .structure import (
    Add,
    Concatenate,
    Features,
    Flatten,
    Reshape,
    Residual,
    Slice,
)
from .convolution import Conv1d, Conv2d
from .pooling import (
    AveragePool1d,
    AveragePool2d,
    GlobalAveragePool,
    GlobalMaxPool,
    MaxPool1d,
    MaxPool2d,
)
from .tokens import Embedding, PositionalEncoding
from .recurrent import Gru, Lstm, Rnn
from .attention import AdditiveAttention, MultiHeadAttention, TransformerBlock
# isort: on

LAYERS: dict[str, type[Layer]] = Layer.table
"""All layers by type."""

__all__ = [
    "LAYERS",
    "ActivationLayer",
    "Add",
    "AdditiveAttention",
    "AveragePool1d",
    "AveragePool2d",
    "BatchNorm",
    "Concatenate",
    "Conv1d",
    "Conv2d",
    "Dense",
    "Dropout",
    "Embedding",
    "Features",
    "Flatten",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "Gru",
    "Layer",
    "LayerNorm",
    "Lstm",
    "MaxPool1d",
    "MaxPool2d",
    "MultiHeadAttention",
    "Noise",
    "PositionalEncoding",
    "Reshape",
    "Residual",
    "Rnn",
    "Scope",
    "Slice",
    "TransformerBlock",
]
