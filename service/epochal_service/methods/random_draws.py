"""Return what a job drew from its random streams: the order and the changes of samples, masks."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from numpy.typing import NDArray

from epochal_engine import RandomDraws as Draws
from epochal_engine.model import INPUT

from ..errors import Conflict, FieldError, InvalidArgument, NotFound
from ..jobs import lifecycle
from ..preparation.prepare import prepare
from ..specs.limits import LIMIT
from ..specs.random_draws import (
    AugmentationDraws,
    CorruptionDraws,
    GetRandomDrawsRequest,
    MaskDraws,
    RandomDraws,
)
from ..specs.training import TrainingSpec
from ..store import Access
from .context import Context
from .inspection import check_size

Array = NDArray[Any]


def get_random_draws(context: Context, id: str, request: GetRandomDrawsRequest) -> RandomDraws:
    """Return the random draws of an epoch: the order of the training samples and, for one batch,
    the dropout masks, the augmentation and the corruption.

    Raises `NotFound`; `InvalidArgument` for an epoch that is not stored, a batch that does not
    exist, a layer that draws nothing, and for more numbers than the limits allow; `Conflict` after
    a change of the batches or the network.
    """
    row = lifecycle.get(context.database, id, context.access)
    epoch = _checked_epoch(request.epoch, row.epoch, row.state)
    spec = TrainingSpec.model_validate_json(row.spec)
    _check_changes(spec, epoch)
    limits = context.settings.limits
    prepared = prepare(context.database, spec, Access(row.owner), limits, stored=True)
    rows = prepared.rows.train
    draws = Draws(prepared.network, prepared.training, len(rows))
    layers = _checked_layers(draws, request)
    _check_numbers(context, draws, layers, epoch, request)
    order = draws.order(epoch)
    masks: list[MaskDraws] = []
    augmentation: list[AugmentationDraws] = []
    corruption: CorruptionDraws | None = None
    if request.batch is not None:
        batch = order[draws.rows(request.batch)]
        masks = [
            MaskDraws(layer=mask.path, rate=mask.rate, **_numbers(values))
            for mask, values in draws.drawn_masks(epoch, request.batch, layers)
        ]
        if INPUT in layers:
            changes, hidden = prepared.training.augmentation, prepared.training.corruption
            drawn = [_numbers(values[batch]) for values in draws.changes(epoch)]
            augmentation = [
                AugmentationDraws(type=change.type, **numbers)
                for change, numbers in zip(changes, drawn, strict=False)
            ]
            if hidden is not None:
                corruption = CorruptionDraws(type=hidden.type, **drawn[-1])
    return RandomDraws(
        epoch=epoch,
        order=rows[order].tolist(),
        batch_size=draws.batch_size,
        batches=draws.batches,
        masks=masks,
        augmentation=augmentation,
        corruption=corruption,
    )


def _numbers(values: Array) -> dict[str, Any]:
    return {"shape": list(values.shape), "values": values.ravel().astype(float).tolist()}


def _checked_epoch(requested: int | None, latest: int, state: str) -> int:
    if latest == 0:
        raise NotFound(f"The job is {state} and has no epoch yet", reason="checkpoint_not_found")
    if requested is not None and requested > latest:
        raise InvalidArgument.of(
            FieldError("epoch", f"must be at most {latest}, the latest stored epoch")
        )
    return latest if requested is None else requested


def _check_changes(spec: TrainingSpec, epoch: int) -> None:
    """Raise `Conflict` if the draws of the epoch depend on a change of the batches before it."""
    for change in spec.changes:
        fields = change.training
        drawn = (
            *(fields.batch_size, fields.shuffle, fields.network),
            *(fields.dataset, fields.samples, fields.augmentation, fields.clear),
        )
        if change.epoch < epoch and any(field is not None for field in drawn):
            raise Conflict(
                "The batches, the data or the network of the job changed after epoch "
                f"{change.epoch}: the draws of later epochs cannot be drawn again without the "
                "training before them",
                reason="job_state",
            )


def _checked_layers(draws: Draws, request: GetRandomDrawsRequest) -> Set[str]:
    """Return the layers with requested draws, and `input` for the changes."""
    drawing = dict.fromkeys(mask.layer for mask in draws.masks)
    if draws.changes_size > 0:
        drawing = {INPUT: None, **drawing}
    batch, layer = request.batch, request.layer
    if batch is None:
        if layer is not None:
            raise InvalidArgument.of(FieldError("layer", "needs a batch, whose draws it selects"))
        return frozenset()
    if batch >= draws.batches:
        raise InvalidArgument.of(
            FieldError("batch", f"must be less than {draws.batches}, the batches of an epoch")
        )
    if layer is None:
        return drawing.keys()
    if layer not in drawing:
        text = (
            f"must be one of {', '.join(drawing)}"
            if drawing
            else "must be absent: no layer draws anything"
        )
        raise InvalidArgument.of(FieldError("layer", text))
    return {layer}


def _check_numbers(
    context: Context, draws: Draws, layers: Set[str], epoch: int, request: GetRandomDrawsRequest
) -> None:
    """Raise `InvalidArgument` if too many numbers must be drawn or returned."""
    from_changes = draws.changes_size if INPUT in layers else 0
    redrawn = epoch * draws.samples * (draws.is_shuffled + from_changes)
    limit = context.settings.limits.max_redrawn_numbers
    if redrawn > limit:
        raise InvalidArgument.of(
            FieldError(
                "epoch",
                f"needs {redrawn:,} numbers of this and earlier epochs to be drawn again; at most "
                f"{limit:,} are ({LIMIT}): the export training_numpy is a program that draws all",
            ),
            reason="limit_exceeded",
        )
    rows = draws.rows(request.batch or 0)
    from_masks = sum(mask.size for mask in draws.masks if mask.layer in layers)
    numbers = draws.samples + (rows.stop - rows.start) * (from_masks + from_changes)
    remedy = "one layer" if request.layer is None else "the export training_numpy"
    check_size(context, "layer" if layers else "epoch", numbers, remedy)
