"""A repeated create request returns the object that the first one created."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from epochal_service.errors import IdempotencyMismatch, NotFound
from epochal_service.methods import datasets, jobs, networks
from epochal_service.methods.context import Context, open_context
from epochal_service.settings import Settings
from epochal_service.specs.datasets import CreateDatasetRequest
from epochal_service.specs.jobs import CreateJobOptions
from epochal_service.specs.networks import CreateNetworkRequest
from epochal_service.specs.training import TrainingSpec
from epochal_service.specs.validation import parse

NETWORK = {
    "input_shape": [2],
    "layers": [{"type": "dense", "units": 1, "activation": "sigmoid"}],
}
JOB = {
    "network": NETWORK,
    "dataset": {"name": "xor"},
    "loss": "binary_cross_entropy",
    "epochs": 3,
}


def create_network(context: Context, key: str, name: str) -> str:
    body = {"network": NETWORK, "name": name, "request_id": key}
    return networks.create_network(context, parse(CreateNetworkRequest, body)).id


def create_dataset(context: Context, key: str, name: str) -> str:
    body = {"name": name, "csv": "x,y\n1,a\n2,b\n", "request_id": key}
    return datasets.create_dataset(context, parse(CreateDatasetRequest, body)).id


def create_job(context: Context, key: str, name: str) -> str:
    spec = parse(TrainingSpec, JOB | {"labels": {"name": name}})
    return jobs.create_job(context, spec, CreateJobOptions(request_id=key)).id


Create = Callable[[Context, str, str], str]
CREATES: list[Create] = [create_network, create_dataset, create_job]


@pytest.fixture
def context(database_url: str) -> Iterator[Context]:
    settings = Settings(database_url=database_url, _env_file=None)
    stack = AsyncExitStack()
    with asyncio.Runner() as runner:
        yield runner.run(stack.enter_async_context(open_context(settings)))
        runner.run(stack.aclose())


@pytest.mark.every_variant
@pytest.mark.parametrize("create", CREATES)
def test_the_same_key_and_request_create_one_object(context: Context, create: Create) -> None:
    first = create(context, "key", "one")
    assert create(context, "key", "one") == first
    assert create(context, "another key", "one") != first


@pytest.mark.parametrize("create", CREATES)
def test_another_request_under_the_same_key_is_refused(context: Context, create: Create) -> None:
    create(context, "key", "one")
    with pytest.raises(IdempotencyMismatch):
        create(context, "key", "two")


@pytest.mark.every_variant
def test_a_key_belongs_to_one_kind_of_object(context: Context) -> None:
    create_network(context, "key", "one")
    with pytest.raises(IdempotencyMismatch):
        create_job(context, "key", "one")


@pytest.mark.parametrize(
    ("create", "delete"),
    [(create_network, networks.delete_network), (create_dataset, datasets.delete_dataset)],
)
def test_a_key_outlives_the_object_it_created(
    context: Context, create: Create, delete: Callable[[Context, str], Any]
) -> None:
    delete(context, create(context, "key", "one"))
    with pytest.raises(NotFound, match="was deleted"):
        create(context, "key", "one")
