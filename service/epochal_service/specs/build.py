"""From what was asked for to what the engine knows: words and numbers move over, nothing is decided
here.
"""

from __future__ import annotations

import epochal_engine as engine

from .networks import DenseSpec, DropoutSpec, NetworkSpec
from .training import AdamSpec, CosineSpec, MomentumSpec, SgdSpec, TrainingSpec


def build_network(spec: NetworkSpec) -> engine.Network:
    """The engine's network, not checked: its own `ShapeError` says what does not fit."""
    layers: list[engine.Layer] = []
    for layer in spec.layers:
        match layer:
            case DenseSpec():
                layers.append(
                    engine.Dense(layer.units, layer.activation, layer.use_bias, layer.initializer)
                )
            case DropoutSpec():
                layers.append(engine.Dropout(layer.rate))
    return engine.Network(tuple(spec.input_shape), tuple(layers))


def build_training(spec: TrainingSpec) -> engine.Training:
    """The engine's training; the seed decides every bit of it."""
    optimizer: engine.Optimizer
    match spec.optimizer:
        case SgdSpec() as o:
            optimizer = engine.Sgd(o.learning_rate)
        case MomentumSpec() as o:
            optimizer = engine.Momentum(o.learning_rate, o.momentum)
        case AdamSpec() as o:
            optimizer = engine.Adam(o.learning_rate, o.beta_1, o.beta_2, o.epsilon)
    schedule: engine.Schedule = engine.Constant()
    if isinstance(spec.schedule, CosineSpec):
        schedule = engine.Cosine(spec.schedule.warmup_epochs, spec.schedule.final_fraction)
    stopping, target = spec.early_stopping, spec.target
    return engine.Training(
        loss=spec.loss,
        optimizer=optimizer,
        epochs=spec.epochs,
        batch_size=spec.batch_size,
        schedule=schedule,
        l2=spec.regularization.l2,
        clip_norm=spec.clipping.norm,
        clip_value=spec.clipping.value,
        early_stopping=(
            None
            if stopping is None
            else engine.EarlyStopping(stopping.patience, stopping.min_delta)
        ),
        target=None if target is None else engine.Target(target.metric, target.value),
        seed=spec.seed,
        gradients_every=spec.snapshots.gradients_every,
    )
