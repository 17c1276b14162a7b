"""The layers: each is its forward formula, and all are in one table by the API's names."""

from .attention import AdditiveAttention, MultiHeadAttention, TransformerBlock
from .convolution import Conv1d, Conv2d
from .dense import ActivationLayer, Dense, Dropout
from .layer import Layer, Noise, Scope
from .normalization import BatchNorm, LayerNorm
from .pooling import (
    AveragePool1d,
    AveragePool2d,
    GlobalAveragePool,
    GlobalMaxPool,
    MaxPool1d,
    MaxPool2d,
)
from .recurrent import Gru, Lstm, Rnn
from .structure import Add, Concatenate, Flatten, Reshape, Residual, Slice
from .tokens import Embedding, PositionalEncoding

LAYERS: dict[str, type[Layer]] = {
    layer.type: layer
    for layer in (
        Dense,
        ActivationLayer,
        Dropout,
        LayerNorm,
        BatchNorm,
        Residual,
        Flatten,
        Reshape,
        Conv1d,
        Conv2d,
        MaxPool1d,
        MaxPool2d,
        AveragePool1d,
        AveragePool2d,
        GlobalMaxPool,
        GlobalAveragePool,
        Embedding,
        PositionalEncoding,
        Rnn,
        Lstm,
        Gru,
        AdditiveAttention,
        MultiHeadAttention,
        TransformerBlock,
        Concatenate,
        Add,
        Slice,
    )
}
"""All layers by the name that the API knows."""

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
