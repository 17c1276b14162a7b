"""The explorers of the journey: small computations with every number explained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..types import (
    ActivationChainSimulation,
    ActivationCurve,
    ActivationSimulation,
    ApproximationSimulation,
    ArchitectureLayer,
    ArchitectureMemory,
    ArchitectureSimulation,
    AttentionHead,
    AttentionQuery,
    AttentionSimulation,
    BackwardLayer,
    BackwardSimulation,
    Certificate,
    ChainLayer,
    ConvexCoefficient,
    ConvolutionSimulation,
    DeviceDescription,
    ForwardSimulation,
    GateValues,
    GradientCheck,
    GradientFlowLayer,
    GradientFlowSimulation,
    Interval,
    LayerCount,
    LayerStep,
    LayerTrace,
    LearningRatesSimulation,
    Line,
    LossCurve,
    LossSimulation,
    LossTrace,
    ModelComparison,
    NeuronSimulation,
    OptimizerMemory,
    ParameterGradient,
    PerceptronEpoch,
    PerceptronSimulation,
    PerceptronStep,
    PlaneMap,
    PlaneSample,
    PoolingSimulation,
    PositionalEncodingSimulation,
    Quantity,
    RateBand,
    RateResult,
    RecurrenceSimulation,
    RecurrenceStep,
    Remedy,
    SchedulePoint,
    ScheduleSimulation,
    Separation,
    SequenceCost,
    SequenceCostRow,
    SequenceCostSimulation,
    TextToken,
    TokenBaseline,
    TokenizationSimulation,
    TokenLoss,
    TokenLossSimulation,
    TokenMerge,
    TrainingPlane,
    TrainingSimulation,
    TrainingStep,
    TransformerCostSimulation,
    TransformerSize,
    UnitGradient,
    UnitTrace,
    VanishingBarsSimulation,
    WidthFit,
    Window,
    XorGrid,
    XorHiddenUnit,
    XorOutputUnit,
    XorPoint,
    XorRun,
    XorSimulation,
)
from .activation import ActivationExplorer
from .approximation import ApproximationExplorer
from .architecture import ArchitectureExplorer
from .attention import AttentionExplorer
from .backward import BackwardExplorer
from .convolution import ConvolutionExplorer
from .forward import ForwardExplorer
from .gradients import GradientsExplorer
from .loss import LossExplorer
from .neuron import NeuronExplorer
from .perceptron import PerceptronExplorer
from .recurrence import RecurrenceExplorer
from .sequence_cost import SequenceCostExplorer
from .tokenization import TokenizationExplorer
from .training import TrainingExplorer
from .transformer_cost import TransformerCostExplorer
from .xor import XorExplorer

__all__ = [
    "ActivationChainSimulation",
    "ActivationCurve",
    "ActivationSimulation",
    "ApproximationSimulation",
    "ArchitectureLayer",
    "ArchitectureMemory",
    "ArchitectureSimulation",
    "AttentionHead",
    "AttentionQuery",
    "AttentionSimulation",
    "BackwardLayer",
    "BackwardSimulation",
    "Certificate",
    "ChainLayer",
    "ConvexCoefficient",
    "ConvolutionSimulation",
    "DeviceDescription",
    "ForwardSimulation",
    "GateValues",
    "GradientCheck",
    "GradientFlowLayer",
    "GradientFlowSimulation",
    "Interval",
    "LayerCount",
    "LayerStep",
    "LayerTrace",
    "LearningRatesSimulation",
    "Line",
    "LossCurve",
    "LossSimulation",
    "LossTrace",
    "ModelComparison",
    "NeuronSimulation",
    "OptimizerMemory",
    "ParameterGradient",
    "PerceptronEpoch",
    "PerceptronSimulation",
    "PerceptronStep",
    "PlaneMap",
    "PlaneSample",
    "PoolingSimulation",
    "PositionalEncodingSimulation",
    "Quantity",
    "RateBand",
    "RateResult",
    "RecurrenceSimulation",
    "RecurrenceStep",
    "Remedy",
    "SchedulePoint",
    "ScheduleSimulation",
    "Separation",
    "SequenceCost",
    "SequenceCostRow",
    "SequenceCostSimulation",
    "Simulations",
    "TextToken",
    "TokenBaseline",
    "TokenLoss",
    "TokenLossSimulation",
    "TokenMerge",
    "TokenizationSimulation",
    "TrainingPlane",
    "TrainingSimulation",
    "TrainingStep",
    "TransformerCostSimulation",
    "TransformerSize",
    "UnitGradient",
    "UnitTrace",
    "VanishingBarsSimulation",
    "WidthFit",
    "Window",
    "XorGrid",
    "XorHiddenUnit",
    "XorOutputUnit",
    "XorPoint",
    "XorRun",
    "XorSimulation",
]


class Simulations(
    ApproximationExplorer,
    NeuronExplorer,
    PerceptronExplorer,
    XorExplorer,
    ActivationExplorer,
    ArchitectureExplorer,
    ForwardExplorer,
    TransformerCostExplorer,
    LossExplorer,
    GradientsExplorer,
    BackwardExplorer,
    TrainingExplorer,
    ConvolutionExplorer,
    RecurrenceExplorer,
    AttentionExplorer,
    SequenceCostExplorer,
    TokenizationExplorer,
):
    """`client.simulate`: stateless computations with explained numbers.

    >>> client.simulate.neuron([1, 0.5, 0.8], [0.7, -0.3, 0.5], bias=-0.2).weighted_sum.value
    0.75

    An explained number is a `Quantity`: its `value`, its `formula`, and the formula with the
    numbers `substituted`. Lists of numbers are arrays; tables are tuples with an array for each
    row. Omitted arguments take the service's defaults.

    All methods raise `InvalidArgument`. Its `errors` name each invalid field, or the cost of a
    request that would take longer than a fraction of a second; for that, use a job or a sweep.
    """

    def call(self, rpc: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the reply of any explorer as plain dicts, e.g. `call("SimulateNeuron", {...})`.

        For explorers that this version of the client has no method for.
        """
        return self._session.call(rpc, dict(request))
