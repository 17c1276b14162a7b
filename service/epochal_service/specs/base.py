"""The two kinds of message that both wires share, and the types of their fields.

A `Spec` or `Request` comes in: frozen, unknown fields refused, non-finite numbers refused. A
`Reply` goes out: non-finite floats become the strings "NaN", "Infinity", "-Infinity", as proto's
own JSON mapping has it.
"""

from __future__ import annotations

import heapq
import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError
from pydantic_core.core_schema import (
    no_info_after_validator_function,
    no_info_before_validator_function,
)

from epochal_engine import (
    ACTIVATIONS,
    AUGMENTATIONS,
    CORRUPTIONS,
    INITIALIZERS,
    LAYERS,
    LOSSES,
    OPTIMIZERS,
)
from epochal_engine.model import field_docstrings

from ..errors import MAX_FIELD_ERRORS

Rows = list[list[float]]
"""Rows of numbers."""

REQUEST = "x-request"
"""In the JSON schema of a field of a reply: the name of the request that the field holds."""

MAX_LISTED = 1000


class EveryError:
    """The metadata of a list or dict that reports every wrong item, see `Incoming`. It may
    have at most `most` items.
    """

    def __init__(self, most: int = MAX_LISTED) -> None:
        self.most = most

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        schema: Any = handler(source)
        return no_info_before_validator_function(self._check, {**schema, "fail_fast": False})

    def _check(self, value: object) -> object:
        if isinstance(value, list | dict) and len(value) > self.most:
            context = {"field_type": "", "max_length": self.most, "actual_length": len(value)}
            raise PydanticKnownError("too_long", context)
        return value


def _fail_fast(schema: Any) -> None:
    """Let the lists and dicts of a schema stop at their first error unless they say otherwise."""
    if isinstance(schema, list | tuple):
        for part in schema:
            _fail_fast(part)
    if isinstance(schema, dict):
        if schema.get("type") in ("list", "dict"):
            schema.setdefault("fail_fast", True)
        for name, part in schema.items():
            if name not in ("metadata", "serialization"):
                _fail_fast(part)


class Message(BaseModel):
    """A model that a process builds only when it uses it: there are hundreds.

    pydantic builds the validator of a model when it is first used. The descriptions of fields are
    read from the source when a JSON schema needs them.
    """

    model_config = ConfigDict(defer_build=True)

    @classmethod
    def own_docstrings(cls) -> dict[str, str]:
        """Return the descriptions of the fields that this class declares itself, by field."""
        return field_docstrings(cls)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        json_schema = handler(schema)
        fields = handler.resolve_ref_schema(json_schema).get("properties", {})
        for name, text in docstrings(cls).items():
            if name in fields:
                fields[name].setdefault("description", text)
        return json_schema


@cache
def docstrings(model: type[Message]) -> dict[str, str]:
    """Return the descriptions of the fields of a model, by field."""
    texts: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, Message):
            texts |= base.own_docstrings()
    return texts


class Incoming(Message):
    """An incoming message. It has few errors, however large it is: to describe millions of them
    takes minutes and gigabytes.

    Only the first wrong item of a list and the first wrong entry of a dict are reported, unless it
    has `EveryError`, and some of the unknown fields.
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        _fail_fast(schema)
        return schema

    @model_validator(mode="before")
    @classmethod
    def _with_few_unknown_fields(cls, values: object) -> object:
        fields = cls.model_fields
        if not isinstance(values, dict) or len(values) <= len(fields) + MAX_FIELD_ERRORS:
            return values
        known = {name: value for name, value in values.items() if name in fields}
        unknown = heapq.nsmallest(MAX_FIELD_ERRORS, (name for name in values if name not in fields))
        return known | {name: values[name] for name in unknown}


class Spec(Incoming):
    """A part of a JSON body: types are taken at their word (`"4"` is not a number)."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        json_schema_serialization_defaults_required=True,
    )


class Request(Incoming):
    """Parameters that may stand in a URL, where every value is text."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Reply(Message):
    """A reply."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        ser_json_inf_nan="strings",
        json_schema_serialization_defaults_required=True,
    )


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


Base64 = Annotated[
    bytes,
    PlainSerializer(_base64, when_used="json"),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
]
"""Bytes in a reply: base64 in JSON."""


class FileReply(Reply):
    """A file that is made from the weights of one epoch. HTTP sends its content as the body."""

    epoch: int
    """The epoch of the weights."""
    content: bytes = Field(repr=False)
    """The file."""

    @property
    def filename(self) -> str:
        """A name for the file, to follow the id of its job."""
        raise NotImplementedError


def with_properties(schemas: dict[str, Any]) -> dict[str, Any]:
    """Return a condition on some properties, which says nothing about the others.

    Without `unevaluatedProperties`, redocly takes the others for errors in examples.
    """
    return {"properties": schemas, "unevaluatedProperties": True}


