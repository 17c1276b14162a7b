"""From what was asked for to what the engine knows: words and numbers move over, nothing is decided
here.
"""

from __future__ import annotations

from dataclasses import fields, replace

import epochal_engine as engine

from .networks import LayerSpec, NetworkSpec, ResidualSpec
from .training import AugmentationSpec, OptimizerSpec, ScheduleSpec, TrainingSpec


def build_network(spec: NetworkSpec) -> engine.Network:
    """The engine's network, not checked: its own `ShapeError` says what does not fit."""
    return engine.Network(tuple(spec.input_shape), tuple(build_layer(l) for l in spec.layers))


def build_layer(spec: LayerSpec) -> engine.Layer:
    """The engine's layer: its fields are named as those of the spec."""
    fields = spec.model_dump(exclude={"type", "layers"}, exclude_none=True)
    for name, value in fields.items():
        if isinstance(value, list):
            # One length stands for all axes, one name for the only input.
            fields[name] = tuple(value) if len(value) > 1 or name == "shape" else value[0]
    if isinstance(spec, ResidualSpec):
        fields["layers"] = tuple(build_layer(layer) for layer in spec.layers)
    return engine.LAYERS[spec.type](**fields)


def build_loss(spec: TrainingSpec, ignore_label: int | None = None) -> engine.Loss:
    """The engine's loss; of a sequence, places with the `ignore_label` do not count.

    Raises `ValueError` if an option belongs to another loss.
    """
    loss = engine.LOSSES[spec.loss]
    options = spec.loss_options.model_dump(exclude_none=True)
    foreign = options.keys() - {field.name for field in fields(loss)}
    if foreign:
        raise ValueError(f"{spec.loss} has no {', '.join(sorted(foreign))}")
    if ignore_label is not None:
        options["ignore_label"] = ignore_label
    return replace(loss, **options)


def build_optimizer(spec: OptimizerSpec) -> engine.Optimizer:
    """The engine's optimizer: its fields are named as those of the spec."""
    return engine.OPTIMIZERS[spec.type](**spec.model_dump(exclude={"type"}))


def build_schedule(spec: ScheduleSpec) -> engine.Schedule:
    """The engine's schedule: its fields are named as those of the spec."""
    return engine.SCHEDULES[spec.type](**spec.model_dump(exclude={"type"}))


def build_augmentation(spec: AugmentationSpec) -> engine.Augmentation:
    """The engine's augmentation: its fields are named as those of the spec."""
    return engine.AUGMENTATIONS[spec.type](**spec.model_dump(exclude={"type"}))


def build_training(spec: TrainingSpec, ignore_label: int | None = None) -> engine.Training:
    """The engine's training; the seed decides every bit of it. For the label see `build_loss`."""
    stopping, target = spec.early_stopping, spec.target
    return engine.Training(
        loss=build_loss(spec, ignore_label),
        optimizer=build_optimizer(spec.optimizer),
        epochs=spec.epochs,
        batch_size=spec.batch_size,
        schedule=build_schedule(spec.schedule),
        l1=spec.regularization.l1,
        l2=spec.regularization.l2,
        clip_norm=spec.clipping.norm,
        clip_value=spec.clipping.value,
        augmentation=tuple(build_augmentation(one) for one in spec.augmentation),
        early_stopping=(
            None
            if stopping is None
            else engine.EarlyStopping(stopping.patience, stopping.min_delta)
        ),
        target=None if target is None else engine.Target(target.metric, target.value),
        seed=spec.seed,
        gradients_every=spec.snapshots.gradients_every,
    )
