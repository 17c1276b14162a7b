"""Reply of the method that suggests a job for a data set."""

from __future__ import annotations

from pydantic import Field

from .base import Reply
from .training import TrainingSpec


class SuggestionReason(Reply):
    """Why a field of the suggested spec has its value."""

    field: str
    """Path of the field in the spec, such as `optimizer.learning_rate`."""
    value: str | None = None
    """Its value in a few words; absent if the field is not set."""
    reason: str
    """The reason, in a few sentences."""


class Suggestion(Reply):
    """A complete job for a data set, and the reasons for it."""

    spec: TrainingSpec
    """A spec that can be sent to `POST /v1/jobs` unchanged. It is named after the data set."""
    reasons: list[SuggestionReason] = Field(default_factory=list)
    """Reasons, in the order in which to read them."""
