"""One method, called over both wires, and what each of them gave in one form.

fields ──┬── path, query, headers, JSON body ──> REST ──> JSON, or a problem ──┐
         └── message ──────────────────────────> gRPC ──> message, or a status ┴──> Answer
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import grpc
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.rpc.serving import UNBOUNDED, Client, reply, serialized, told

from epochal_service.errors import EpochalError
from epochal_service.methods.context import Context
from epochal_service.methods.simulations import EXPLORERS, path_of
from epochal_service.rest.app import create_app
from epochal_service.rpc.server import serve
from epochal_service.settings import Settings

KINDS = {kind.status: kind for kind in EpochalError.__subclasses__()}


@dataclass(frozen=True)
class Route:
    """Where an RPC's fields stand in an HTTP request: in the path where it names them, in a header
    of `headers`, in the body if it is their name; the others are the query, or for `*` the body.
    """

    method: str
    path: str
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


STREAMING = {"WatchJob", "WatchSweep"}
KEY = {"request_id": "Idempotency-Key"}

ROUTES = {
    "CreateNetwork": Route("POST", "/v1/networks", "*", KEY),
    "GetNetwork": Route("GET", "/v1/networks/{id}"),
    "ListNetworks": Route("GET", "/v1/networks"),
    "DeleteNetwork": Route("DELETE", "/v1/networks/{id}"),
    "SummarizeNetwork": Route("POST", "/v1/networks/summarize", "*"),
    "CreateDataset": Route("POST", "/v1/datasets", "*", KEY),
    "GetDataset": Route("GET", "/v1/datasets/{id}"),
    "ListDatasets": Route("GET", "/v1/datasets"),
    "DeleteDataset": Route("DELETE", "/v1/datasets/{id}"),
    "PreviewDataset": Route("GET", "/v1/datasets/{id}/preview"),
    "CreateJob": Route("POST", "/v1/jobs", "spec", KEY),
    "GetJob": Route("GET", "/v1/jobs/{id}"),
    "ListJobs": Route("GET", "/v1/jobs"),
    "DeleteJob": Route("DELETE", "/v1/jobs/{id}"),
    "CancelJob": Route("POST", "/v1/jobs/{id}/cancel"),
    "PauseJob": Route("POST", "/v1/jobs/{id}/pause"),
    "ResumeJob": Route("POST", "/v1/jobs/{id}/resume"),
    "ListEpochs": Route("GET", "/v1/jobs/{id}/epochs"),
    "GetCurve": Route("GET", "/v1/jobs/{id}/curve"),
    "ListGradients": Route("GET", "/v1/jobs/{id}/gradients"),
    "ListCheckpoints": Route("GET", "/v1/jobs/{id}/checkpoints"),
    "GetCheckpoint": Route("GET", "/v1/jobs/{id}/checkpoints/{epoch}"),
    "Predict": Route("POST", "/v1/jobs/{id}/predict", "*"),
    "GetDiagnosis": Route("GET", "/v1/jobs/{id}/diagnosis"),
    "GetExport": Route("GET", "/v1/jobs/{id}/export"),
    "GetUnitMaps": Route("POST", "/v1/jobs/{id}/unit-maps", "*"),
    "GetHiddenSpace": Route("POST", "/v1/jobs/{id}/hidden-space", "*"),
    "GetConfusionMatrix": Route("POST", "/v1/jobs/{id}/confusion-matrix", "*"),
    "GetSamplePredictions": Route("POST", "/v1/jobs/{id}/sample-predictions", "*"),
    "GetWeights": Route("GET", "/v1/jobs/{id}/weights"),
    "GetComparison": Route("GET", "/v1/comparison"),
    "WatchJob": Route("GET", "/v1/jobs/{id}/events"),
    "CreateSweep": Route("POST", "/v1/sweeps", "spec", KEY),
    "GetSweep": Route("GET", "/v1/sweeps/{id}"),
    "ListSweeps": Route("GET", "/v1/sweeps"),
    "DeleteSweep": Route("DELETE", "/v1/sweeps/{id}"),
    "CancelSweep": Route("POST", "/v1/sweeps/{id}/cancel"),
    "GetSweepCurves": Route("GET", "/v1/sweeps/{id}/curves"),
    "WatchSweep": Route("GET", "/v1/sweeps/{id}/events"),
    **{rpc: Route("POST", path_of(rpc), "*") for rpc in EXPLORERS},
    "ListSections": Route("GET", "/v1/sections"),
    "GetSection": Route("GET", "/v1/sections/{id}"),
    "CheckAnswer": Route("POST", "/v1/sections/{id}/answers", "*"),
    "ListPresets": Route("GET", "/v1/presets"),
    "GetPreset": Route("GET", "/v1/presets/{id}"),
    "ListNeuronParts": Route("GET", "/v1/neuron-parts"),
    "ListActivations": Route("GET", "/v1/activations"),
    "ListModels": Route("GET", "/v1/models"),
    "ListLosses": Route("GET", "/v1/losses"),
    "ListArchitectures": Route("GET", "/v1/architectures"),
    "GetArchitecture": Route("GET", "/v1/architectures/{id}"),
    "GetTimeline": Route("GET", "/v1/timeline"),
    "GetLimits": Route("GET", "/v1/limits"),
    "GetVersion": Route("GET", "/v1/version"),
}


@dataclass(frozen=True)
class Answer:
    """A reply (of a stream, its events), or an error's kind, reason and (field, description)s."""

    reply: Any = None
    kind: str | None = None
    reason: str | None = None
    errors: frozenset[tuple[str, str]] = frozenset()


