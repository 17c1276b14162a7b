"""The explorers of the journey: ask with numbers, and get every number on the way, explained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .activation import (
    ActivationChainSimulation,
    ActivationCurve,
    ActivationExplorer,
    ActivationSimulation,
    ChainLink,
    Zone,
)
from .approximation import ApproximationExplorer, ApproximationSimulation, WidthFit
from .architecture import (
    ArchitectureExplorer,
    ArchitectureLayer,
    ArchitectureMemory,
    ArchitectureSimulation,
    LayerCount,
    ModelComparison,
    OptimizerMemory,
)
from .attention import (
    AttentionExplorer,
    AttentionHead,
    AttentionQuery,
    AttentionSimulation,
    PositionalEncodingSimulation,
)
from .backward import (
    BackwardExplorer,
    BackwardLayer,
    BackwardSimulation,
    GradientCheck,
    ParameterGradient,
    UnitGradient,
)
from .convolution import ConvolutionExplorer, ConvolutionSimulation, PoolingSimulation, Window
from .forward import ForwardExplorer, ForwardSimulation, LayerTrace, UnitTrace
from .gradients import (
    GradientFlowLayer,
    GradientFlowSimulation,
    GradientsExplorer,
    Remedy,
    VanishingBarsSimulation,
)
from .line import Line
from .loss import (
    LossCurve,
    LossExplorer,
    LossSimulation,
    LossTrace,
    TokenBaseline,
    TokenLoss,
    TokenLossSimulation,
)
from .neuron import NeuronExplorer, NeuronSimulation
from .perceptron import (
    Certificate,
    MixtureShare,
    PerceptronEpoch,
    PerceptronExplorer,
    PerceptronSimulation,
    PerceptronStep,
    Separation,
)
from .quantity import Quantity
from .recurrence import GateValues, RecurrenceExplorer, RecurrenceSimulation, RecurrenceStep
from .sequence_cost import (
    SequenceCost,
    SequenceCostExplorer,
    SequenceCostRow,
    SequenceCostSimulation,
)
from .training import (
    LayerStep,
    LearningRatesSimulation,
    PlaneMap,
    PlaneSample,
    RateBand,
    RateResult,
    SchedulePoint,
    ScheduleSimulation,
    TrainingExplorer,
    TrainingPlane,
    TrainingSimulation,
    TrainingStep,
)
from .transformer_cost import (
    DeviceFacts,
    TransformerCostExplorer,
    TransformerCostSimulation,
    TransformerSize,
)
from .xor import (
    XorExplorer,
    XorGrid,
    XorHiddenUnit,
    XorOutputUnit,
    XorPoint,
    XorSimulation,
    XorStart,
)

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
    "ChainLink",
    "ConvolutionSimulation",
    "DeviceFacts",
    "ForwardSimulation",
    "GateValues",
    "GradientCheck",
    "GradientFlowLayer",
    "GradientFlowSimulation",
    "LayerCount",
    "LayerStep",
    "LayerTrace",
    "LearningRatesSimulation",
    "Line",
    "LossCurve",
    "LossSimulation",
    "LossTrace",
    "MixtureShare",
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
    "TokenBaseline",
    "TokenLoss",
    "TokenLossSimulation",
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
    "XorSimulation",
    "XorStart",
    "Zone",
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
):
    """`client.simulate`: nothing is stored, and the same question has the same answer.

    >>> client.simulate.neuron([1, 0.5, 0.8], [0.7, -0.3, 0.5], bias=-0.2).weighted_sum.value
    0.75

    Numbers that are explained are a `Quantity`: its `value`, the `formula` that it comes from, and
    the formula with the numbers put in, `substituted`. Lists of numbers are arrays, and tables are
    tuples with an array for each row.

    What is left out takes the service's default. All raise `InvalidArgument`, which names every
    field that does not fit, or the cost of what would take longer than a fraction of a second:
    such a training is a job, and many of them are a sweep.
    """

    def ask(self, rpc: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """What any explorer answers, e.g. `ask("SimulateNeuron", {...})`, as plain dicts.

        For explorers that this version of the client has no method for.
        """
        return self._session.call(rpc, dict(request))