def exactly_one(first: str, *others: str) -> dict[str, Any]:
    """Return the JSON schema of objects that have exactly one of these fields.

    It consists of `if` and `then`, which generators of clients ignore; they would turn `oneOf` into
    a union of unnamed types.
    """
    present = {
        name: {"required": [name], **with_properties({name: {"not": {"type": "null"}}})}
        for name in (first, *others)
    }
    if not others:
        return present[first]
    rest = [present[name] for name in others]
    return {
        "if": present[first],
        "then": {"not": rest[0] if len(rest) == 1 else {"anyOf": rest}},
        "else": exactly_one(*others),
    }


def id_pattern(kind: str) -> str:
    """Return the regular expression of an id that begins with `kind`, such as "job"."""
    return f"{kind}_[0-9a-f]{{13}}_[0-9a-f]{{16}}"


class IdOf:
    """The metadata of a string that is an id of this kind. It adds the pattern to the JSON schema;
    the method that reads the id reports an error.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "pattern": f"^{id_pattern(self.kind)}$"}


class Checked:
    """The metadata of a string that `_check` returns, or refuses."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return no_info_after_validator_function(self._check, handler(source))

    def _check(self, value: str) -> str:
        raise NotImplementedError


class Matches(Checked):
    """The metadata of a string that must match a pattern as a whole, with the error in words: few
    read regular expressions. The JSON schema has the pattern.
    """

    def __init__(self, pattern: str, error: str) -> None:
        self.pattern = re.compile(pattern)
        self.error = error

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "pattern": f"^{self.pattern.pattern}$"}

    def _check(self, value: str) -> str:
        if not self.pattern.fullmatch(value):
            raise PydanticCustomError("pattern", "{error}", {"error": self.error})
        return value


class KeyOf(Checked):
    """The metadata of a string that must be a key of one of the engine's tables.

    The table may grow: it is read at each validation and for each JSON schema.
    """

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.table = table

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.table)}

    def _check(self, value: str) -> str:
        if value not in self.table:
            raise PydanticCustomError(
                "one_of", "must be one of {allowed}", {"allowed": ", ".join(self.table)}
            )
        return value


ActivationName = Annotated[str, KeyOf(ACTIVATIONS)]
AugmentationName = Annotated[str, KeyOf(AUGMENTATIONS)]
CorruptionName = Annotated[str, KeyOf(CORRUPTIONS)]
InitializerName = Annotated[str, KeyOf(INITIALIZERS)]
LayerTypeName = Annotated[str, KeyOf(LAYERS)]
LossName = Annotated[str, KeyOf(LOSSES)]
OptimizerName = Annotated[str, KeyOf(OPTIMIZERS)]

LabelKey = Annotated[
    str,
    Matches(
        r"[a-z0-9][a-z0-9_.-]{0,62}",
        "must have up to 63 lowercase letters, digits, _, . and -, and begin with a letter or "
        "digit, such as week-3",
    ),
]
LabelValue = Annotated[str, Field(max_length=64)]
# They include line ends and changes of text direction: a name must look like what it is.
NameOrEmpty = Annotated[
    str,
    Field(max_length=100),
    Matches(
        r"[^\x00-\x1f\x7f\u2028-\u202e\u2066-\u2069]*",
        "must be one line, without control characters",
    ),
]
Name = Annotated[NameOrEmpty, Field(min_length=1)]
PageSize = Annotated[int, Field(ge=1, description="Rows a page; more than 1000 counts as 1000.")]
PageToken = Annotated[
    str, Field(max_length=200, description="`next_page_token` of the page before.")
]
OrderedPageToken = Annotated[
    str, Field(max_length=2000, description="`next_page_token` of the page before.")
]
MAX_LABELS = 16
Labels = Annotated[
    dict[LabelKey, LabelValue],
    Field(max_length=MAX_LABELS, json_schema_extra={"additionalProperties": False}),
    EveryError(MAX_LABELS),
]
RequestId = Annotated[str, Field(min_length=1, max_length=200)]

PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000

Int64 = Annotated[int, Field(json_schema_extra={"format": "int64"})]
"""An integer that may have more than 32 bits, which JavaScript reads as a BigInt on gRPC."""
Seed = Annotated[Int64, Field(ge=0, lt=2**63)]
Cursor = Annotated[Int64, Field(ge=0, lt=2**63)]
"""The number of an event, from which a stream goes on."""
EpochNumber = Annotated[int, Field(ge=0, lt=2**31)]
"""An epoch of a job, counted from 1; 0 is before the first."""


def timestamp(seconds: float | None) -> datetime | None:
    """A time of the store (seconds since 1970) as an aware UTC time."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
