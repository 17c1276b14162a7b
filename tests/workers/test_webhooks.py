"""Webhooks on both databases: the end of a job reaches its receivers, whatever fails."""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Thread
from typing import Any

import pytest
from tests.servers.replies import ReplyServer, receiver, reply_server
from tests.servers.stack import await_condition
from tests.workers.in_process import AT_ONCE, XOR, Service, at_call

import epochal
from epochal_service.errors import InvalidArgument, NotFound
from epochal_service.jobs import deletion, lifecycle, webhooks
from epochal_service.jobs.receivers import Receivers
from epochal_service.jobs.webhooks import Deliverer
from epochal_service.methods import jobs, sweeps
from epochal_service.methods.deliveries import list_deliveries, list_sweep_deliveries
from epochal_service.specs.jobs import CreateJobOptions
from epochal_service.specs.outcomes import Outcome, WebhookEvent
from epochal_service.specs.sweeps import SweepSpec
from epochal_service.specs.training import TrainingSpec
from epochal_service.specs.webhooks import Delivery
from epochal_service.store import Access, Database, deliveries

__all__ = ["receiver"]

SECRET = epochal.create_webhook_secret()
TINY = XOR | {"epochs": 3}
DIVERGING = {
    "network": {"input_shape": [2], "layers": [{"type": "dense", "units": 1}]},
    "dataset": {"inputs": [[1.0, 2.0], [3.0, 4.0]], "targets": [[1.0], [2.0]]},
    "loss": "mse",
    "epochs": 5000,
    "optimizer": {"type": "sgd", "learning_rate": 100.0},
}
QUICK = 0.02  # seconds


@contextmanager
def delivering(
    database: Database, hosts: str, *, count: int = 1, seconds: float = 600.0
) -> Iterator[Counter[str]]:
    """Run that many deliverers, as API processes do. Yield the outcomes of their attempts."""
    outcomes: Counter[str] = Counter()
    stop: list[Callable[[], object]] = []
    ready: list[int] = []

    async def run() -> None:
        closing = asyncio.Event()
        loop = asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(closing.set))
        receivers = Receivers(hosts, seconds)
        ready.append(1)
        count = outcomes.update
        await Deliverer(database, receivers, QUICK, lambda outcome: count([outcome])).run(
            closing, QUICK
        )
        receivers.close()

    threads = [Thread(target=lambda: asyncio.run(run())) for _ in range(count)]
    for thread in threads:
        thread.start()
    await_condition(lambda: len(ready) == count, 20, "deliverers run")
    try:
        yield outcomes
    finally:
        for end in stop:
            end()
        for thread in threads:
            thread.join()


def hook(receiver: ReplyServer, **more: Any) -> dict[str, Any]:
    return {"url": receiver.url, "secret": SECRET} | more


def create(service: Service, *hooks: Any, spec: Any = TINY, **changes: Any) -> str:
    return service.create(spec, webhooks=list(hooks), **changes)


def log(service: Service, job_id: str) -> list[Delivery]:
    of_kind = list_sweep_deliveries if job_id.startswith("sweep") else list_deliveries
    return of_kind(service.context, job_id).deliveries


def delivered(service: Service, job_id: str) -> bool:
    rows = log(service, job_id)
    return bool(rows) and all(row.state == "delivered" for row in rows)


def is_final(service: Service, job_id: str) -> bool:
    rows = log(service, job_id)
    return bool(rows) and all(row.state != "pending" for row in rows)


