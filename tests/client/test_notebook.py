"""A notebook shows every result of the client as a table."""

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest

import epochal
from epochal import deferred, notebook

RESULTS: dict[str, Callable[[epochal.Client, epochal.Job], Any]] = {
    "version": lambda client, job: client.version(),
    "limits": lambda client, job: client.limits(),
    "data set": lambda client, job: client.datasets.get("xor"),
    "preview": lambda client, job: client.datasets.preview("digits", rows=3),
    "evaluation": lambda client, job: job.evaluate(),
    "diagnosis": lambda client, job: job.diagnosis(),
    "hidden space": lambda client, job: job.hidden_space(),
    "comparison": lambda client, job: client.jobs.compare(job, job.fork().wait()),
    "neuron": lambda client, job: client.course.simulate.neuron([1.0], [2.0]),
    "epoch": lambda client, job: job.latest,
    "checkpoint": lambda client, job: job.checkpoints()[0],
    "experiment": lambda client, job: client.experiments.create(
        jobs={"xor": client.preset("xor") | {"epochs": 3, "target": None}}, seeds=[1, 2]
    ),
}


@pytest.fixture(scope="module")
def trained(stack: Any) -> epochal.Job:
    with epochal.Client(stack.http) as client:
        return client.jobs.create(client.preset("moons"), epochs=3).wait()


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_is_a_table(name: str, trained: epochal.Job, client: epochal.Client) -> None:
    result = RESULTS[name](client, client.jobs.get(trained.id))
    page = result._repr_html_()
    table = ElementTree.fromstring(page)
    assert table.tag == "table"
    assert table.findall("tr")
    assert len(page) < 40_000


@deferred.dataclass(frozen=True)
class Row:
    name: str
    size: float


@deferred.dataclass(frozen=True)
class Report:
    rows: tuple[Row, ...]
    note: str | None


def test_long_lists_are_cut_and_texts_escaped() -> None:
    rows = tuple(Row(f"<b>&'\"{number}", number / 3) for number in range(50))
    page = notebook.table(Report(rows, "<script>alert(1)</script>" * 20))
    table = ElementTree.fromstring(page)
    assert "<script" not in page
    assert "<b>" not in page
    [inner] = table.iter("caption")
    assert inner.text == "and 30 more"
    assert len(page) < 5000
    assert "note" not in notebook.table(Report(rows, None))
