"""Requests that both wires can write down: right ones, and right ones with something changed."""

import copy
import json
from collections.abc import Callable
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.struct_pb2 import Struct, Value
from hypothesis import strategies as st
from tests.contract.conftest import (
    DIVERGING,
    EXERCISE,
    EXPERIMENT,
    JOB,
    NETWORK,
    PADDED,
    SECRET,
    SEQUENCE,
    SWEEP,
    World,
)
from tests.rpc.messages import kinds_of

from epochal_course.explorers.table import EXPLORERS
from epochal_service._proto import message as message_class
from epochal_service.rpc.convert import words

FINITE = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, 0.5, -1.0, 1e300])
WHOLE = st.sampled_from([-1, 0, 1, 2, 3, 1001, 2**31 - 1, -(2**31)]) | st.integers(0, 40)
LONG = WHOLE | st.sampled_from([2**31, 2**63 - 1, -(2**63)])
TEXTS = st.sampled_from(["", "xor", "two_moons", "course", "course=week-3", "Ü\n", "0" * 250])
KEYS = st.sampled_from(["a key", "x" * 200])
SCALARS = {
    FieldDescriptor.TYPE_INT32: WHOLE,
    FieldDescriptor.TYPE_INT64: LONG,
    FieldDescriptor.TYPE_DOUBLE: FINITE,
    FieldDescriptor.TYPE_STRING: TEXTS,
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_BYTES: st.sampled_from([b"", b"a,b\n1,2\n", b"\xff" * 40]),
}


def asking(requests: list[dict[str, Any]]) -> Callable[[World], list[dict[str, Any]]]:
    return lambda w: requests