def test_the_end_of_a_job_is_sent_signed_and_logged(
    service: Service, receiver: ReplyServer
) -> None:
    job_id = create(service, hook(receiver), name="Lesson 3", labels={"course": "3"})
    with delivering(service.database, "127.0.0.1"):
        assert log(service, job_id) == []
        service.run(job_id)
        await_condition(lambda: delivered(service, job_id), 20, "the webhook is delivered")
    [(_, headers, body)] = receiver.requests
    event = epochal.verify_webhook(body, headers, SECRET)
    job = jobs.get_job(service.context, job_id).model_dump(mode="json")
    WebhookEvent.model_validate(event)
    assert event["data"].keys() == Outcome.model_fields.keys()
    assert event["type"] == "job.succeeded"
    assert event["timestamp"] == job["finished_at"]
    del job["best"]["is_restored"]
    common = event["data"].keys() & job.keys()
    assert {name: event["data"][name] for name in common} == {name: job[name] for name in common}
    assert event["data"].keys() - common == {"name", "labels"}
    assert (event["data"]["name"], event["data"]["labels"]) == ("Lesson 3", {"course": "3"})
    [delivery] = log(service, job_id)
    assert delivery.id == headers["webhook-id"]
    assert (delivery.url, delivery.event) == (receiver.url, "succeeded")
    assert delivery.next_attempt_at is None
    [attempt] = delivery.attempts
    assert (attempt.status, attempt.error) == (200, None)


def test_the_end_of_a_sweep_is_sent_with_its_name_and_without_its_members(
    service: Service, receiver: ReplyServer
) -> None:
    job = {**TINY, "name": "Rates", "labels": {"course": "3"}, "webhooks": [hook(receiver)]}
    sweep_id = service.create({"job": job, "variants": [{"seed": 1}, {"seed": 2}]})
    [webhook] = sweeps.get_sweep(service.context, sweep_id).webhooks
    assert (webhook.url, webhook.is_signed) == (receiver.url, True)
    with delivering(service.database, "127.0.0.1"):
        service.run(sweep_id)
        await_condition(lambda: delivered(service, sweep_id), 20, "the webhook is delivered")
    [(_, headers, body)] = receiver.requests
    event = epochal.verify_webhook(body, headers, SECRET)
    WebhookEvent.model_validate(event)
    assert event["data"].keys() == Outcome.model_fields.keys() - {"latest", "best"}
    assert event["type"] == "sweep.succeeded"
    data = event["data"]
    assert (data["id"], data["name"], data["labels"]) == (sweep_id, "Rates", {"course": "3"})
    assert (data["stop_reason"], data["epoch"]) == ("completed", 3)
    assert not {"latest", "best", "members", "spec"} & data.keys()


def test_a_webhook_of_a_sweep_is_checked_where_it_was_written(service: Service) -> None:
    job = {**TINY, "webhooks": [{"url": "http://localhost/hook"}]}
    for method in (service.create, validated(service)):
        with pytest.raises(InvalidArgument) as refused:
            method({"job": job, "variants": [{"seed": 1}]})
        assert [field for field, _ in refused.value.errors] == ["job.webhooks[0].url"]


def validated(service: Service) -> Callable[[dict[str, Any]], Any]:
    return lambda spec: sweeps.validate_sweep(service.context, SweepSpec.model_validate(spec))


def test_without_a_secret_there_is_no_signature(service: Service, receiver: ReplyServer) -> None:
    job_id = create(service, {"url": receiver.url})
    service.run(job_id)
    with delivering(service.database, "127.0.0.1"):
        await_condition(lambda: delivered(service, job_id), 20, "the webhook is delivered")
    [(_, headers, _)] = receiver.requests
    assert {name for name in headers if name.startswith("webhook-")} == {
        "webhook-id",
        "webhook-timestamp",
    }


def cancelled_in_the_queue(service: Service, job_id: str) -> None:
    service.cancel(job_id)


def cancelled_while_paused(service: Service, job_id: str) -> None:
    service.pause(job_id)
    service.cancel(job_id)


def cancelled_while_running(service: Service, job_id: str) -> None:
    def cancel() -> bool:
        service.cancel(job_id)
        return False

    assert service.run(job_id, at_call(1, cancel), flush_seconds=AT_ONCE) == "cancelled"


