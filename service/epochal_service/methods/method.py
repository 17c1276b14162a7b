"""A method of an API, as both wires, the SDK and the documents read it.

A row of a table names the RPC, the HTTP verb and path, and the function. The signature of the
function has the models of the request and of the reply.

    row ──┬── rest/routes.py        routes, OpenAPI
          ├── rpc/services.py       handlers
          ├── protos/generate.py    the .proto files
          ├── clients/python        routes of the SDK
          └── tests/contract, docs/api.md

How a function's parameters become a request:

    context            not part of the request
    id, epoch          a segment of the path; a field of the message
    spec               the JSON body; a field of the message
    another `Spec`     the JSON body; the fields of the message
    a `Request`        the query; the fields of the message
    data               the body as it is; a field of the message
    .request_id        the header Idempotency-Key; a field of the message
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from inspect import cleandoc, signature
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, get_type_hints

import structlog
from pydantic import BaseModel, Field

from ..access.keys import LOOKING, Need
from ..errors import FieldError
from ..specs.base import EpochNumber, Reply, Request, Spec
from ..specs.keys import Action
from ..store.keys import noted_replays
from .context import Context

M = TypeVar("M", bound=BaseModel)

PATH_FIELDS: dict[str, Any] = {
    "id": Annotated[str, Field(min_length=1)],
    "epoch": EpochNumber,
}
"""The fields that may stand in a path, and their types."""

EPOCH = "epoch"
EPOCH_DESCRIPTION = "The epoch of a stored checkpoint: see `GET /v1/jobs/{id}/checkpoints`."

DATA = "data"
DATA_DESCRIPTION = "The bytes of the piece. Not empty."
"""The field that is the unchanged body on HTTP, and its description."""

Basis = Literal["job", "release"]
"""The row and the log of the job or sweep that `id` names; the version of the service alone."""

logger = structlog.get_logger(__name__)

NO_DATA = FieldError(DATA, "must not be empty")


class Id(NamedTuple):
    """The meaning of `{id}` in a path."""

    description: str
    example: str | None = None


@dataclass(frozen=True, eq=False)
class Method:
    """One method of the API."""

    rpc: str
    """The name on gRPC, such as `CreateJob`."""
    action: Action
    """The action that an API key must allow for it."""
    http: str
    """Verb and path, such as `POST /v1/jobs`."""
    function: Callable[..., Any]
    """Its docstring, up to "Raises", describes the method on both wires."""
    summary: str
    """A few words for a list of methods."""
    conflicts: bool = False
    """Whether it may fail with 409."""
    errors: tuple[int, ...] = ()
    """Statuses of errors that its signature does not tell."""
    event: type[Reply] | None = None
    """The events of a method that answers with a stream."""
    total: type[Reply] | None = None
    """The reply on HTTP to a client that does not accept a stream: all events in one."""
    examples: Mapping[str, Any] = field(default_factory=dict)
    """Bodies that can be sent unchanged, by their subject."""
    takes_long: bool = False
    """Whether it may take seconds: then it does not wait in the process of other large requests."""
    basis: Basis | None = None
    """The only input of its reply beside the request: a reply is reused until this changes.
    None: it has more inputs, or is computed each time."""
    is_pure: bool = False
    """Whether its function takes the request alone: it reads nothing else, and stores nothing."""
    service: str = ""
    """The gRPC service that it belongs to."""
    tag: str = ""
    """The section of the HTTP documentation that it belongs to."""
    id: Id | None = None
    """The meaning of `{id}` in its path."""

    @property
    def verb(self) -> str:
        """The HTTP verb."""
        return self.http.partition(" ")[0]

    @property
    def path(self) -> str:
        """The HTTP path, with `{id}` and `{epoch}` where these stand."""
        return self.http.partition(" ")[2]

    @property
    def name(self) -> str:
        """The name in snake case, such as `create_job`."""
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in self.rpc).strip("_")

    @property
    def description(self) -> str:
        """The description of the method: the docstring of its function."""
        return cleandoc(self.function.__doc__ or "").partition("Raises ")[0].strip()

    @property
    def collection(self) -> str:
        """The first segment of the path after the version, such as `jobs`."""
        return self.path.partition("/v1/")[2].partition("/")[0]

    @property
    def need(self) -> Need:
        """What an API key must allow for it."""
        return Need(self.action, self.collection)

    def call(self, context: Context, *arguments: Any) -> Any:
        """Return what the function returns for the caller of the context."""
        return self.function(*arguments) if self.is_pure else self.function(context, *arguments)

    def call_once(self, context: Context, *arguments: Any) -> tuple[Any, bool]:
        """Return the reply, and whether an earlier request with the same key created its thing."""
        with noted_replays() as replays:
            return self.call(context, *arguments), bool(replays)

    @cached_property
    def _hints(self) -> dict[str, Any]:
        hints = get_type_hints(self.function)
        if self.is_pure:
            (request, *_) = hints.values()
            return {"request": request, "return": hints["return"]}
        hints.pop("context", None)
        return hints

    @cached_property
    def path_fields(self) -> dict[str, Any]:
        """The fields in the path, in the order of the function's parameters."""
        return {name: PATH_FIELDS[name] for name in self._hints if name in PATH_FIELDS}

    @cached_property
    def body(self) -> type[Spec] | None:
        """The model of the JSON body."""
        return next(iter(self._models(Spec)), None)

    @cached_property
    def default_body(self) -> Any:
        """The body of a request without one; None if it must have one."""
        defaults = (p.default for p in signature(self.function).parameters.values())
        return next((default for default in defaults if isinstance(default, Spec)), None)

    @cached_property
    def query(self) -> type[Request] | None:
        """The model of the query."""
        return next(iter(self._models(Request)), None)

    def _models(self, kind: type[M]) -> list[type[M]]:
        hints = [hint for name, hint in self._hints.items() if name != "return"]
        return [hint for hint in hints if isinstance(hint, type) and issubclass(hint, kind)]

    @cached_property
    def body_field(self) -> str | None:
        """The field of the gRPC message that holds the body, if its fields do not stand there
        themselves.
        """
        return "spec" if "spec" in self._hints else None

    @cached_property
    def has_data(self) -> bool:
        """Whether the body is bytes."""
        return DATA in self._hints

    @cached_property
    def reads_file(self) -> bool:
        """Whether it reads a file, which may be larger than the body of a request."""
        return self.body is not None and "upload" in self.body.model_fields

    @cached_property
    def has_key(self) -> bool:
        """Whether the method takes an idempotency key."""
        models = [model for model in (self.body, self.query) if model is not None]
        return any("request_id" in model.model_fields for model in models)

    def audit(self, context: Context, subject: str) -> None:
        """Log the caller and the subject of a method that changes something."""
        if self.action not in LOOKING and self.verb != "GET":
            logger.info(
                "audit", method=self.rpc, id=subject, owner=context.owner, key=context.key_id
            )

    @property
    def creates(self) -> bool:
        """Whether it makes a thing with an id: the answer is 201 with a Location."""
        return self.rpc.startswith("Create")

    @cached_property
    def reply(self) -> type[Reply] | None:
        """The model of the answer: None for a method that returns nothing, the event for one that
        streams.
        """
        if self.event is not None:
            return self.event
        hint = self._hints["return"]
        return None if hint is type(None) else hint

    def path_description(self, name: str) -> str:
        """The description of a field of the path."""
        if name == EPOCH:
            return EPOCH_DESCRIPTION
        assert self.id is not None, f"{self.http} has no description of its id"
        return self.id.description

    @property
    def statuses(self) -> list[int]:
        """The HTTP statuses of its errors."""
        codes = {400, 401, 403, 429, *self.errors}
        if self.path_fields:
            codes.add(404)
        if self.body is not None or self.has_data:
            codes |= {413, 415}
        if self.has_key:
            codes.add(422)
        if self.conflicts:
            codes.add(409)
        return sorted(codes)

    def message_fields(self) -> list[tuple[str, Any, type[BaseModel] | None]]:
        """The fields of the gRPC request: name, annotation, and the model that describes them."""
        fields: list[tuple[str, Any, type[BaseModel] | None]] = [
            (name, annotation, None) for name, annotation in self.path_fields.items()
        ]
        if self.body is not None and self.body_field is not None:
            fields.append((self.body_field, self.body, None))
        elif self.body is not None:
            fields += [(name, f, self.body) for name, f in self.body.model_fields.items()]
        if self.has_data:
            fields.append((DATA, bytes, None))
        if self.query is not None:
            fields += [(name, f, self.query) for name, f in self.query.model_fields.items()]
        return fields