# Valid requests for each method, except for methods that change an existing object.
RIGHT: dict[str, Callable[[World], list[dict[str, Any]]]] = {
    "CreateNetwork": lambda w: [{"network": NETWORK}, {"network": NETWORK, "name": "Zwölf"}],
    "GetNetwork": lambda w: [{"id": w.network}],
    "ListNetworks": lambda w: [{}, {"page_size": 1}, {"page_token": w.network}],
    "SummarizeNetwork": lambda w: [{"network": NETWORK}],
    "CreateDataset": lambda w: [
        {"name": "points", "csv": "x;y\n1;2\n2;4\n3;9\n", "task": "regression"},
        {
            "name": "gaps",
            "csv": "day,size,color,t\n2021-04-03,,red,a\n2021-04-04,2,,b\n2022-01-01,9,blue,a\n",
            "missing": "auto",
            "columns": [
                {"name": "color", "kind": "category", "missing": "category", "unknown": "other"},
                {"name": "day", "kind": "date", "parts": ["year", "month"], "day_first": True},
            ],
        },
        {"name": "spiral", "generator": {"name": "spiral", "samples": 30, "noise": 0.2, "seed": 4}},
    ],
    "GetDataset": lambda w: [{"id": "digits"}, {"id": "reversal"}, {"id": w.dataset}],
    "ListDatasets": lambda w: [
        {},
        {"page_size": 1, "thumbnails": True},
        {"page_token": w.dataset},
    ],
    "PreviewDataset": lambda w: [
        {"id": w.dataset, "rows": 2},
        {"id": "iris"},
        {"id": "two_moons", "rows": 3, "samples": 20, "noise": 0.3, "seed": 9},
        {"id": "sorting", "rows": 2, "samples": 5, "length": 3, "classes": 4},
        {"id": "plays", "rows": 2, "samples": 10, "length": 8, "merges": 20},
        {"id": "plays", "rows": 2, "samples": 10, "length": 8, "vocabulary": "sonnets"},
    ],
    "CreateUpload": lambda w: [
        {"size_bytes": 100, "sha256": "0" * 64},
        {"size_bytes": 40},
    ],
    "AppendUpload": lambda w: [{"id": w.upload, "offset": 0, "data": b"a,b\n"}],
    "GetUpload": lambda w: [{"id": w.upload}, {"id": "none"}],
    "SuggestJob": lambda w: [{"id": "iris"}, {"id": "reversal"}, {"id": w.dataset}],
    "CreateJob": lambda w: [
        {"spec": JOB | {"name": "Zwölf", "initial_weights": {"job": w.ended, "epoch": 5}}},
        {"spec": JOB | {"webhooks": [{"url": "http://127.0.0.1/", "secret": SECRET}]}},
        {"spec": JOB},
    ],
    "ValidateJob": lambda w: [
        {"spec": JOB},
        {"spec": JOB | {"webhooks": [{"url": "http://127.0.0.1/", "on": ["failed"]}]}},
        {"spec": JOB | {"network": {"id": w.network}}},
        {"spec": JOB | {"initial_weights": {"job": w.ended, "epoch": 5}}},
        {"spec": JOB | {"initial_weights": {"job": w.ended, "layers": ["dense_1"]}}},
        {"spec": JOB | {"freeze": ["dense_1"]}},
        {"spec": DIVERGING},
        {"spec": SEQUENCE},
        {"spec": PADDED},
        {"spec": JOB | {"class_weights": "balanced"}},
        {"spec": JOB | {"class_weights": [1.0, 2.5]}},
    ],
    "GetJob": lambda w: [{"id": i} for i in (w.ended, w.diverged, w.queued, w.hooked)],
    "UpdateJob": lambda w: [
        {"id": w.queued, "name": "Zwölf", "labels": {"course": "week-4", "draft": ""}},
        {"id": w.queued, "name": "", "remove_labels": ["draft"]},
        {"id": w.diverged},
        {"id": w.queued_sweep, "name": "a sweep"},
    ],
    "ListJobs": lambda w: [
        {},
        {"states": ["failed"]},
        {"states": ["queued", "succeeded"], "query": "Week", "curve_points": 6},
        {"label": "course"},
        {"label": "course=week-3", "page_size": 1},
        {"page_token": w.queued},
        {"filter": "labels.course = week-3 AND NOT best.value < 0", "view": "full"},
        {"order_by": "best.value desc, name", "page_size": 2},
    ],
    "GetJobColumns": lambda w: [
        {"fields": ["best.value", "spec.optimizer.type", "created_at", "labels.course"]},
        {"fields": ["seconds", "spec.shuffle"], "order_by": "best.value desc", "page_size": 2},
        {"fields": ["name"], "filter": "state = failed", "label": "course", "query": "week"},
    ],
    "ListEpochs": lambda w: [
        {"id": w.ended},
        {"id": w.ended, "after_epoch": 5, "page_size": 3},
        {"id": w.diverged},
        {"id": w.queued},
    ],
    "GetEpochColumns": lambda w: [
        {"id": w.ended},
        {"id": w.ended, "after_epoch": 5, "page_size": 3, "metrics": ["train_loss", "seconds"]},
        {"id": w.ended, "after_epoch": 1000},
        {"id": w.diverged},
        {"id": w.queued},
    ],
    "GetCurve": lambda w: [
        {"id": w.ended},
        {"id": w.ended, "metrics": ["train_loss", "learning_rate"], "max_points": 4},
        {"id": w.ended, "max_points": 6, "after_epoch": 4},
        {"id": w.diverged},
        {"id": w.queued},
    ],
    "ListGradients": lambda w: [
        {"id": w.ended},
        {"id": w.ended, "after_epoch": 4, "page_size": 2},
        {"id": w.ended, "after_epoch": 2, "max_points": 4},
        {"id": w.diverged},
        {"id": w.diverged, "max_points": 100},
        {"id": w.queued, "max_points": 4},
    ],
    "ListDeliveries": lambda w: [{"id": w.hooked}, {"id": w.queued}, {"id": w.sweep}],
    "ListCheckpoints": lambda w: [{"id": w.ended}, {"id": w.ended, "page_size": 1}],
    "GetCheckpoint": lambda w: [
        {"id": w.ended, "epoch": 5},
        {"id": w.ended, "epoch": 12, "format": "npz"},
        {"id": w.queued, "epoch": 5},
    ],
    "Predict": lambda w: [
        {"id": w.ended, "inputs": [[0.5, 0.25], [-1.0, 2.0]]},
        {"id": w.ended, "inputs": [[0.5, 0.25]], "epoch": 5},
        {"id": w.ended, "rows": [{"x": 0.5, "y": "0.25", "class": True}, {"x": -1.0, "y": 2.0}]},
        {"id": w.ended, "csv": "y;x\n0.25;0.5\n2;-1\n"},
        # Too large for a float32: the output is not a number, and there is no class.
        {"id": w.ended, "inputs": [[1e39, -1e39]]},
        {"id": w.padded, "inputs": [[0, 1, 3, 1]]},
        {
            "id": w.ended,
            "grid": {"x_min": -1.0, "x_max": 2.0, "y_min": 0.0, "y_max": 1.0, "resolution": 3},
        },
        {"id": w.queued, "inputs": [[0.5, 0.25]]},
    ],
    "Generate": lambda w: [
        {"id": w.sequence, "prompt": "ab"},
        {
            "id": w.sequence,
            "prompt": "ca",
            "count": 3,
            "temperature": 0.5,
            "top_k": 2,
            "top_p": 0.9,
        },
        {"id": w.sequence, "prompt": "Bb", "epoch": 2, "seed": 7, "alternatives": 1, "stop": ["a"]},
        {"id": w.diffused, "count": 3, "seed": 5},
        {"id": w.diffused, "count": 2, "class_name": "1", "steps_per_event": 2},
        {"id": w.sequence, "prompt": "ab", "tools": ["calculator"]},
        {"id": w.queued},
    ],
    "GetDiagnosis": lambda w: [{"id": w.ended}, {"id": w.diverged}, {"id": w.queued}],
    "GetExport": lambda w: [
        {"id": w.ended},
        {"id": w.ended, "format": "pytorch", "epoch": 5},
        {"id": w.ended, "format": "safetensors"},
        {"id": w.ended, "format": "onnx"},
        {"id": w.queued},
    ],
    "GetUnitMaps": lambda w: [
        {"id": w.ended, "resolution": 4},
        {"id": w.ended, "resolution": 3, "epoch": 7, "layer": "dense_1"},
        {
            "id": w.ended,
            "resolution": 2,
            "bounds": {"x_min": -1.0, "x_max": 2.0, "y_min": 0.0, "y_max": 1.0},
        },
        {"id": w.queued},
    ],
    "GetHiddenSpace": lambda w: [
        {"id": w.ended},
        {"id": w.ended, "epoch": 9, "layer": "input", "split": "validation", "samples": 5},
        {"id": w.diverged},
        {"id": w.queued},
    ],
    "GetConfusionMatrix": lambda w: [
        {"id": w.ended},
        {"id": w.ended, "epoch": 11, "split": "train"},
        {"id": w.sequence},
        {"id": w.padded},
        {"id": w.queued},
    ],
    "GetEvaluation": lambda w: [
        {"id": w.ended},
        {"id": w.ended, "epoch": 11, "split": "train"},
        {"id": w.sequence},
        {"id": w.padded},
        {"id": w.diverged},
        {"id": w.queued},
    ],
    "GetSamplePredictions": lambda w: [
        {"id": w.ended},
        {"id": w.ended, "epoch": 6, "order": "worst", "split": "validation", "count": 3},
        {"id": w.ended, "order": "random", "seed": 3, "count": 2},
        {"id": w.sequence, "count": 2},
        {"id": w.padded},
        {"id": w.diverged},
        {"id": w.queued},
    ],
    "GetWeights": lambda w: [
        {"id": w.ended},
        {"id": w.ended, "epoch": 8, "layer": "dense_3"},
        {"id": w.diverged},
        {"id": w.queued},
    ],
    "GetAttention": lambda w: [
        {"id": w.sequence},
        {"id": w.sequence, "epoch": 2, "rows": [4, 1], "layer": "multi_head_attention_3"},
        {"id": w.sequence, "inputs": [[0, 1, 3, 1]]},
        {"id": w.sequence, "texts": ["aba", "bb"]},
        {"id": w.queued},
    ],
    "GetActivations": lambda w: [
        {"id": w.ended},
        {"id": w.ended, "epoch": 6, "rows": [3, 0], "layer": "logits"},
        {"id": w.ended, "inputs": [[0.5, 0.25]], "layer": "dense_1"},
        {"id": w.sequence, "rows": [1]},
        {"id": w.masked, "inputs": [[4, 0, 4, 1]], "only_masked": True},
        {"id": w.diverged},
        {"id": w.queued},
    ],
    "GetRandomDraws": lambda w: [
        {"id": w.ended},
        {"id": w.ended, "epoch": 3, "batch": 0, "layer": "dropout_2"},
        {"id": w.augmented, "epoch": 2, "batch": 1},
        {"id": w.diverged},
        {"id": w.masked, "epoch": 2, "batch": 0},
        {"id": w.diffused, "epoch": 3, "batch": 0, "layer": "input"},
        {"id": w.queued},
    ],
    "GetComparison": lambda w: [
        {"jobs": [w.ended, w.diverged]},
        {"jobs": [w.ended, w.queued], "metrics": ["train_accuracy"], "max_points": 4},
        {"jobs": [w.diverged, w.ended, w.queued], "aligned": True, "max_points": 5},
        {"jobs": [w.ended, "job_1"]},
    ],
    "WatchJob": lambda w: [{"id": w.ended}, {"id": w.ended, "after": 0}, {"id": w.diverged}],
    "WatchJobs": lambda w: [
        {"jobs": [w.ended]},
        {"jobs": [w.ended, "job_1"]},
        {"jobs": [w.ended], "after": "-"},
    ],
    "IssueStreamToken": lambda w: [{"id": w.ended}, {"id": w.queued}, {"id": w.sweep}],
    "IssueSweepStreamToken": lambda w: [{"id": w.sweep}, {"id": w.ended}],
    "CreateExperiment": lambda w: [
        {"spec": {"jobs": {"one": JOB | {"initial_weights": {"job": w.ended, "epoch": 5}}}}},
        {"spec": EXPERIMENT},
    ],
    "GetExperiment": lambda w: [{"id": i} for i in (w.experiment, w.ended_experiment, w.ended)],
    "GetExperimentSpec": lambda w: [{"id": i} for i in (w.experiment, w.ended_experiment, w.ended)],
    "WatchExperiment": lambda w: [{"id": i} for i in (w.ended_experiment, w.ended)],
    "IssueExperimentStreamToken": lambda w: [{"id": w.experiment}, {"id": w.ended}],
    "ListExperiments": lambda w: [{}, {"page_size": 1}, {"page_token": w.experiment}],
    "CreateExercise": lambda w: [{"spec": EXERCISE | {"title": "Elf"}}, {"spec": EXERCISE}],
    "GetExercise": lambda w: [{"id": w.exercise}, {"id": w.experiment}],
    "ListExercises": lambda w: [{}, {"page_size": 1}, {"page_token": w.exercise}],
    "AttemptExercise": lambda w: [
        {"id": w.exercise, "spec": {"jobs": {"first": JOB | {"epochs": 3}}}},
        {"id": w.experiment, "spec": {"jobs": {}}},
        {
            "id": w.exercise,
            "spec": {"jobs": {"second": EXPERIMENT["jobs"]["second"] | {"epochs": 4}}},
        },
    ],
    "SubmitProof": lambda w: [
        {"id": w.homework, "spec": json.loads(w.proof) | {"weights_sha256": "0" * 64}},
        {"id": w.experiment, "spec": json.loads(w.proof)},
        {"id": w.homework, "spec": json.loads(w.proof)},
    ],
    "ListAttempts": lambda w: [
        {"id": w.exercise, "page_size": 1},
        {"id": w.exercise, "page_token": w.attempt},
        {"id": w.exercise, "owner": "nobody"},
        {"id": w.experiment},
    ],
    "GetExerciseResults": lambda w: [{"id": w.exercise}, {"id": w.experiment}],
    "CreateSweep": lambda w: [{"spec": SWEEP}],
    "ValidateSweep": lambda w: [
        {"spec": SWEEP},
        {"spec": SWEEP | {"job": JOB | {"network": {"id": w.network}}}},
        {"spec": SWEEP | {"variants": [{"seed": 1}, {"l2": 0.1}]}},
        {"spec": SWEEP | {"variants": [{"initializer": "orthogonal"}, {"initializer_gain": 4.0}]}},
    ],
    "GetSweep": lambda w: [{"id": w.sweep}, {"id": w.queued_sweep}, {"id": w.ended}],
    "UpdateSweep": lambda w: [
        {"id": w.queued_sweep, "name": "Zwölf", "labels": {"course": "week-4", "draft": ""}},
        {"id": w.queued_sweep, "name": "", "remove_labels": ["draft"]},
        {"id": w.queued, "name": "a job"},
    ],
    "ListSweepDeliveries": lambda w: [{"id": w.sweep}, {"id": w.queued_sweep}, {"id": w.hooked}],
    "ListSweeps": lambda w: [
        {},
        {"states": ["succeeded"]},
        {"label": "course=week-3", "page_size": 1},
        {"page_token": w.queued_sweep},
    ],
    "GetSweepCurves": lambda w: [
        {"id": w.sweep},
        {"id": w.sweep, "metric": "validation_loss", "max_points": 4},
        {"id": w.queued_sweep},
    ],
    "WatchSweep": lambda w: [{"id": w.sweep}, {"id": w.sweep, "after": 0}, {"id": w.ended}],
    **{rpc: asking(list(explorer.examples.values())) for rpc, explorer in EXPLORERS.items()},
    "ListSections": lambda w: [{}],
    "GetSection": lambda w: [{"id": "neuron"}, {"id": "none"}],
    "CheckAnswer": lambda w: [
        {"id": "neuron", "question": "weighted-sum", "answer": 0.75},
        {"id": "neuron", "question": "weighted-sum", "answer": 1},
    ],
    "ListPresets": lambda w: [{}],
    "GetPreset": lambda w: [{"id": "xor"}, {"id": "diverging"}, {"id": "none"}],
    "ListPresetExperiments": lambda w: [{}],
    "GetPresetExperiment": lambda w: [{"id": "xor-1969"}, {"id": "none"}],
    "GetPresetExperimentResults": lambda w: [{"id": "xor-1969"}, {"id": "none"}],
    "ListNeuronParts": lambda w: [{}],
    "ListActivations": lambda w: [{}],
    "ListModels": lambda w: [{}],
    "ListArchitectures": lambda w: [{}],
    "GetArchitecture": lambda w: [{"id": "lstm"}, {"id": "seq2seq"}, {"id": "none"}],
    "ListLosses": lambda w: [{}],
    "GetTimeline": lambda w: [{}],
    "GetClass": lambda w: [{}],
    "RecordAnswers": lambda w: [
        {"answers": [{"part": "chapter", "item": "neuron", "choice": 1}]},
        {"answers": [{"part": "before", "item": "storage", "choice": 0}]},
    ],
    "GetClassBoard": lambda w: [{}],
    "DeleteClass": lambda w: [{}],
    "GetLimits": lambda w: [{}],
    "GetUsage": lambda w: [{}],
    "CreateKey": lambda w: [
        {},
        {"jobs": [w.ended, w.sweep], "origins": ["https://example.com:8000"]},
        {"actions": ["train", "delete"], "labels": {"course": "week-3"}, "jobs_per_hour": 3},
    ],
    "ListKeys": lambda w: [{}],
    "ListNamedModels": lambda w: [{}],
    "GetNamedModel": lambda w: [{"id": w.model}, {"id": "none"}],
    "PredictNamedModel": lambda w: [
        {"id": w.model, "inputs": [[0.5, 0.25], [-1.0, 2.0]]},
        {"id": w.model, "rows": [{"x": 0.5, "y": "0.25", "class": True}]},
        {"id": "none", "inputs": [[0.5, 0.25]]},
    ],
    "GetVersion": lambda w: [{}],
    "ListWorkers": lambda w: [{}],
}


