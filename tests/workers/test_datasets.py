"""A data set cannot be deleted while an unfinished job or sweep needs it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from tests.workers.in_process import XOR, Service

from epochal_service.errors import Conflict, EpochalError, InvalidArgument
from epochal_service.methods import datasets
from epochal_service.specs.datasets import CreateDatasetRequest

ROUNDS = 30
CSV = "x,y,kind\n0,0,a\n0,1,b\n1,0,b\n1,1,a\n"


def upload(service: Service) -> str:
    request = CreateDatasetRequest(name="corners", csv=CSV)
    return datasets.create_dataset(service.context, request).id


def job_on(dataset_id: str) -> dict[str, Any]:
    return {**XOR, "dataset": {"id": dataset_id}}


def sweep_on(dataset_id: str) -> dict[str, Any]:
    return {"job": job_on(dataset_id), "variants": [{"seed": 1}, {"seed": 2}]}


@pytest.mark.parametrize(
    ("spec_on", "field"), [(job_on, "dataset.id"), (sweep_on, "job.dataset.id")]
)
def test_either_a_deletion_or_a_concurrent_job_is_refused(
    service: Service, spec_on: Callable[[str], dict[str, Any]], field: str
) -> None:
    def reported(act: Callable[[], object], ready: Barrier) -> EpochalError | None:
        ready.wait()
        try:
            act()
        except EpochalError as error:
            return error
        return None

    with ThreadPoolExecutor(2) as threads:
        for _ in range(ROUNDS):
            dataset_id, ready = upload(service), Barrier(2)
            made = threads.submit(reported, partial(service.create, spec_on(dataset_id)), ready)
            deleted = threads.submit(
                reported, partial(datasets.delete_dataset, service.context, dataset_id), ready
            )
            refused, chosen = made.result(), deleted.result()
            if refused is None:
                assert isinstance(chosen, Conflict)
                assert chosen.reason == "dataset_in_use"
                assert datasets.get_dataset(service.context, dataset_id).id == dataset_id
            else:
                assert isinstance(refused, InvalidArgument)
                assert [wrong.field for wrong in refused.errors] == [field]
                assert chosen is None
