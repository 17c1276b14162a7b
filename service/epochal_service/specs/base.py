"""The two kinds of message that both wires share, and the words that their fields are made of.

A `Spec` or `Request` comes in: frozen, unknown fields refused, non-finite numbers refused. A
`Reply` goes out: non-finite floats become the strings "NaN", "Infinity", "-Infinity", as proto's
own JSON mapping has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
)
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import no_info_after_validator_function

from epochal_engine import (
    ACTIVATIONS,
    AUGMENTATIONS,
    INITIALIZERS,
    LAYERS,
    LOSSES,
    OPTIMIZERS,
)

Rows = Annotated[list[list[float]], FailFast()]
"""Rows of numbers. Only the errors of the first wrong row are reported: to describe those of a
large body takes seconds.
"""


class Spec(BaseModel):
    """A part of a JSON body: types are taken at their word (`"4"` is not a number)."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,
    )


class Request(BaseModel):
    """Parameters that may stand in a URL, where every value is text."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )


class Reply(BaseModel):
    """What comes back."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        ser_json_inf_nan="strings",
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,
    )


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

    It is made of `if` and `then`, which generators of clients ignore; they would turn `oneOf` into
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


class KeyOf:
    """The metadata of a string that must be a key of one of the engine's tables.

    The table may grow: it is read at each validation and for each JSON schema.
    """

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.table = table

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return no_info_after_validator_function(self._check, handler(source))

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
InitializerName = Annotated[str, KeyOf(INITIALIZERS)]
LayerTypeName = Annotated[str, KeyOf(LAYERS)]
LossName = Annotated[str, KeyOf(LOSSES)]
OptimizerName = Annotated[str, KeyOf(OPTIMIZERS)]

LabelKey = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]
LabelValue = Annotated[str, Field(max_length=64)]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
NameOrEmpty = Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
PageSize = Annotated[int, Field(ge=1, description="Rows a page; more than 1000 counts as 1000.")]
PageToken = Annotated[
    str, Field(max_length=200, description="`next_page_token` of the page before.")
]
MAX_LABELS = 16
RequestId = Annotated[str, Field(min_length=1, max_length=200)]

PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000

Seed = Annotated[int, Field(ge=0, lt=2**63)]
Cursor = Annotated[int, Field(ge=0, lt=2**63)]  # an epoch or a seq; int64 on gRPC and in the store


def timestamp(seconds: float | None) -> datetime | None:
    """A time of the store (seconds since 1970) as an aware UTC time."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
