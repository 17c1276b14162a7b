"""How the SDK spells the type of a model's field, in replies and in requests."""

from __future__ import annotations

import re
from typing import Any, get_args, get_origin

from pydantic import BaseModel, BeforeValidator

from epochal_service.specs import networks

from .models import (
    ALIASES,
    Field,
    bare,
    is_model,
    is_optional,
    metadata_of,
    union_members,
    words_of,
)

# Public names of dataclasses that differ from the model's name.
RECORD_NAMES = {
    "EpochRow": "Epoch",
    "Job": "JobData",
    "Sweep": "SweepData",
    "Experiment": "ExperimentData",
}
# Replies for which the SDK has a hand-written class.
NOT_RECORDS = {
    "Comparison", "Curve", "FileReply", "GeneratedText", "Generation", "InsideArray", "InsideReply",
    "LayerWeights", "MemberProgress", "Prediction", "SampleActivations", "SampleAttention",
    "SweepCurves", "UnitMap", "UnitMaps", "WeightArray", "Weights",
}  # fmt: skip
ENVELOPE = re.compile(r"(Page|Content|Event|Snapshot)$")
RECORDS_THAT_LOOK_LIKE_ENVELOPES = {"GradientSnapshot"}
# Specs inside replies: plain dicts, since all defaults are filled in and any key can be read.
PLAIN_IN_REPLIES = {"TrainingSpec", "SweepSpec", "Variant", "ClaimSpec", "ExperimentSpec"}
# Lists of integers that become tuples instead of arrays, like every field ending in `_shape`.
TUPLES = {
    "AugmentationDraws.shape",
    "Column.filled_lines",
    "CorruptionDraws.shape",
    "MaskDraws.shape",
    "NewCheckpoints.epochs",
    "SamplePrediction.predicted_classes",
    "SamplePrediction.target_classes",
    "VanishingBarsSimulation.matching_seeds",
}
# Tables that become one array `(rows, columns)`; all others become tuples of rows.
TABLES = {
    "DatasetPreview.inputs",
    "DatasetPreview.targets",
    "Denoised.samples",
    "HiddenSpace.points",
    "HiddenSpace.targets",
    "PerceptronSimulation.points",
    "PlaneMap.outputs",
    "XorGrid.outputs",
}
# Fields that the model lacks: the page around the reply holds them.
EXTRA_FIELDS = {
    "GradientSnapshot": "histogram_edges: Floats\n"
    '"""Edges of the histogram bins, the same for all layers and epochs."""\n'
}
# Models with a handle that reads the fields of its record, and fields that the handle defines
# itself.
HANDLES = {"Job": {"curve", "spec"}, "Sweep": set[str](), "Experiment": {"jobs"}}

# Types that a request accepts in place of a spec: words and objects of the SDK.
CHOICES = {
    "NetworkChoice": "NetworkSpec | NetworkRef | Network",
    "DatasetChoice": "DatasetSpec | DatasetName | str | Dataset | DataFrame",
    "ShortDatasetChoice": "ShortDataset | DatasetName | DataFrame",
    "OptimizerChoice": "OptimizerSpec | OptimizerName",
    "ScheduleChoice": "ScheduleSpec | ScheduleName",
}
CHOSEN = {
    "TrainingSpec.network": "NetworkChoice",
    "TrainingSpec.dataset": "DatasetChoice",
    "TrainingSpec.optimizer": "OptimizerChoice",
    "TrainingSpec.schedule": "ScheduleChoice",
    "GeneratorSpec.name": "DatasetName",
    "NamedDataset.name": "DatasetName",
}
SPEC_NAMES = {"TransformerSize": "TransformerSizeSpec"}


def record_name(model: type[BaseModel]) -> str:
    """Return the name of a model's dataclass."""
    return RECORD_NAMES.get(model.__name__, model.__name__)


def spec_name(model: type[BaseModel]) -> str:
    """Return the name of a model's TypedDict."""
    return SPEC_NAMES.get(model.__name__, model.__name__)


def reply_type(hint: Any, place: str) -> str:
    """Return the type of a dataclass field; `place` is `Model.field`."""
    if words := words_of(hint):
        return ALIASES.word_type(words)
    if is_optional(hint):
        (inner,) = union_members(hint)
        return f"{reply_type(inner, place)} | None"
    hint = bare(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is list:
        item = bare(arguments[0])
        if item is float:
            return "Floats"
        if item is int and not (place in TUPLES or place.endswith("_shape")):
            return "Ints"
        if get_origin(item) is list and place in TABLES:
            return "Floats"
        return f"tuple[{reply_type(arguments[0], place)}, ...]"
    if origin is dict:
        return f"dict[str, {reply_type(arguments[1], place)}]"
    if is_model(hint):
        if hint.__name__ in PLAIN_IN_REPLIES:
            return "dict[str, Any]"
        return hint.__name__ if hint is networks.NetworkSpec else record_name(hint)
    return "Any" if hint is Any else str(hint.__name__)


def request_type(hint: Any, place: str) -> str:
    """Return the type of a TypedDict field; `place` is `Model.field`."""
    if place in CHOSEN:
        return CHOSEN[place]
    if words := words_of(hint):
        return ALIASES.word_type(words)
    if members := union_members(hint):
        name = ALIASES.unions.get(tuple(getattr(bare(m), "__name__", "") for m in members))
        text = name or " | ".join(request_type(member, place) for member in members)
        return f"{text} | None" if is_optional(hint) else text
    metadata, hint = metadata_of(hint), bare(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is list:
        if _is_numbers(arguments[0]):
            return "ArrayLike"
        item = request_type(arguments[0], "")
        # A validator before the list's own wraps a single item.
        alone = any(isinstance(about, BeforeValidator) for about in metadata)
        return f"{item} | Sequence[{item}]" if alone else f"Sequence[{item}]"
    if origin is dict:
        return f"Mapping[str, {request_type(arguments[1], '')}]"
    if is_model(hint):
        return spec_name(hint)
    return "Any" if hint is Any else str(hint.__name__)


def _is_numbers(hint: Any) -> bool:
    hint = bare(hint)
    return hint is float or (get_origin(hint) is list and _is_numbers(get_args(hint)[0]))


def place_of(model: type[BaseModel], field: Field) -> str:
    """Return `Model.field`."""
    return f"{model.__name__}.{field.name}"