def cancelled_and_lost(service: Service, job_id: str) -> None:
    claim = lifecycle.claim(
        service.database, job_id, lease_seconds=60, worker="a worker", kernel="a kernel"
    )
    assert claim is not None
    service.cancel(job_id)
    service.lose_worker(job_id)


def lost_too_often(service: Service, job_id: str) -> None:
    for _ in range(service.settings.max_attempts):
        claim = lifecycle.claim(
            service.database, job_id, lease_seconds=60, worker="a worker", kernel="a kernel"
        )
        assert claim is not None
        service.lose_worker(job_id)


def trained(service: Service, job_id: str) -> None:
    service.run(job_id)


ENDS: list[tuple[Callable[[Service, str], object], dict[str, Any], str]] = [
    (trained, TINY, "succeeded"),
    (trained, DIVERGING, "failed"),
    (cancelled_in_the_queue, TINY, "cancelled"),
    (cancelled_while_paused, TINY, "cancelled"),
    (cancelled_while_running, TINY, "cancelled"),
    (cancelled_and_lost, TINY, "cancelled"),
    (lost_too_often, TINY, "failed"),
]


@pytest.mark.parametrize(("end", "spec", "state"), ENDS)
def test_every_end_inserts_a_delivery_for_the_webhooks_that_name_it(
    service: Service,
    receiver: ReplyServer,
    end: Callable[[Service, str], object],
    spec: dict[str, Any],
    state: str,
) -> None:
    others = [other for other in ("succeeded", "failed", "cancelled") if other != state]
    hooks = (hook(receiver), hook(receiver, on=others), hook(receiver, on=[state]))
    job_id = create(service, *hooks, spec=spec)
    assert log(service, job_id) == []
    end(service, job_id)
    assert service.row(job_id).state == state
    rows = log(service, job_id)
    assert [(row.event, row.state, row.attempts) for row in rows] == [(state, "pending", [])] * 2
    lifecycle.delete(service.database, job_id, service.context.access)


def test_a_receiver_that_fails_gets_the_same_event_again(
    service: Service, receiver: ReplyServer
) -> None:
    receiver.replies = [(status, {}, b"") for status in (500, 302, 429)]
    job_id = create(service, hook(receiver))
    service.run(job_id)
    with delivering(service.database, "127.0.0.1") as outcomes:
        await_condition(lambda: delivered(service, job_id), 60, "the webhook is delivered")
    assert outcomes == {"retried": 3, "delivered": 1}
    [delivery] = log(service, job_id)
    statuses = [(attempt.status, attempt.error) for attempt in delivery.attempts]
    assert statuses == [
        (500, "the receiver replied with status 500"),
        (302, "the receiver replied with status 302"),
        (429, "the receiver replied with status 429"),
        (200, None),
    ]
    assert len({body for _, _, body in receiver.requests}) == 1
    assert {headers["webhook-id"] for _, headers, _ in receiver.requests} == {delivery.id}
    for _, headers, body in receiver.requests:
        epochal.verify_webhook(body, headers, SECRET)


