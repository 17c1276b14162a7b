"""Derives the API's models from the engine's components, where every field is written once.

A component's field `units: Annotated[int, Range(least=1)]` becomes a field of the model with the
same name, default, range and description. The model has the `type` of the component.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import MISSING
from inspect import cleandoc
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar, Union

from pydantic import BeforeValidator, Field, create_model

from epochal_engine.model import (
    ApiRange,
    Component,
    FieldDescription,
    Internal,
    Items,
    OneOf,
    PerAxis,
    Range,
    describe_fields,
    field_docstrings,
    split_annotation,
)

from .base import KeyOf, Spec, with_properties

D = TypeVar("D", bound="Derived")


class Derived(Spec):
    """The base of models with fields from the engine."""

    components: ClassVar[Collection[type[Component]]] = ()
    """The components that have the fields of this model."""

    @classmethod
    def own_docstrings(cls) -> dict[str, str]:
        texts = super().own_docstrings()
        for component in cls.components:
            prefix = f"`{component.type}`: " if len(cls.components) > 1 else ""
            declared = {field.name for field in _offered(component)} & cls.__annotations__.keys()
            for owner in reversed(component.__mro__):
                for name, text in field_docstrings(owner).items():
                    if name in declared:
                        texts[name] = prefix + _one_line(text)
        return texts

    if TYPE_CHECKING:
        # Type checkers do not see derived fields.
        def __getattr__(self, name: str) -> Any: ...


def as_list(value: object) -> object:
    """Wrap a single number or name in a list."""
    return [value] if isinstance(value, int | str) and not isinstance(value, bool) else value


def derive_models(
    table: Mapping[str, type[Component]], base: type[D], items: Mapping[str, Any] | None = None
) -> dict[str, type[D]]:
    """Return one model for each component of a table, by type.

    The models extend `base`; its fields come first. `items` maps a field to the API's type of its
    items, where that is another model.
    """
    return {name: _derive(component, base, items or {}) for name, component in table.items()}


def union_of(models: Mapping[str, type[D]]) -> Any:
    """Return the union of models that their `type` discriminates."""
    return Annotated[Union[tuple(models.values())], Field(discriminator="type")]  # noqa: UP007


def derive_options(name: str, table: Mapping[str, type[Component]], base: type[D]) -> type[D]:
    """Return one model with the fields of all components of a table, each optional."""
    definitions: dict[str, Any] = {}
    for component in table.values():
        for field in _offered(component):
            field = field._replace(annotation=field.annotation | None, default=None)
            definitions[field.name] = _field(field, {})
    return _create(name, base, base.__doc__ or "", definitions, table.values())


def options_by_name(
    name_field: str, options_field: str, table: Mapping[str, type[Component]]
) -> dict[str, Any]:
    """Return the JSON schema of objects with the name of a component and options of it only."""
    offered = {name: [field.name for field in _offered(table[name])] for name in table}

    def only(options: list[str]) -> dict[str, Any]:
        others = {option for names in offered.values() for option in names} - {*options}
        absent = {option: {"type": "null"} for option in sorted(others)}
        return with_properties({options_field: with_properties(absent)})

    schema = only([])
    for name, options in offered.items():
        if options:
            is_named = with_properties({name_field: {"const": name}})
            schema = {"if": is_named, "then": only(options), "else": schema}
    return schema


def _field(field: FieldDescription, items: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the annotation and the `Field` of a component's field in its model."""
    bare, marks, is_optional = split_annotation(field.annotation)
    by_type = {type(mark): mark for mark in marks}
    bounds = _bounds(by_type.get(ApiRange, by_type.get(Range, Range())))
    default: dict[str, Any] = {} if field.default is MISSING else {"default": field.default}
    annotation: Any
    if axes := by_type.get(PerAxis):
        number = Annotated[int, Field(**bounds)]
        annotation = Annotated[
            list[number],
            BeforeValidator(as_list),
            Field(min_length=1, max_length=axes.axes),
        ]
        if field.default is not MISSING and field.default is not None:
            default = {"default_factory": lambda: [field.default]}
    elif length := by_type.get(Items):
        item = items.get(field.name) or Annotated[int, Field(**bounds)]
        annotation = Annotated[
            list[item],  # type: ignore[valid-type]
            Field(min_length=length.least, max_length=length.most),
        ]
    elif word := by_type.get(OneOf):
        annotation = Annotated[str, KeyOf(word.table)]
    else:
        annotation = Annotated[bare, Field(**bounds)] if bounds else bare
    if is_optional:
        annotation = annotation | None
    return annotation, Field(**default)


def _derive(component: type[Component], base: type[D], items: Mapping[str, Any]) -> type[D]:
    definitions: dict[str, Any] = {"type": (Literal[component.type], Field())}
    for field in _offered(component):
        if field.name not in base.model_fields:
            definitions[field.name] = _field(field, items)
    name = "".join(word.capitalize() for word in component.type.split("_"))
    return _create(f"{name}Spec", base, component.__doc__ or "", definitions, [component])


def _offered(component: type[Component]) -> list[FieldDescription]:
    """Return the fields of a component that the API offers."""
    return [
        field
        for field in describe_fields(component)
        if not any(isinstance(mark, Internal) for mark in split_annotation(field.annotation)[1])
    ]


def _create(
    name: str,
    base: type[D],
    text: str,
    definitions: dict[str, Any],
    components: Collection[type[Component]],
) -> type[D]:
    summary, _, _ = cleandoc(text).partition("\n\n")
    model: type[D] = create_model(
        name,
        __base__=base,
        __module__=base.__module__,
        __doc__=_one_line(summary),
        **definitions,
    )
    model.components = components
    return model


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _bounds(bounds: Range) -> dict[str, Any]:
    named = {"ge": bounds.least, "gt": bounds.above, "le": bounds.most, "lt": bounds.below}
    return {name: bound for name, bound in named.items() if bound is not None}
