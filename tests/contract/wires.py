"""One method, called over both wires, and both replies in one form.

fields ──┬── path, query, headers, JSON body ──> REST ──> JSON, or a problem ──┐
         └── message ──────────────────────────> gRPC ──> message, or a status ┴──> Answer
"""

import json
import math
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import grpc
import httpx2
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.rpc.serving import UNBOUNDED, Client, error_details, reply, serialized

from epochal_service.apis import methods
from epochal_service.errors import EpochalError
from epochal_service.methods.context import Context
from epochal_service.rest.app import create_app
from epochal_service.rpc.server import serve
from epochal_service.settings import Settings

KINDS = {kind.status: kind for kind in EpochalError.__subclasses__()}


STREAMING = {rpc for rpc, method in methods().items() if method.event}
KEY = ("request_id", "Idempotency-Key")


@dataclass(frozen=True)
class Answer:
    """A reply (of a stream, its events), or an error's kind, reason and (field, description)s."""

    reply: Any = None
    kind: str | None = None
    reason: str | None = None
    errors: frozenset[tuple[str, str]] = frozenset()


def canonical(value: Any) -> Any:
    """Without nulls and empty values, and with a JSON form of values that JSON does not have."""
    if isinstance(value, Mapping):
        fields = {key: canonical(item) for key, item in value.items()}
        return {key: item for key, item in fields.items() if item not in (None, [], {})}
    if isinstance(value, list):
        return [canonical(item) for item in value]
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
    key: str | None = None
    """The API key of the caller."""

    def called_with(self, key: str | None) -> "Wires":
        return replace(self, key=key)

    def both(self, rpc: str, **fields: Any) -> tuple[Answer, Answer]:
        return self.over_http(rpc, **fields), self.over_grpc(rpc, **fields)

    def message(self, rpc: str, **fields: Any) -> Any:
        """The reply of gRPC, still as bytes; the call itself if the method streams."""
        metadata = [("authorization", f"Bearer {self.key}")] if self.key else []
        return self.rpc.raw(rpc, serialized(rpc, fields), metadata=metadata)

    def over_grpc(self, rpc: str, **fields: Any) -> Answer:
        try:
            received = self.message(rpc, **fields)
            if rpc in STREAMING:
                return Answer([canonical(reply(rpc, event)) for event in received])
            return Answer(canonical(reply(rpc, received)))
        except grpc.RpcError as error:
            known = error_details(error)
            return Answer(None, known.code.name, known.reason, frozenset(known.errors))

    def response(self, rpc: str, **fields: Any) -> httpx2.Response:
        """The reply of REST, still as bytes."""
        method = methods()[rpc]
        in_path = {name: fields.pop(name) for name in method.path_fields}
        path = method.path.format_map({k: quote(str(v), safe="") for k, v in in_path.items()})
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        if method.has_key and KEY[0] in fields:
            headers[KEY[1]] = fields.pop(KEY[0])
        content: str | bytes | None = None
        if rpc in STREAMING:
            headers["Accept"] = "text/event-stream"
        if method.body:
            document, fields = fields, {}
            if method.body_field:
                fields = document
                document = fields.pop(method.body_field, {})
            content = json.dumps(document)
            headers["Content-Type"] = "application/json"
        elif method.has_data:
            content = fields.pop("data", b"")
            headers["Content-Type"] = "application/octet-stream"
        query = {name: as_text(value) for name, value in fields.items()}
        return self.http.request(method.verb, path, params=query, headers=headers, content=content)

    def over_http(self, rpc: str, **fields: Any) -> Answer:
        response = self.response(rpc, **fields)
        if response.is_error:
            return problem(response.status_code, response.json())
        if response.status_code == 204:
            return Answer([] if rpc in STREAMING else {})
        match response.headers.get("content-type", "").partition(";")[0]:
            case "application/octet-stream":
                name = response.headers["content-disposition"]
                parts = re.search(r"-epoch-(?P<epoch>\d+)[-.](?P<format>\w+)", name)
                assert parts, name
                file = {"epoch": int(parts["epoch"]), "format": parts["format"]}
                return Answer(canonical(file | {"content": response.content}))
            case "text/event-stream":
                return Answer([canonical(event) for event in events(response.text)])
        return Answer(canonical(response.json()))


def as_text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return [as_text(item) for item in value] if isinstance(value, list) else str(value)


def problem(status: int, document: dict[str, Any]) -> Answer:
    assert document["status"] == status
    names = {KEY[1]: KEY[0]}
    errors = [(names.get(e["field"], e["field"]), e["description"]) for e in document["errors"]]
    kind = KINDS[status].code if status in KINDS else f"HTTP {status}"
    return Answer(None, kind, document["reason"], frozenset(errors))


def events(text: str) -> Iterator[dict[str, Any]]:
    """The events of an SSE body, in the form that gRPC has them in."""
    for block in text.split("\n\n"):
        lines = dict(line.partition(": ")[::2] for line in block.split("\n") if line)
        if "event" in lines:
            kind, data = lines["event"], json.loads(lines["data"])
            is_of_one = lines["id"].isdecimal()
            if kind == "parameters":
                payload = data if is_of_one else data[kind]
                payload["data"] = b64decode(payload["data"])
            fields = {"seq": int(lines["id"]), kind: data} if is_of_one else data
            yield fields | {"type": kind} | ({} if is_of_one else {"cursor": lines["id"]})


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