@st.composite
def changed(
    draw: st.DrawFn, message: Descriptor, right: list[dict[str, Any]], changes: int = 2
) -> dict[str, Any]:
    """One of the right requests, with some of its fields replaced, left out, or added."""
    request: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(right)))
    for _ in range(draw(st.integers(0, changes))):
        _change(draw, message, request)
    return request


def _change(draw: st.DrawFn, message: Descriptor, fields: dict[str, Any]) -> None:
    """Change a field of this message, or of a message in it."""
    if not message.fields:
        return
    if kinds := kinds_of(message):
        _change_kind(draw, message, kinds, fields)
        return
    field = draw(st.sampled_from(list(message.fields)))
    held = fields.get(field.name)
    inner = field.message_type
    whole = (message_class("Row").DESCRIPTOR, Struct.DESCRIPTOR)
    if inner and inner not in whole and held and draw(st.integers(0, 3)):
        if isinstance(held, list):
            held = draw(st.sampled_from(held))
        # An earlier change may have put something else there.
        if isinstance(held, dict) and not inner.GetOptions().map_entry:
            _change(draw, inner, held)
            return
    # An id stands in the path on HTTP, which cannot do without one.
    if field.name == "id" and message.name.endswith("Request"):
        fields["id"] = draw(st.sampled_from(["job_1", "xor", "Ü ?#%"]))
    elif field.name == "epoch" and message.name == "GetCheckpointRequest":
        fields["epoch"] = draw(WHOLE)
    elif field.name == "request_id":
        fields["request_id"] = draw(KEYS)
    elif field.name in fields and draw(st.booleans()):
        del fields[field.name]
    else:
        fields[field.name] = draw(value(field))