def test_attempts_end(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    job_id = create(service, {"url": f"http://127.0.0.1:{port}/"})
    service.run(job_id)
    monkeypatch.setattr(webhooks, "PAUSE_FACTOR", 1.0)
    with delivering(service.database, "127.0.0.1"):
        await_condition(lambda: is_final(service, job_id), 60, "the last attempt failed")
    [delivery] = log(service, job_id)
    assert (delivery.state, delivery.next_attempt_at) == ("failed", None)
    assert [a.error for a in delivery.attempts] == ["the connection was refused"] * 8


@pytest.mark.parametrize(
    ("status", "hosts", "error", "outcome"),
    [
        (410, "127.0.0.1", "the receiver replied with status 410", "failed"),
        (200, "*", "must be https, except for hosts that the operator has listed", "refused"),
        (200, "none", "this service does not send to this host", "refused"),
    ],
)
def test_what_is_gone_or_not_allowed_is_not_tried_again(
    service: Service, receiver: ReplyServer, status: int, hosts: str, error: str, outcome: str
) -> None:
    receiver.replies = [(status, {}, b"")]
    job_id = create(service, hook(receiver))
    service.run(job_id)
    with delivering(service.database, hosts) as outcomes:
        await_condition(lambda: is_final(service, job_id), 20, "the attempt failed")
    assert outcomes == {outcome: 1}
    [delivery] = log(service, job_id)
    assert (delivery.state, [a.error for a in delivery.attempts]) == ("failed", [error])
    assert len(receiver.requests) == (1 if status == 410 else 0)


def test_pauses_grow_and_have_limits() -> None:
    pauses = [webhooks.pause(attempt, 5.0) for attempt in range(1, 8)]
    for attempt, seconds in enumerate(pauses):
        assert (
            0.8 * min(5.0 ** (attempt + 1), 86_400)
            <= seconds
            <= min(1.2 * 5.0 ** (attempt + 1), 86_400)
        )
    assert webhooks.pause(1, 5.0, 900.0) == 900.0
    assert webhooks.pause(1, 5.0, 1e9) == 86_400


def test_two_processes_deliver_once_each(service: Service, receiver: ReplyServer) -> None:
    ids = [create(service, hook(receiver), hook(receiver)) for _ in range(20)]
    for job_id in ids:
        service.cancel(job_id)
    with delivering(service.database, "127.0.0.1", count=3):
        await_condition(
            lambda: all(delivered(service, job_id) for job_id in ids), 60, "all are delivered"
        )
    sent = [headers["webhook-id"] for _, headers, _ in receiver.requests]
    assert len(sent) == len(set(sent)) == 40


def test_the_deliveries_of_owners_take_turns(service: Service, receiver: ReplyServer) -> None:
    many = [create(service, hook(receiver)) for _ in range(3)]
    other = replace(service.context, access=Access("other"))
    spec = TrainingSpec.model_validate({**TINY, "webhooks": [hook(receiver)]})
    last = jobs.create_job(other, spec, CreateJobOptions()).id
    for job_id in many:
        service.cancel(job_id)
    jobs.cancel_job(other, last)
    with service.database.read() as connection:
        due = deliveries.due(connection, 4)
        assert [deliveries.of_job(connection, job_id)[0].id for job_id in (many[0], last)] == due[
            :2
        ]
    assert len(due) == 4
    with delivering(service.database, "none"):
        await_condition(lambda: all(is_final(service, job_id) for job_id in many), 60, "the end")
    jobs.delete_job(other, last)


def test_what_a_killed_process_had_claimed_is_due_again(
    service: Service, receiver: ReplyServer
) -> None:
    job_id = create(service, hook(receiver))
    service.cancel(job_id)
    with service.database.write() as connection:
        claimed = deliveries.claim(connection, deliveries.due(connection, 99), 0.2)
        assert [row.job_id for row in claimed] == [job_id]
        assert deliveries.claim(connection, [claimed[0].id], 0.2) == []
    with delivering(service.database, "127.0.0.1"):
        await_condition(lambda: delivered(service, job_id), 20, "the webhook is delivered")
    assert len(receiver.requests) == 1
    # The result of the first claim, if its process was only slow, does not count any more.
    with service.database.write() as connection:
        deliveries.record(connection, claimed[0], state="failed", log="[]", retry_after=1.0)
    assert delivered(service, job_id)


def test_a_stop_in_an_attempt_neither_waits_nor_loses_it(
    service: Service, receiver: ReplyServer
) -> None:
    job_id = create(service, hook(receiver))
    service.cancel(job_id)
    stopped: list[bool] = []
    receiver.waiting = lambda: await_condition(lambda: stopped, 20, "the service stops")
    with delivering(service.database, "127.0.0.1"):
        await_condition(lambda: receiver.requests, 20, "an attempt begins")
    stopped.append(True)
    [delivery] = log(service, job_id)
    assert (delivery.state, delivery.attempts) == ("pending", [])
    assert delivery.next_attempt_at is not None
    lifecycle.delete(service.database, job_id, service.context.access)


def test_a_slow_receiver_does_not_keep_others_waiting(
    service: Service, receiver: ReplyServer
) -> None:
    over: list[bool] = []
    with reply_server() as slow:
        slow.waiting = lambda: await_condition(lambda: over, 60, "the test ends")
        try:
            slow_ids = [create(service, hook(slow)) for _ in range(webhooks.SLOTS // 2)]
            quick_id = create(service, hook(receiver))
            for job_id in (*slow_ids, quick_id):
                service.cancel(job_id)
            with delivering(service.database, "127.0.0.1"):
                await_condition(
                    lambda: delivered(service, quick_id), 20, "the webhook is delivered"
                )
            assert not any(log(service, job_id)[0].attempts for job_id in slow_ids)
        finally:
            over.append(True)
    for job_id in slow_ids:
        lifecycle.delete(service.database, job_id, service.context.access)


def test_a_deleted_job_has_no_more_deliveries(service: Service, receiver: ReplyServer) -> None:
    receiver.replies = [(500, {}, b"")] * 8
    job_id = create(service, hook(receiver))
    service.cancel(job_id)

    def stored() -> deliveries.DeliveryRow:
        with service.database.read() as connection:
            [row] = deliveries.of_job(connection, job_id)
        return row

    deleted: list[bool] = []
    receiver.waiting = lambda: await_condition(lambda: deleted, 60, "the job is deleted")
    with delivering(service.database, "127.0.0.1"):
        await_condition(lambda: receiver.requests, 60, "an attempt begins")
        lifecycle.delete(service.database, job_id, service.context.access)
        deleted.append(True)
        await_condition(lambda: stored().log != "[]", 60, "the attempt has failed")

    await_condition(lambda: (stored().due_at or 0) < time.time(), 60, "the next one would begin")
    with service.database.read() as connection:
        assert deliveries.due(connection, 99) == []
    with pytest.raises(NotFound):
        log(service, job_id)
    deletion.purge(service.database, 20)
    with service.database.read() as connection:
        assert deliveries.of_job(connection, job_id) == []
    assert len(receiver.requests) == 1


def test_a_secret_signs_and_is_never_returned(service: Service, receiver: ReplyServer) -> None:
    job_id = create(service, hook(receiver), hook(receiver, on=["failed"]))
    service.cancel(job_id)
    job = jobs.get_job(service.context, job_id)
    texts = [
        str(job),
        job.model_dump_json(),
        str(log(service, job_id)),
        service.row(job_id).search_text,
    ]
    assert not any(SECRET in text or "webhooks" in job.spec.model_dump() for text in texts)
    assert SECRET not in str(lifecycle.get(service.database, job_id, service.context.access))
    assert [webhook.model_dump() for webhook in job.webhooks] == [
        {"url": receiver.url, "on": ["succeeded", "failed", "cancelled"], "is_signed": True},
        {"url": receiver.url, "on": ["failed"], "is_signed": True},
    ]
    lifecycle.delete(service.database, job_id, service.context.access)


def test_another_owner_does_not_see_deliveries(service: Service, receiver: ReplyServer) -> None:
    job_id = create(service, hook(receiver))
    service.cancel(job_id)
    with pytest.raises(NotFound):
        list_deliveries(replace(service.context, access=Access("other")), job_id)
    lifecycle.delete(service.database, job_id, service.context.access)


def test_a_host_that_is_not_allowed_is_refused_at_once(service: Service) -> None:
    with pytest.raises(InvalidArgument) as refused:
        create(service, {"url": "https://host.example/"}, {"url": "http://10.0.0.5/"})
    assert [error.field for error in refused.value.errors] == ["webhooks[0].url", "webhooks[1].url"]
