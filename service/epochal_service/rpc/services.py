"""Every method that answers once: bytes in, `specs` and `methods` between, bytes out.

    bytes -> message -> dict -> models -> the method -> reply -> dict -> message -> bytes

The .proto files say which services there are; `METHODS` says what each method calls, and with what.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import grpc
from anyio import to_thread
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from pydantic import BaseModel, Field

from .._proto import SERVICES as SERVICES
from ..errors import InvalidArgument, TooLarge
from ..methods import (
    comparison,
    datasets,
    diagnosis,
    exports,
    inspection,
    jobs,
    journey,
    networks,
    sweeps,
    system,
)
from ..methods.context import Context
from ..methods.simulations import EXPLORERS
from ..specs.base import Request
from ..specs.comparison import GetComparisonRequest
from ..specs.datasets import CreateDatasetRequest, ListDatasetsRequest, PreviewDatasetRequest
from ..specs.exports import GetExportRequest
from ..specs.inspection import (
    GetConfusionMatrixRequest,
    GetHiddenSpaceRequest,
    GetSamplePredictionsRequest,
    GetUnitMapsRequest,
    GetWeightsRequest,
)
from ..specs.jobs import (
    CreateJobOptions,
    GetCheckpointRequest,
    GetCurveRequest,
    ListCheckpointsRequest,
    ListEpochsRequest,
    ListGradientsRequest,
    ListJobsRequest,
    PredictRequest,
    WatchJobRequest,
)
from ..specs.journey.sections import CheckAnswerRequest
from ..specs.networks import CreateNetworkRequest, ListNetworksRequest, SummarizeNetworkRequest
from ..specs.sweeps import (
    CreateSweepOptions,
    GetSweepCurvesRequest,
    ListSweepsRequest,
    SweepSpec,
    WatchSweepRequest,
)
from ..specs.training import TrainingSpec
from ..specs.validation import parse
from .convert import from_dict, to_dict
from .status import abort

Handle = Callable[[bytes, "Call"], Awaitable[bytes | None]]
Call = grpc.aio.ServicerContext[bytes, bytes]


class Nothing(Request):
    """No parameters: whatever is there is refused."""


class ById(Request):
    id: str = Field(min_length=1)


class ByIdAndEpoch(ById):
    epoch: int = Field(ge=0)


class Method(NamedTuple):
    """What an RPC calls, and how the request's fields become the function's arguments.

    They follow the context in this order: the fields of `path`, each for itself; `body`, one field
    that a model reads alone, so that the paths of wrong fields begin in it; `rest`, the others.
    """

    function: Callable[..., Any]
    path: type[Request] = Nothing
    body: tuple[str, type[BaseModel]] | None = None
    rest: type[BaseModel] = Nothing


METHODS = {
    "CreateNetwork": Method(networks.create_network, rest=CreateNetworkRequest),
    "GetNetwork": Method(networks.get_network, ById),
    "ListNetworks": Method(networks.list_networks, rest=ListNetworksRequest),
    "DeleteNetwork": Method(networks.delete_network, ById),
    "SummarizeNetwork": Method(networks.summarize_network, rest=SummarizeNetworkRequest),
    "ListDatasets": Method(datasets.list_datasets, rest=ListDatasetsRequest),
    "GetDataset": Method(datasets.get_dataset, ById),
    "PreviewDataset": Method(datasets.preview_dataset, ById, rest=PreviewDatasetRequest),
    "CreateDataset": Method(datasets.create_dataset, rest=CreateDatasetRequest),
    "DeleteDataset": Method(datasets.delete_dataset, ById),
    "CreateJob": Method(jobs.create_job, body=("spec", TrainingSpec), rest=CreateJobOptions),
    "GetJob": Method(jobs.get_job, ById),
    "ListJobs": Method(jobs.list_jobs, rest=ListJobsRequest),
    "DeleteJob": Method(jobs.delete_job, ById),
    "CancelJob": Method(jobs.cancel_job, ById),
    "PauseJob": Method(jobs.pause_job, ById),
    "ResumeJob": Method(jobs.resume_job, ById),
    "ListEpochs": Method(jobs.list_epochs, ById, rest=ListEpochsRequest),
    "GetCurve": Method(jobs.get_curve, ById, rest=GetCurveRequest),
    "ListGradients": Method(jobs.list_gradients, ById, rest=ListGradientsRequest),
    "ListCheckpoints": Method(jobs.list_checkpoints, ById, rest=ListCheckpointsRequest),
    "GetCheckpoint": Method(jobs.get_checkpoint, ByIdAndEpoch, rest=GetCheckpointRequest),
    "Predict": Method(jobs.predict, ById, rest=PredictRequest),
    "GetDiagnosis": Method(diagnosis.get_diagnosis, ById),
    "GetExport": Method(exports.get_export, ById, rest=GetExportRequest),
    "GetUnitMaps": Method(inspection.get_unit_maps, ById, rest=GetUnitMapsRequest),
    "GetHiddenSpace": Method(inspection.get_hidden_space, ById, rest=GetHiddenSpaceRequest),
    "GetConfusionMatrix": Method(
        inspection.get_confusion_matrix, ById, rest=GetConfusionMatrixRequest
    ),
    "GetSamplePredictions": Method(
        inspection.get_sample_predictions, ById, rest=GetSamplePredictionsRequest
    ),
    "GetWeights": Method(inspection.get_weights, ById, rest=GetWeightsRequest),
    "GetComparison": Method(comparison.get_comparison, rest=GetComparisonRequest),
    "WatchJob": Method(jobs.watch_job, ById, rest=WatchJobRequest),
    "CreateSweep": Method(sweeps.create_sweep, body=("spec", SweepSpec), rest=CreateSweepOptions),
    "GetSweep": Method(sweeps.get_sweep, ById),
    "ListSweeps": Method(sweeps.list_sweeps, rest=ListSweepsRequest),
    "DeleteSweep": Method(sweeps.delete_sweep, ById),
    "CancelSweep": Method(sweeps.cancel_sweep, ById),
    "GetSweepCurves": Method(sweeps.get_sweep_curves, ById, rest=GetSweepCurvesRequest),
    "WatchSweep": Method(sweeps.watch_sweep, ById, rest=WatchSweepRequest),
    **{rpc: Method(one.method, rest=one.request) for rpc, one in EXPLORERS.items()},
    "ListSections": Method(journey.list_sections),
    "GetSection": Method(journey.get_section, ById),
    "CheckAnswer": Method(journey.check_answer, ById, rest=CheckAnswerRequest),
    "ListPresets": Method(journey.list_presets),
    "GetPreset": Method(journey.get_preset, ById),
    "ListNeuronParts": Method(journey.list_neuron_parts),
    "ListActivations": Method(journey.list_activations),
    "ListModels": Method(journey.list_models),
    "ListLosses": Method(journey.list_losses),
    "ListArchitectures": Method(journey.list_architectures),
    "GetArchitecture": Method(journey.get_architecture, ById),
    "GetTimeline": Method(journey.get_timeline),
    "GetLimits": Method(system.get_limits),
    "GetVersion": Method(system.get_version),
}


def unary(context: Context, descriptor: MethodDescriptor) -> grpc.RpcMethodHandler[bytes, bytes]:
    """The handler of a method that answers once. All of its work is done in a thread: a request of
    many megabytes keeps only its sender waiting."""
    method = METHODS[descriptor.name]
    reply_type = GetMessageClass(descriptor.output_type)

    def answer(raw: bytes) -> bytes:
        reply = method.function(context, *arguments(context, descriptor, raw))
        return from_dict(reply.model_dump() if reply else {}, reply_type).SerializeToString()

    async def handle(raw: bytes, call: Call) -> bytes | None:
        return await to_thread.run_sync(answer, raw)

    return grpc.unary_unary_rpc_method_handler(telling_errors(handle))


def telling_errors(handle: Handle) -> Handle:
    """The same handler, which ends the call with the status of whatever `handle` raises."""

    async def told(raw: bytes, call: Call) -> bytes | None:
        try:
            return await handle(raw, call)
        except Exception as error:
            return await abort(call, error)

    return told


def arguments(context: Context, descriptor: MethodDescriptor, raw: bytes) -> list[Any]:
    """What the method's function takes beside the context.

    Raises `InvalidArgument` where the bytes or a field are wrong, `TooLarge` where there are more
    bytes than one request may have.
    """
    limit = context.settings.limits.max_body_bytes
    if len(raw) > limit:
        raise TooLarge(f"The request has {len(raw)} bytes; at most {limit} are taken.")
    method, fields = METHODS[descriptor.name], _decoded(descriptor.input_type, raw)
    in_path = {name: fields.pop(name) for name in method.path.model_fields if name in fields}
    # HTTP looks at the path last; whoever has several things wrong is told the same ones here.
    body = [parse(method.body[1], fields.pop(method.body[0], {}))] if method.body else []
    rest = parse(method.rest, fields)
    path = parse(method.path, in_path)
    own = [getattr(path, name) for name in method.path.model_fields]
    return [*own, *body, *([] if method.rest is Nothing else [rest])]


def _decoded(message: Descriptor, raw: bytes) -> dict[str, Any]:
    # Not left to gRPC, which tells bytes that it cannot decode as a failure of the server.
    try:
        return to_dict(GetMessageClass(message).FromString(raw))
    except DecodeError:
        raise InvalidArgument(f"The request is no valid {message.full_name}.") from None
