"""The table of explorers, from which both wires make their methods."""

from __future__ import annotations

import re

from . import (
    activation,
    approximation,
    architecture,
    attention,
    backward,
    convolution,
    forward,
    gradients,
    learning_rates,
    loss,
    neuron,
    perceptron,
    recurrence,
    schedule,
    sequence_cost,
    token_loss,
    tokenization,
    training,
    transformer_cost,
    vanishing_bars,
    xor,
)
from .explorer import Explorer

EXPLORERS: dict[str, Explorer] = {
    "SimulateApproximation": approximation.APPROXIMATION,
    "SimulateNeuron": neuron.NEURON,
    "SimulatePerceptron": perceptron.PERCEPTRON,
    "SimulateXor": xor.XOR,
    "SimulateActivation": activation.ACTIVATION,
    "SimulateActivationChain": activation.ACTIVATION_CHAIN,
    "SimulateArchitecture": architecture.ARCHITECTURE,
    "SimulateForward": forward.FORWARD,
    "SimulateTransformerCost": transformer_cost.TRANSFORMER_COST,
    "SimulateLoss": loss.LOSS,
    "SimulateTokenLoss": token_loss.TOKEN_LOSS,
    "SimulateBackward": backward.BACKWARD,
    "SimulateGradientFlow": gradients.GRADIENT_FLOW,
    "SimulateVanishingBars": vanishing_bars.VANISHING_BARS,
    "SimulateTraining": training.TRAINING,
    "SimulateLearningRates": learning_rates.LEARNING_RATES,
    "SimulateSchedule": schedule.SCHEDULE,
    "SimulateConvolution": convolution.CONVOLUTION,
    "SimulatePooling": convolution.POOLING,
    "SimulateRecurrence": recurrence.RECURRENCE,
    "SimulateAttention": attention.ATTENTION,
    "SimulatePositionalEncoding": attention.POSITIONAL_ENCODING,
    "SimulateSequenceCost": sequence_cost.SEQUENCE_COST,
    "SimulateTokenization": tokenization.TOKENIZATION,
}
"""By the name of the RPC, from which the path follows."""


def path_of(rpc: str) -> str:
    """Return the HTTP path: of SimulateSequenceCost, it is `/course/v1/simulate/sequence-cost`."""
    words = re.findall("[A-Z][a-z0-9]*", rpc.removeprefix("Simulate"))
    return "/course/v1/simulate/" + "-".join(words).lower()