def _change_kind(
    draw: st.DrawFn, message: Descriptor, kinds: dict[str, Any], fields: dict[str, Any]
) -> None:
    """Change a field of a layer or of a data set, or take another layer or data set."""
    known = (kind for kind in kinds.values() if fields.keys() <= kind.fields_by_name.keys())
    kind = kinds.get(fields["type"]) if "type" in fields else next(known, None)
    if kind and draw(st.integers(0, 3)):
        _change(draw, kind, fields)
    else:
        other = draw(_message(message))
        fields.clear()
        fields |= other


def value(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    """Anything that the field can hold on both wires: no empty list, and no number but finite."""
    if not field.is_repeated:
        return _element(field)
    if field.message_type and field.message_type.GetOptions().map_entry:
        is_message = field.message_type.fields_by_name["value"].message_type is not None
        # A job in a map is a large thing to draw; `CreateJob` has a job that is drawn in full.
        held = st.sampled_from([{}, JOB]) if is_message else TEXTS
        return st.dictionaries(TEXTS, held, min_size=1, max_size=2)
    return st.lists(_element(field), min_size=1, max_size=3)


def _element(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.enum_type:
        return st.sampled_from(list(words(field.enum_type).values()))
    if field.message_type is message_class("Row").DESCRIPTOR:
        return st.lists(FINITE, max_size=3)
    if field.message_type is Struct.DESCRIPTOR:
        return st.dictionaries(TEXTS, TEXTS | FINITE | st.booleans() | st.none(), max_size=3)
    if field.message_type is Value.DESCRIPTOR:
        return TEXTS | st.lists(FINITE, max_size=3)
    return _message(field.message_type) if field.message_type else SCALARS[field.type]


@cache
def _message(message: Descriptor) -> st.SearchStrategy[Any]:
    """Deferred, since a message may hold messages of the same type."""
    if kinds := kinds_of(message):
        arms = [_kind(name, kind, message) for name, kind in kinds.items()]
        return st.deferred(lambda: st.just({}) | st.one_of(arms))
    return st.deferred(
        lambda: st.fixed_dictionaries({}, optional={f.name: value(f) for f in message.fields})
    )


def _kind(name: str, kind: Descriptor, union: Descriptor) -> st.SearchStrategy[Any]:
    tag = {"type": name} if "type" in union.oneofs_by_name else {}
    return _message(kind).map(lambda fields: fields | tag)
