"""Questions before and after a lesson, in two parallel forms."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ..loading import Entry, load

Phase = Literal["before", "after"]


class Version(Entry):
    """An item as one of the forms asks it."""

    text: str
    choices: Annotated[list[str], Field(min_length=2)]
    answer: int
    """Index of the right choice."""

    @model_validator(mode="after")
    def _has_answer(self) -> Version:
        if not 0 <= self.answer < len(self.choices):
            raise PydanticCustomError("no_answer", "must have its answer among the choices")
        return self


class Item(Entry):
    """A misconception, and a question about it in each form."""

    id: str
    title: str
    misconception: str
    sources: Annotated[list[str], Field(min_length=1)]
    a: Version
    b: Version


@cache
def items() -> list[Item]:
    """Return the items, in order."""
    return load("forms", list[Item])


def version(item: Item, pupil: str, phase: Phase) -> Version:
    """Return the item as the pupil reads it: odd numbers have form a before and b after, even
    numbers b before and a after.
    """
    is_odd = pupil[-1] in "13579"
    return item.a if is_odd == (phase == "before") else item.b
