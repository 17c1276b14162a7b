"""Filters and orders of lists of jobs, in both databases, beside their meaning in Python."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.servers.tables import create_tables
from tests.specs.trees import COMPARED, FIELDS, trees

from epochal_service.methods import pages
from epochal_service.specs.filters import (
    Every,
    Not,
    Order,
    Search,
    Some,
    Tree,
    parse,
    parse_order,
)
from epochal_service.store import Connection, Database, jobs

pytestmark = pytest.mark.every_variant

Document = dict[str, Any]
INFINITY = float("inf")


def documents() -> list[Document]:
    """Jobs as a reply has them: with and without each thing that may be missing."""
    made: list[Document] = []
    for number in range(48):
        loss = [0.01, 3.0, INFINITY, None, 0.5, -2.5][number % 6]
        metric = "validation_loss" if number % 4 else "train_loss"
        stopping = {"patience": number % 3} if number % 5 == 0 else None
        experiment = {"id": "exp", "job": "a", "seed": number} if number % 7 == 0 else None
        made.append(
            {
                "state": ["queued", "succeeded", "failed"][number % 3],
                "stop_reason": [None, "completed", "diverged"][number % 3],
                "owner": "me",
                "name": [None, "moons", "two moons", "50%_\\", 'a "b"*', "Ü"][number % 6],
                "labels": [{}, {"course": "a"}, {"course": "moons", "week.1": ""}][number // 2 % 3],
                "epoch": number % 4,
                "created_at": float(number % 8),
                "best": None if loss is None else {"metric": metric, "value": loss},
                "latest": {"train_loss": loss if number % 2 else None},
                "divergence": {"epoch": 3} if number % 3 == 2 else None,
                "baselines": {"constant": {"train_loss": 0.01}} if number % 2 else None,
                "experiment": experiment,
                "spec": {
                    "name": [None, "moons", "two moons", "50%_\\", 'a "b"*', "Ü"][number % 6],
                    "optimizer": {
                        "type": ["sgd", "adam"][number % 2],
                        "learning_rate": [0.01, 1e-9, 3][number % 3],
                    },
                    "dataset": {"name": "moons"} if number % 3 else {"inputs": [[0.5]]},
                    "early_stopping": stopping,
                    "shuffle": number % 2 == 0,
                },
            }
        )
    return made


@pytest.fixture(scope="module")
def filled(module_database_url: str) -> Iterator[tuple[Database, dict[str, Document]]]:
    create_tables(module_database_url)
    database = Database(module_database_url)
    stored: dict[str, Document] = {}
    zeros = dict.fromkeys(("parameters", "samples", "flops", "attempt"), 0)
    zeros |= dict.fromkeys(("fruitless_attempts", "fence", "last_seq"), 0)

    def dumped(value: Any) -> str | None:
        return None if value is None else json.dumps(value).replace("Infinity", '"Infinity"')

    with database.write() as connection:
        for number, job in enumerate(documents()):
            job_id = f"job_{number:013x}_{number:016x}"
            stored[job_id] = job
            experiment = job["experiment"] or dict.fromkeys(("id", "job", "seed"))
            values = {
                "id": job_id,
                **{name: job[name] for name in ("state", "stop_reason", "owner", "epoch")},
                **{name: dumped(job[name]) for name in ("best", "latest", "divergence")},
                **{f"experiment_{name}": value for name, value in experiment.items()},
                "baselines": dumped(job["baselines"]),
                "spec": dumped(job["spec"]),
                "search_text": (job["name"] or "").casefold(),
                **zeros,
            }
            jobs.insert(connection, values, job["labels"])
            connection.exec_driver_sql(
                f"UPDATE jobs SET created_at = {job['created_at']} WHERE id = '{job_id}'"
            )
        # Rows that no list of jobs has, with documents of another form.
        sweep = {**values, "id": "sweep_0", "best": None, "latest": '{"train_loss": [1]}'}
        jobs.insert(connection, sweep, {})
    yield database, stored
    database.close()


# ------------------------------------------------------------------------- the meaning in Python


def value_of(job: Document, path: tuple[str, ...]) -> Any:
    if path in (("best", "validation_loss"), ("best", "train_loss")):
        best = job["best"]
        return best["value"] if best and best["metric"] == path[1] else None
    value: Any = job
    for name in path:
        value = None if value is None else value.get(name)
    return value


def holds(tree: Tree | None, job: Document) -> bool:
    match tree:
        case None:
            return True
        case Search(text):
            return text.casefold() in (job["name"] or "").casefold()
        case Not(part):
            return not holds(part, job)
        case Every(parts):
            return all(holds(part, job) for part in parts)
        case Some(parts):
            return any(holds(part, job) for part in parts)
    value = value_of(job, tree.path)
    if value is None or value == {}:
        return False
    other: Any = tree.value
    match tree.operator:
        case "has":
            return True
        case "=" if tree.starts or tree.ends:
            text = value.casefold()
            if tree.starts and tree.ends:
                return other.casefold() in text
            find = text.startswith if tree.starts else text.endswith
            return bool(find(other.casefold()))
        case "=":
            return bool(value == other)
        case "<":
            return bool(value < other)
        case "<=":
            return bool(value <= other)
        case ">":
            return bool(value > other)
        case _:
            return bool(value >= other)


def listed(connection: Connection, **options: Any) -> list[str]:
    return [row.id for row in jobs.page(connection, ("me",), size=99, before=None, **options)]


@settings(max_examples=60, deadline=None)
@given(tree=trees())
def test_a_filter_means_the_same_in_the_database(
    filled: tuple[Database, dict[str, Document]], tree: Tree
) -> None:
    database, stored = filled
    expected = [job_id for job_id, job in reversed(stored.items()) if holds(tree, job)]
    with database.read() as connection:
        assert listed(connection, filter=tree) == expected


ORDERS = st.lists(
    st.tuples(st.sampled_from([*COMPARED, "finished_at"]), st.sampled_from(["", " desc"])),
    min_size=1,
    max_size=3,
    unique_by=lambda order: order[0],
).map(lambda orders: ", ".join(map("".join, orders)))


def pages_of(
    connection: Connection, orders: tuple[Order, ...], size: int, tree: Tree | None = None
) -> Iterator[list[str]]:
    """Walk the pages of a list by their tokens."""
    token: str | None = None
    for _ in count():
        values, before = pages.after(token, orders, "job")
        rows = jobs.page(
            connection,
            ("me", "another"),
            size=size + 1,
            before=before,
            after=values,
            orders=orders,
            filter=tree,
        )
        page, last = pages.cut(list(rows), size)
        yield [row.id for row in page]
        if last is None:
            return
        token = pages.ordered_token(orders, jobs.sort_values(connection, last, orders), last)


@settings(max_examples=40, deadline=None)
@given(text=ORDERS, size=st.integers(1, 20))
def test_the_pages_of_any_order_have_each_job_once_and_sorted(
    filled: tuple[Database, dict[str, Document]], text: str, size: int
) -> None:
    database, stored = filled
    orders = parse_order(text, FIELDS)
    with database.read() as connection:
        walked = [job_id for page in pages_of(connection, orders, size) for job_id in page]
    assert sorted(walked) == sorted(stored)
    # Databases sort texts in their own ways.
    if all(order.kind not in ("text", "word") for order in orders):
        assert walked == in_order(stored, orders)


def in_order(stored: dict[str, Document], orders: tuple[Order, ...]) -> list[str]:
    ordered = sorted(stored, reverse=True)
    for order in reversed(orders):
        values = {job_id: value_of(stored[job_id], order.path) for job_id in ordered}
        there = [job_id for job_id in ordered if values[job_id] is not None]
        sign = -1 if order.descending else 1
        there.sort(key=lambda job_id: sign * values[job_id])
        ordered = [*there, *(job_id for job_id in ordered if values[job_id] is None)]
    return ordered


def test_a_page_of_a_filter_and_an_order_follows_the_page_before(
    filled: tuple[Database, dict[str, Document]],
) -> None:
    database, stored = filled
    tree, orders = parse("best:*", FIELDS), parse_order("best.value desc", FIELDS)
    with database.read() as connection:
        walked = [job for page in pages_of(connection, orders, 7, tree) for job in page]
    assert [stored[job]["best"]["value"] for job in walked] == sorted(
        [INFINITY, 3.0, 0.5, 0.01, -2.5] * 8, reverse=True
    )


def test_the_rows_of_a_list_have_specs_without_data_on_request(
    filled: tuple[Database, dict[str, Document]],
) -> None:
    database, _ = filled
    with database.read() as connection:
        *_, basic = jobs.page(connection, ("me",), size=99, before=None, basic=True)
        *_, full = jobs.page(connection, ("me",), size=99, before=None)
    assert json.loads(full.spec)["dataset"] == {"inputs": [[0.5]]}
    assert json.loads(basic.spec)["dataset"] == {"inputs": [], "targets": [], "weights": []}
    assert json.loads(basic.spec)["optimizer"] == json.loads(full.spec)["optimizer"]
