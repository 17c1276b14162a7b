"""Preset experiments: what failed before a milestone beside what works since."""

from __future__ import annotations

from epochal_service.errors import NotFound

from ...specs.content.preset_experiments import PresetExperiment
from .alexnet import ALEXNET
from .attention import ATTENTION
from .autoencoder import AUTOENCODER
from .backpropagation import BACKPROPAGATION
from .bert import BERT
from .chatgpt import CHATGPT
from .decoder import DECODER
from .diffusion import DIFFUSION
from .encoder import ENCODER
from .frontier import FRONTIER
from .gpt import GPT
from .gpt3 import GPT_3
from .gru import GRU
from .language import NAMES, VOCABULARIES
from .lenet import LENET
from .lstm import LSTM
from .perceptron import PERCEPTRON
from .rnn import RNN
from .sonnets import SONNETS
from .transformer import TRANSFORMER
from .vanishing import VANISHING
from .xor import XOR

PRESET_EXPERIMENTS: tuple[PresetExperiment, ...] = (
    PERCEPTRON,
    XOR,
    BACKPROPAGATION,
    RNN,
    VANISHING,
    LSTM,
    LENET,
    AUTOENCODER,
    ALEXNET,
    ATTENTION,
    GRU,
    VOCABULARIES,
    TRANSFORMER,
    ENCODER,
    BERT,
    GPT,
    SONNETS,
    DECODER,
    NAMES,
    DIFFUSION,
    GPT_3,
    CHATGPT,
    FRONTIER,
)
"""By year."""


def preset_experiment(name: str) -> PresetExperiment:
    """Return the preset experiment with this name. Raises `NotFound`."""
    for item in PRESET_EXPERIMENTS:
        if item.name == name:
            return item
    raise NotFound(
        f"There is no preset experiment {name}; GET /course/v1/preset-experiments lists all of them"
    )
