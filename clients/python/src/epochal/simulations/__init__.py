"""The explorers of the journey: ask with numbers, and get every number on the way, explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from ..records import plain, read, request, without_nothing
from ..session import Session
from ..specs import Spec
from .activation import (
    ActivationChainSimulation,
    ActivationCurve,
    ActivationSimulation,
    ChainLink,
    Zone,
)
from .approximation import ApproximationSimulation, WidthFit
from .architecture import (
    ArchitectureLayer,
    ArchitectureMemory,
    ArchitectureSimulation,
    LayerCount,
    ModelComparison,
    OptimizerMemory,
)
from .attention import (
    AttentionHead,
    AttentionQuery,
    AttentionSimulation,
    PositionalEncodingSimulation,
)
from .backward import (
    BackwardLayer,
    BackwardSimulation,
    GradientCheck,
    ParameterGradient,
    UnitGradient,
)
from .convolution import ConvolutionSimulation, PoolingSimulation, Window
from .forward import ForwardSimulation, LayerTrace, UnitTrace
from .gradients import (
    GradientFlowLayer,
    GradientFlowSimulation,
    Remedy,
    VanishingBarsSimulation,
)
from .line import Line
from .loss import (
    LossCurve,
    LossSimulation,
    LossTrace,
    TokenBaseline,
    TokenLoss,
    TokenLossSimulation,
)
from .neuron import NeuronSimulation
from .perceptron import (
    Certificate,
    MixtureShare,
    PerceptronEpoch,
    PerceptronSimulation,
    PerceptronStep,
    Separation,
)
from .quantity import Quantity
from .recurrence import GateValues, RecurrenceSimulation, RecurrenceStep
from .sequence_cost import SequenceCost, SequenceCostRow, SequenceCostSimulation
from .training import (
    LayerStep,
    LearningRatesSimulation,
    PlaneMap,
    PlaneSample,
    RateBand,
    RateResult,
    SchedulePoint,
    ScheduleSimulation,
    TrainingPlane,
    TrainingSimulation,
    TrainingStep,
)
from .transformer_cost import DeviceFacts, TransformerCostSimulation, TransformerSize
from .xor import XorGrid, XorHiddenUnit, XorOutputUnit, XorPoint, XorSimulation, XorStart

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

T = TypeVar("T")


class Simulations:
    """`client.simulate`: nothing is stored, and the same question has the same answer.

    Numbers that are explained are a `Quantity`: its `value`, the `formula` that it comes from, and
    the formula with the numbers put in, `substituted`. Lists of numbers are arrays.

    What is left out takes the service's default. All raise `InvalidArgument`, which names every
    field that does not fit, or the cost of what would take longer than a fraction of a second:
    such a training is a job, and many of them are a sweep.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def ask(self, rpc: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """What any explorer answers, e.g. `ask("SimulateNeuron", {...})`, as plain dicts.

        For explorers that this version of the client has no method for.
        """
        return self._session.call(rpc, dict(request))

    def _ask(self, rpc: str, reply: type[T], **fields: Any) -> T:
        given = {name: request(value, name) for name, value in fields.items() if value is not None}
        return read(reply, self._session.call(rpc, given))

    # -------------------------------------------------------------- 1 what a network is

    def approximation(
        self,
        *,
        target: str | None = None,
        samples: int | None = None,
        inputs: ArrayLike | None = None,
        outputs: ArrayLike | None = None,
        activation: str | None = None,
        widths: Sequence[int] | None = None,
        seeds: int | None = None,
        seed: int | None = None,
        steps: int | None = None,
    ) -> ApproximationSimulation:
        """How near one hidden layer comes to a curve, for each width and seed.

        The curve is a `target` (`"sine"`, `"step"`, `"bump"`), or your own `inputs` and `outputs`.
        """
        return self._ask(
            "SimulateApproximation",
            ApproximationSimulation,
            target=target,
            samples=samples,
            inputs=None if inputs is None else np.ravel(inputs),
            outputs=None if outputs is None else np.ravel(outputs),
            activation=activation,
            widths=widths,
            seeds=seeds,
            seed=seed,
            steps=steps,
        )

    # ------------------------------------------------------------------- 2 the single neuron

    def neuron(
        self, inputs: Sequence[float], weights: Sequence[float], *, bias: float | None = None
    ) -> NeuronSimulation:
        """What one neuron makes of its inputs, by the step of 1958 and by the sigmoid."""
        return self._ask(
            "SimulateNeuron", NeuronSimulation, inputs=inputs, weights=weights, bias=bias
        )

    def perceptron(
        self,
        table: str | None = None,
        *,
        targets: Sequence[int] | None = None,
        points: ArrayLike | None = None,
        learning_rate: float | None = None,
        epochs: int | None = None,
        order: Sequence[int] | None = None,
        weights: Sequence[float] | None = None,
        bias: float | None = None,
    ) -> PerceptronSimulation:
        """Perceptron learning, update by update, and whether any line could do it, with a proof.

        What to learn is a truth table by its name, or `targets` for your own `points` `(n, d)`.
        """
        return self._ask(
            "SimulatePerceptron",
            PerceptronSimulation,
            table=table,
            targets=targets,
            points=None if points is None else np.asarray(points),
            learning_rate=learning_rate,
            epochs=epochs,
            order=order,
            weights=weights,
            bias=bias,
        )

    def xor(
        self,
        *,
        hidden: Sequence[Spec] | None = None,
        output: Spec | None = None,
        train: bool | None = None,
        activation: str | None = None,
        seed: int | None = None,
        starts: int | None = None,
        epochs: int | None = None,
        learning_rate: float | None = None,
        resolution: int | None = None,
    ) -> XorSimulation:
        """The four points of XOR through two hidden units, and the space that these make of them.

        Units made by hand, or those given as `{"weights": [1, 1], "bias": -0.5}`, or trained ones.
        """
        return self._ask(
            "SimulateXor",
            XorSimulation,
            hidden=hidden,
            output=output,
            train=train,
            activation=activation,
            seed=seed,
            starts=starts,
            epochs=epochs,
            learning_rate=learning_rate,
            resolution=resolution,
        )

    # ------------------------------------------------------------------------- 3 activations

    def activation(
        self,
        activations: str | Sequence[str],
        *,
        x: float | None = None,
        minimum: float | None = None,
        maximum: float | None = None,
        points: int | None = None,
        saturation_below: float | None = None,
    ) -> ActivationSimulation:
        """Value, slope, curve and saturation of one or several activations."""
        return self._ask(
            "SimulateActivation",
            ActivationSimulation,
            activations=[activations] if isinstance(activations, str) else activations,
            x=x,
            minimum=minimum,
            maximum=maximum,
            points=points,
            saturation_below=saturation_below,
        )

    def activation_chain(
        self,
        activation: str,
        *,
        depth: int | None = None,
        weight: float | None = None,
        bias: float | None = None,
        x: float | None = None,
    ) -> ActivationChainSimulation:
        """A signal and its gradient on their way through layers of one neuron each."""
        return self._ask(
            "SimulateActivationChain",
            ActivationChainSimulation,
            activation=activation,
            depth=depth,
            weight=weight,
            bias=bias,
            x=x,
        )

    # -------------------------------------------------------------- 4 layers and architecture

    def architecture(
        self, network: Spec, *, batch_size: int | None = None, optimizer: str | None = None
    ) -> ArchitectureSimulation:
        """What any network amounts to, and how it compares with famous ones; no weights are made.

        It need not be small enough to be trained: `client.journey.models()` has some to try.
        """
        return self._ask(
            "SimulateArchitecture",
            ArchitectureSimulation,
            network=network,
            batch_size=batch_size,
            optimizer=optimizer,
        )

    # ------------------------------------------------------------------ 5 forward propagation

    def forward(
        self,
        network: Spec,
        input: ArrayLike,
        *,
        weights: Mapping[str, ArrayLike] | None = None,
        weights_from: str | None = None,
        seed: int | None = None,
    ) -> ForwardSimulation:
        """What a small network makes of an input: every product, sum and activation, explained.

        `weights` are named as in a checkpoint, e.g. `{"dense_1.weight": …}`; those that are not
        given are drawn with the seed, or come from the `"pattern"`.
        """
        return self._ask(
            "SimulateForward",
            ForwardSimulation,
            network=network,
            input=np.ravel(input),
            weights=_by_layer(weights),
            weights_from=weights_from,
            seed=seed,
        )

    def transformer_cost(
        self,
        model: str | None = None,
        *,
        size: Spec | TransformerSize | None = None,
        parameters: int | None = None,
        tokens: int | None = None,
        causal: bool | None = None,
        bytes_per_parameter: float | None = None,
        device: str | None = None,
        custom_device: Spec | None = None,
        devices: int | None = None,
        utilization: float | None = None,
        claimed_seconds: float | None = None,
    ) -> TransformerCostSimulation:
        """Operations, memory and time of a transformer that reads a text, from its size.

        Which one, says the id of a famous `model`, or a `size`, or a number of `parameters`.
        """
        if isinstance(size, TransformerSize):
            size = without_nothing(plain(size))
        return self._ask(
            "SimulateTransformerCost",
            TransformerCostSimulation,
            model=model,
            size=size,
            parameters=parameters,
            tokens=tokens,
            causal=causal,
            bytes_per_parameter=bytes_per_parameter,
            device=device,
            custom_device=custom_device,
            devices=devices,
            utilization=utilization,
            claimed_seconds=claimed_seconds,
        )

    # ------------------------------------------------------------------------------- 6 losses

    def loss(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        losses: str | Sequence[str] | None = None,
        options: Spec | None = None,
        points: int | None = None,
        minimum: float | None = None,
        maximum: float | None = None,
    ) -> LossSimulation:
        """What several losses say of one prediction, with their slopes, and of all others.

        By default these are all that fit: one number, or one for each output.
        """
        return self._ask(
            "SimulateLoss",
            LossSimulation,
            prediction=np.ravel(np.asarray(prediction, np.float64)),
            target=np.ravel(np.asarray(target, np.float64)),
            losses=[losses] if isinstance(losses, str) else losses,
            options=options,
            points=points,
            minimum=minimum,
            maximum=maximum,
        )

    def token_loss(
        self,
        *,
        probabilities: ArrayLike | None = None,
        logits: ArrayLike | None = None,
        targets: Sequence[int] | None = None,
        target_probabilities: ArrayLike | None = None,
        vocabulary: int | None = None,
        tokens: Sequence[str] | None = None,
    ) -> TokenLossSimulation:
        """How surprising the true tokens were, in nats, bits and perplexity.

        Either rows of `probabilities` or `logits` `(places, vocabulary)` with the `targets`, or the
        `target_probabilities` alone with the size of the `vocabulary`.
        """

        def rows(given: ArrayLike | None) -> Any:
            return None if given is None else np.atleast_2d(np.asarray(given, np.float64))

        chances = target_probabilities
        return self._ask(
            "SimulateTokenLoss",
            TokenLossSimulation,
            probabilities=rows(probabilities),
            logits=rows(logits),
            targets=targets,
            target_probabilities=None
            if chances is None
            else np.ravel(np.asarray(chances, np.float64)),
            vocabulary=vocabulary,
            tokens=tokens,
        )

    # ---------------------------------------------------------------------- 7 backpropagation

    def gradient_flow(
        self,
        *,
        depth: int | None = None,
        width: int | None = None,
        activation: str | None = None,
        initializer: str | None = None,
        gain: float | None = None,
        residual: bool | None = None,
        normalization: str | None = None,
        samples: int | None = None,
        seed: int | None = None,
        seeds: int | None = None,
    ) -> GradientFlowSimulation:
        """How gradients shrink or grow through `depth` layers, and what each remedy does."""
        return self._ask(
            "SimulateGradientFlow",
            GradientFlowSimulation,
            depth=depth,
            width=width,
            activation=activation,
            initializer=initializer,
            gain=gain,
            residual=residual,
            normalization=normalization,
            samples=samples,
            seed=seed,
            seeds=seeds,
        )

    def vanishing_bars(
        self,
        *,
        seed: int | None = None,
        first_seed: int | None = None,
        seeds: int | None = None,
    ) -> VanishingBarsSimulation:
        """The bars 1.00, .35, .08, .01 from a real network, and how many draws give them."""
        return self._ask(
            "SimulateVanishingBars",
            VanishingBarsSimulation,
            seed=seed,
            first_seed=first_seed,
            seeds=seeds,
        )

    def backward(
        self,
        network: Spec,
        input: ArrayLike,
        target: ArrayLike,
        loss: str,
        *,
        weights: Mapping[str, ArrayLike] | None = None,
        weights_from: str | None = None,
        seed: int | None = None,
        learning_rate: float | None = None,
        check: bool | None = None,
    ) -> BackwardSimulation:
        """In which direction every weight should move for one sample: the chain rule, written out.

        The network and its weights are those of `forward`. `check` compares every slope with the
        difference that a small change of its parameter makes.
        """
        return self._ask(
            "SimulateBackward",
            BackwardSimulation,
            network=network,
            input=np.ravel(input),
            target=np.ravel(target),
            loss=loss,
            weights=_by_layer(weights),
            weights_from=weights_from,
            seed=seed,
            learning_rate=learning_rate,
            check=check,
        )

    # ------------------------------------------------------------------- 8 the training loop

    def training(
        self,
        *,
        network: Spec | None = None,
        dataset: Spec | None = None,
        loss: str | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        optimizer: Spec | None = None,
        schedule: Spec | None = None,
        seed: int | None = None,
        steps: int | None = None,
        maps: int | None = None,
    ) -> TrainingSimulation:
        """A short run without a job: its first steps in full, and the curve of the rest.

        With `maps`, that many maps of the plane of two inputs, from the first weights to the last.
        """
        return self._ask(
            "SimulateTraining",
            TrainingSimulation,
            network=network,
            dataset=dataset,
            loss=loss,
            epochs=epochs,
            batch_size=batch_size,
            optimizer=optimizer,
            schedule=schedule,
            seed=seed,
            steps=steps,
            maps=maps,
        )

    def learning_rates(
        self,
        *,
        network: Spec | None = None,
        dataset: Spec | None = None,
        loss: str | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        optimizer: Spec | None = None,
        lowest: float | None = None,
        highest: float | None = None,
        rates: int | None = None,
        seeds: int | None = None,
        seed: int | None = None,
    ) -> LearningRatesSimulation:
        """Where a learning rate is too low, slow, good, oscillating or diverging, by training.

        For more rates, seeds or epochs than one call may cost, see `client.sweeps`.
        """
        return self._ask(
            "SimulateLearningRates",
            LearningRatesSimulation,
            network=network,
            dataset=dataset,
            loss=loss,
            epochs=epochs,
            batch_size=batch_size,
            optimizer=optimizer,
            lowest=lowest,
            highest=highest,
            rates=rates,
            seeds=seeds,
            seed=seed,
        )

    def schedule(
        self,
        schedule: Spec,
        *,
        learning_rate: float | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        points: int | None = None,
    ) -> ScheduleSimulation:
        """The learning rate of every epoch by a schedule, before anything is trained."""
        return self._ask(
            "SimulateSchedule",
            ScheduleSimulation,
            schedule=schedule,
            learning_rate=learning_rate,
            epochs=epochs,
            steps_per_epoch=steps_per_epoch,
            points=points,
        )

    # ------------------------------------------------------------------ 9 the architecture zoo

    def convolution(
        self,
        image: ArrayLike | None = None,
        *,
        signal: ArrayLike | None = None,
        kernel: ArrayLike | None = None,
        kernel_name: str | None = None,
        bias: float | None = None,
        stride: int | None = None,
        padding: str | None = None,
    ) -> ConvolutionSimulation:
        """A convolution over an image, or a signal, window by window.

        The kernel is given, or one of edge, vertical_edge, horizontal_edge, blur, sharpen and
        identity by its name.
        """
        return self._ask(
            "SimulateConvolution",
            ConvolutionSimulation,
            image=image,
            signal=signal,
            kernel=kernel,
            kernel_name=kernel_name,
            bias=bias,
            stride=stride,
            padding=padding,
        )

    def pooling(
        self,
        image: ArrayLike | None = None,
        *,
        signal: ArrayLike | None = None,
        kind: str | None = None,
        size: int | None = None,
        stride: int | None = None,
    ) -> PoolingSimulation:
        """Pooling over an image, or a signal: the `"max"` of each window, or the `"average"`."""
        return self._ask(
            "SimulatePooling",
            PoolingSimulation,
            image=image,
            signal=signal,
            kind=kind,
            size=size,
            stride=stride,
        )

    def recurrence(
        self,
        inputs: ArrayLike,
        *,
        cell: str | None = None,
        units: int | None = None,
        weight: ArrayLike | None = None,
        recurrent: ArrayLike | None = None,
        bias: ArrayLike | None = None,
        seed: int | None = None,
    ) -> RecurrenceSimulation:
        """A cell, `"rnn"`, `"lstm"` or `"gru"`, along a sequence `(places, features)`."""
        return self._ask(
            "SimulateRecurrence",
            RecurrenceSimulation,
            inputs=inputs,
            cell=cell,
            units=units,
            weight=weight,
            recurrent=recurrent,
            bias=bias,
            seed=seed,
        )

    def attention(
        self,
        *,
        queries: ArrayLike | None = None,
        keys: ArrayLike | None = None,
        values: ArrayLike | None = None,
        tokens: Sequence[str] | None = None,
        width: int | None = None,
        heads: int | None = None,
        scaled: bool | None = None,
        causal: bool | None = None,
        seed: int | None = None,
    ) -> AttentionSimulation:
        """Who looks at what: of given queries, keys and values, or of tokens by the seed."""
        return self._ask(
            "SimulateAttention",
            AttentionSimulation,
            queries=queries,
            keys=keys,
            values=values,
            tokens=tokens,
            width=width,
            heads=heads,
            scaled=scaled,
            causal=causal,
            seed=seed,
        )

    def positional_encoding(
        self,
        *,
        places: int | None = None,
        units: int | None = None,
        place: int | None = None,
    ) -> PositionalEncodingSimulation:
        """Sines and cosines that stand for the places of a sequence; `place` is explained."""
        return self._ask(
            "SimulatePositionalEncoding",
            PositionalEncodingSimulation,
            places=places,
            units=units,
            place=place,
        )

    def sequence_cost(
        self,
        *,
        lengths: Sequence[int] | None = None,
        width: int | None = None,
        kernel: int | None = None,
        window: int | None = None,
        heads: int | None = None,
    ) -> SequenceCostSimulation:
        """How the cost of reading a sequence grows with its length, for six kinds of layer."""
        return self._ask(
            "SimulateSequenceCost",
            SequenceCostSimulation,
            lengths=lengths,
            width=width,
            kernel=kernel,
            window=window,
            heads=heads,
        )


def _by_layer(weights: Mapping[str, ArrayLike] | None) -> list[dict[str, Any]] | None:
    """The arrays of each layer together, as the service takes them."""
    if weights is None:
        return None
    layers: dict[str, dict[str, Any]] = {}
    for name, array in weights.items():
        layer, _, parameter = name.rpartition(".")
        layers.setdefault(layer, {"layer": layer})[parameter] = np.asarray(array)
    return list(layers.values())