def canonical(value: Any) -> Any:
    """Without nulls and what is empty, and with the JSON form of what JSON has no form for."""
    if isinstance(value, Mapping):
        fields = {key: canonical(each) for key, each in value.items()}
        return {key: each for key, each in fields.items() if each not in (None, [], {})}
    if isinstance(value, list):
        return [canonical(each) for each in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float) and not math.isfinite(value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    return value


@dataclass
class Wires:
    """Both wires of one service over one store."""

    app: FastAPI
    http: TestClient
    rpc: Client
    context: Context

    def both(self, rpc: str, **fields: Any) -> tuple[Answer, Answer]:
        return self.over_http(rpc, **fields), self.over_grpc(rpc, **fields)

    def over_grpc(self, rpc: str, **fields: Any) -> Answer:
        try:
            received = self.rpc.raw(rpc, serialized(rpc, fields))
            if rpc in STREAMING:
                return Answer([canonical(reply(rpc, event)) for event in received])
            return Answer(canonical(reply(rpc, received)))
        except grpc.RpcError as error:
            known = told(error)
            return Answer(None, known.code.name, known.reason, frozenset(known.errors))

    def over_http(self, rpc: str, **fields: Any) -> Answer:
        route = ROUTES[rpc]
        in_path = {name: fields.pop(name) for name in re.findall(r"{(\w+)}", route.path)}
        path = route.path.format_map({k: quote(str(v), safe="") for k, v in in_path.items()})
        headers = {
            alias: fields.pop(name) for name, alias in route.headers.items() if name in fields
        }
        content = None
        if route.body:
            document = fields if route.body == "*" else fields.pop(route.body, {})
            content = json.dumps(document)
            headers["Content-Type"] = "application/json"
        query = {} if route.body == "*" else {k: as_text(v) for k, v in fields.items()}
        response = self.http.request(
            route.method, path, params=query, headers=headers, content=content
        )
        if response.is_error:
            return problem(response.status_code, response.json())
        if response.status_code == 204:
            return Answer([] if rpc in STREAMING else {})
        match response.headers.get("content-type", "").partition(";")[0]:
            case "application/octet-stream":
                name = response.headers["content-disposition"]
                found = re.search(r"-epoch-(?P<epoch>\d+)[-.](?P<format>\w+)", name)
                assert found, name
                file = {"epoch": int(found["epoch"]), "format": found["format"]}
                return Answer(canonical(file | {"content": response.content}))
            case "text/event-stream":
                return Answer([canonical(event) for event in events(response.text)])
        return Answer(canonical(response.json()))


def as_text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return [as_text(each) for each in value] if isinstance(value, list) else str(value)


def problem(status: int, document: dict[str, Any]) -> Answer:
    assert document["status"] == status
    aliases = {alias: name for r in ROUTES.values() for name, alias in r.headers.items()}
    errors = [(aliases.get(e["field"], e["field"]), e["description"]) for e in document["errors"]]
    kind = KINDS[status].code if status in KINDS else f"HTTP {status}"
    return Answer(None, kind, document["reason"], frozenset(errors))


def events(text: str) -> Iterator[dict[str, Any]]:
    """The events of an SSE body, in the form that gRPC has them in."""
    for block in text.split("\n\n"):
        lines = dict(line.partition(": ")[::2] for line in block.split("\n") if line)
        if "event" in lines:
            kind, data = lines["event"], json.loads(lines["data"])
            yield {"seq": int(lines["id"]), "type": kind, kind: data}


@contextmanager
def wires(settings: Settings) -> Iterator[Wires]:
    """The real app, and the real gRPC server beside it."""
    served: list[tuple[Context, str]] = []

    @asynccontextmanager
    async def companion(context: Context) -> Any:
        async with serve(context) as address:
            served.append((context, address))
            yield

    app = create_app(settings, companions=[companion])
    with TestClient(app, raise_server_exceptions=False) as http:
        (context, address), *_ = served
        with grpc.insecure_channel(address, options=UNBOUNDED) as channel:
            yield Wires(app, http, Client(channel), context)
