"""Filters and orders of lists: the grammar of AIP-160, and errors with their positions."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.specs.trees import FIELDS, shown, trees

from epochal_service.errors import InvalidArgument
from epochal_service.specs.filters import (
    Comparison,
    Every,
    Not,
    Order,
    Search,
    Some,
    Tree,
    parse,
    parse_order,
)


def read(text: str) -> Tree | None:
    return parse(text, FIELDS)


A, B, C = Search("a"), Search("b"), Search("c")
QUEUED = Comparison(("state",), "=", "queued", "word")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        # The examples of AIP-160: OR binds more tightly than AND, and a sequence than AND.
        ("a AND b OR c", Every((A, Some((B, C))))),
        ("a b AND c", Every((Every((A, B)), C))),
        ("a (b OR c)", Every((A, Some((B, C))))),
        ("NOT (a OR b)", Not(Some((A, B)))),
        ("-a", Not(A)),
        ('-name:"moons"', Not(Comparison(("name",), "=", "moons"))),
        ("epoch>-1.5e2", Comparison(("epoch",), ">", -150.0, "number")),
        ("epoch != 3", Not(Comparison(("epoch",), "=", 3, "number"))),
        ("state=(queued OR NOT queued)", Some((QUEUED, Not(QUEUED)))),
        ("state = (queued) a", Every((QUEUED, A))),
        ("labels:course", Comparison(("labels", "course"), "has")),
        ("labels.course:*", Comparison(("labels", "course"), "has")),
        ("labels.course:a", Comparison(("labels", "course"), "=", "a")),
        ("labels.a.b = '*'", Comparison(("labels", "a.b"), "=", "", ends=True)),
        ("best:value", Comparison(("best", "value"), "has")),
        ("name = moons*", Comparison(("name",), "=", "moons", starts=True)),
        ('name = "*mo\\"ons*"', Comparison(("name",), "=", 'mo"ons', starts=True, ends=True)),
        ('name = "\\*moons\\*"', Comparison(("name",), "=", "*moons*")),
        ("created_at < 1970-01-01T01:00:00+01:00", Comparison(("created_at",), "<", 0.0, "time")),
        ("spec.shuffle = true", Comparison(("spec", "shuffle"), "=", True, "boolean")),
        ("0.5", Search("0.5")),
        (" ", None),
    ],
)
def test_a_filter_is_read_as_its_standard_says(text: str, tree: Tree | None) -> None:
    assert read(text) == tree


@given(trees())
def test_a_tree_that_is_written_and_read_is_the_same(tree: Tree) -> None:
    assert read(shown(tree)) == tree


@given(st.text(max_size=60) | st.text('ab.:=<>()"\\*- \nORANDT1', max_size=60))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    try:
        read(text)
    except InvalidArgument as error:
        [wrong] = error.errors
        assert wrong.field == "filter"
        assert re.match(r"at (character \d+|its end): .", wrong.description), wrong
        if place := re.match(r"at character (\d+)", wrong.description):
            assert 1 <= int(place[1]) <= len(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch > ", "at its end: a value is missing"),
        ("a AND", "at its end: a field or a text is missing"),
        ("a OR AND b", "at character 6: a field or a text must stand before AND"),
        ("(a", "at its end: a closing parenthesis is missing"),
        ("a)", "at character 2: this must follow AND, OR or the end of an expression"),
        ('name = "a', "at character 8: this text has no closing quote"),
        ("a, b", "at character 2: this has no meaning"),
        ("epoch = many", "at character 9: must be a number, such as 0.01 or 1e-3; got many"),
        ("epoch = nan", "at character 9: must be a number, such as 0.01 or 1e-3; got nan"),
        ("epoch = 1e999", "at character 9: must be a number, such as 0.01 or 1e-3; got 1e999"),
        ("state = done", "at character 9: must be one of waiting, queued, running, pausing"),
        ("state > queued", "at character 9: state can be compared with = and != only"),
        ("spec.shuffle = yes", "at character 16: must be true or false; got yes"),
        ("created_at > 2026-01-31", "at character 14: must be a time with its zone, such as 2026"),
        ("best > 3", "at character 8: best has fields: compare one of them, or write :*"),
        (
            "learning_rate < 1",
            "at character 1: learning_rate is not a field of a job that can be compared; did you "
            "mean spec.optimizer.learning_rate?",
        ),
        ("(" * 21 + "a" + ")" * 21, "at character 21: parentheses may be at most 20 deep"),
        ("a " * 21, "at character 41: there may be at most 20 comparisons"),
        ("a" * 2001, "must have at most 2,000 characters"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_would_be_right(text: str, message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        read(text)
    assert caught.value.errors[0].description.startswith(message)


def test_an_order_has_fields_and_directions() -> None:
    assert parse_order(" created_at desc,labels.course ", FIELDS) == (
        Order(("created_at",), "time", descending=True),
        Order(("labels", "course"), "text"),
    )
    assert parse_order("", FIELDS) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch,", 'must be fields such as "best.value, created_at desc"'),
        ("epoch down", 'must be fields such as "best.value, created_at desc"'),
        ("loss", "loss is not a field of a job that can be compared; did you mean spec.loss?"),
        ("best", "best is not a number, a time or a text"),
        ("epoch, attempt, samples, flops, state", "must have at most 4 fields"),
    ],
)
def test_a_wrong_order_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_order(text, FIELDS)
    assert [*map(tuple, caught.value.errors)] == [("order_by", message)]