@dataclass(frozen=True)
class Service:
    """Methods that belong together."""

    name: str
    """On gRPC."""
    tag: str
    """In the HTTP documentation, and the name of the .proto file."""
    description: str
    """The subject of its methods."""
    methods: tuple[Method, ...]
    """In the order of the documentation; a path without `{id}` comes before one with it."""


@dataclass(frozen=True, eq=False)
class Api:
    """Services under one promise: a package of .proto files, and an OpenAPI document."""

    package: str
    """On gRPC, such as `epochal.v1`."""
    document: str
    """The path of its OpenAPI document."""
    title: str
    summary: str
    description: str
    """The introduction of the OpenAPI document."""
    services: tuple[Service, ...]
    ids: Mapping[str, Id]
    """The meaning of `{id}` in a path, by the collection that the path begins with."""

    def __post_init__(self) -> None:
        services = tuple(replace(part, methods=tuple(self._rows(part))) for part in self.services)
        object.__setattr__(self, "services", services)

    def _rows(self, service: Service) -> Iterator[Method]:
        for row in service.methods:
            known = self.ids.get(row.collection)
            yield replace(row, service=service.name, tag=service.tag, id=known)

    @cached_property
    def methods(self) -> dict[str, Method]:
        """All methods, by the name of the RPC."""
        return {method.rpc: method for service in self.services for method in service.methods}
