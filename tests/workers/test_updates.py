"""A name and labels that change while a worker trains, and while others change them."""

from concurrent.futures import ThreadPoolExecutor

from tests.workers.in_process import AT_ONCE, XOR, Service, at_call
from tests.workers.record import record

from epochal_service.jobs import lifecycle, naming
from epochal_service.specs.jobs import UpdateJobRequest
from epochal_service.store.jobs import JobWithSpec


def update(service: Service, job_id: str, **change: object) -> JobWithSpec:
    request = UpdateJobRequest.model_validate(change)
    return naming.update(service.database, job_id, service.context.access, request, "job")


def test_a_job_that_is_renamed_in_each_epoch_trains_as_if_undisturbed(service: Service) -> None:
    spec = XOR | {"epochs": 12}
    undisturbed = service.undisturbed(spec)
    job_id = service.create(spec, name="before")
    renamed: list[JobWithSpec] = []

    def rename() -> bool:
        renamed.append(update(service, job_id, name=f"name {len(renamed)}"))
        return False

    assert service.run(job_id, rename, flush_seconds=AT_ONCE) == "succeeded"
    assert len(renamed) > 12
    assert record(service.database, job_id) == undisturbed
    # Only the claim of the worker moves the fence.
    assert {row.fence for row in renamed[1:]} == {1}
    assert f"name {len(renamed) - 1}" in service.row(job_id).search_text


def test_a_worker_that_was_lost_finds_the_new_name(service: Service) -> None:
    job_id = service.create(XOR, name="before")
    service.run(job_id, at_call(5, lambda: service.lose_worker(job_id)), checkpoint_seconds=AT_ONCE)
    update(service, job_id, name="after")
    assert service.run(job_id) == "succeeded"
    assert '"name":"after"' in lifecycle.get(service.database, job_id, service.context.access).spec


def test_labels_that_several_clients_set_at_once_are_all_there(service: Service) -> None:
    job_id = service.create(XOR)
    with ThreadPoolExecutor(8) as clients:
        list(clients.map(lambda n: update(service, job_id, labels={f"k{n}": str(n)}), range(16)))
    row = update(service, job_id)
    assert all(f"k{n}={n}" in row.search_text.split("\n") for n in range(16))
    assert all(f'"k{n}":"{n}"' in row.spec for n in range(16))
