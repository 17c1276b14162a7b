"""Every limit, at its edge: the largest request is served, and the next larger one refused."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from tests.contract.conftest import EXERCISE, JOB, SWEEP, World
from tests.contract.wires import Answer, Wires, wires
from tests.rpc.serving import reply, serialized

from epochal_service.access import classes, keys
from epochal_service.access.keys import LOCAL_OWNER
from epochal_service.jobs import lifecycle
from epochal_service.jobs.quotas import STORED
from epochal_service.settings import Limits, Quotas
from epochal_service.store import datasets

Fields = dict[str, Any]
INVALID = ("INVALID_ARGUMENT", "limit_exceeded")
LARGE = ("RESOURCE_EXHAUSTED", "too_large")
QUOTA = ("RESOURCE_EXHAUSTED", "quota_exceeded")


def network(features: int, *layers: Fields) -> Fields:
    return {"network": {"input_shape": [features], "layers": list(layers)}}


def dense(units: int = 1) -> Fields:
    return {"type": "dense", "units": units}


def filters(size: int) -> Fields:
    layers = [{"type": "conv1d", "filters": 1, "kernel_size": [size]}, {"type": "flatten"}, dense()]
    return {"network": {"input_shape": [9, 1], "layers": layers}}


def job(**changes: Any) -> Fields:
    return {"spec": JOB | changes}


WIDE: Fields = {
    "input_shape": [2],
    "layers": [dense(2000), {"type": "dense", "units": 1, "activation": "sigmoid"}],
}


def rows(count: int) -> Fields:
    data = {"inputs": [[0.1, 0.2]] * count, "targets": [[0.0], [1.0]] * (count // 2)}
    return job(dataset={**data, "targets": [[i % 2] for i in range(count)]})


def sweep(variants: int) -> Fields:
    return {"spec": {"job": SWEEP["job"], "variants": [{"seed": i} for i in range(variants)]}}


@dataclass(frozen=True)
class Edge:
    """The largest request of a method within a limit, and a larger one."""

    value: float | str
    """The limit, or the field of the reply to the largest request that has it."""
    rpc: str
    within: Callable[[World], Fields]
    beyond: Callable[[World], Fields]
    refusal: tuple[str, str] = INVALID


def edge(
    value: float | str, rpc: str, within: Fields, beyond: Fields, refusal: tuple[str, str] = INVALID
) -> Edge:
    return Edge(value, rpc, lambda world: within, lambda world: beyond, refusal)


EDGES: dict[str, Edge] = {
    "max_upload_bytes": edge(
        50, "CreateUpload", {"size_bytes": 50}, {"size_bytes": 51}, refusal=LARGE
    ),
    "max_parameters": edge(5, "SummarizeNetwork", network(4, dense()), network(5, dense())),
    "max_layers": edge(
        2, "SummarizeNetwork", network(1, *[dense()] * 2), network(1, *[dense()] * 3)
    ),
    "max_units": edge(8, "SummarizeNetwork", network(1, dense(8)), network(1, dense(9))),
    "max_filter_positions": edge(3, "SummarizeNetwork", filters(3), filters(4)),
    "max_samples": edge(10, "ValidateJob", rows(10), rows(11)),
    "max_features": edge(6, "SummarizeNetwork", network(6, dense()), network(7, dense())),
    "max_predict_rows": Edge(
        3,
        "Predict",
        lambda world: {"id": world.ended, "inputs": [[0.5, 0.25]] * 3},
        lambda world: {"id": world.ended, "inputs": [[0.5, 0.25]] * 4},
    ),
    "max_generated_tokens": Edge(
        6,
        "Generate",
        lambda world: {"id": world.sequence, "prompt": "ab", "count": 3, "max_tokens": 2},
        lambda world: {"id": world.sequence, "prompt": "ab", "count": 3, "max_tokens": 3},
    ),
    # The order of 30 samples; in a batch, also their masks of dropout.
    "max_inspected_values": Edge(
        30,
        "GetRandomDraws",
        lambda world: {"id": world.ended, "epoch": 1},
        lambda world: {"id": world.ended, "epoch": 1, "batch": 0},
    ),
    # The order of 30 samples, in each epoch.
    "max_redrawn_numbers": Edge(
        60,
        "GetRandomDraws",
        lambda world: {"id": world.augmented, "epoch": 2},
        lambda world: {"id": world.augmented, "epoch": 3},
    ),
    "max_epochs": edge(7, "ValidateJob", job(epochs=7), job(epochs=8)),
    "max_flops": edge("flops", "ValidateJob", job(epochs=7), job(epochs=8)),
    "max_memory_bytes": edge("memory_bytes", "ValidateJob", job(), job(network=WIDE)),
    "max_stored_bytes": edge("stored_bytes", "ValidateJob", job(epochs=7), job(epochs=8)),
    "max_deadline_seconds": edge(
        10, "ValidateJob", job(deadline_seconds=10), job(deadline_seconds=10.5)
    ),
    "max_variants": edge(2, "ValidateSweep", sweep(2), sweep(3)),
}
BODIES = "max_body_bytes"
"""The bodies of one request differ in size between the two wires."""


def xor(number: int) -> Fields:
    return {"name": f"{number}", "generator": {"name": "xor"}}


CREATED: dict[str, tuple[str, Callable[[int], Fields]]] = {
    "max_queued_jobs": ("CreateJob", lambda number: job(seed=number)),
    "max_stored_bytes_per_owner": ("CreateJob", lambda number: job(seed=number)),
    "max_datasets": ("CreateDataset", xor),
    "max_dataset_bytes_per_owner": ("CreateDataset", xor),
    "max_networks": (
        "CreateNetwork",
        lambda number: {"name": f"{number}", "network": job()["spec"]["network"]},
    ),
    "max_exercises": (
        "CreateExercise",
        lambda number: {"spec": EXERCISE | {"title": f"{number}"}},
    ),
    "max_uploads": ("CreateUpload", lambda number: {"size_bytes": 1 + number}),
}
"""The requests that are sent until the quota is used up."""
OTHERS = {
    "max_running_jobs",
    "max_bytes_per_class",
    "max_open_streams",
    "max_requests_per_minute",
}
"""Quotas with a separate test below."""


@contextmanager
def limited(service: Wires, **values: float) -> Iterator[Wires]:
    """A second service over the same store, with these limits and quotas."""
    settings = service.context.settings
    changes = {
        group: model.model_copy(update={k: v for k, v in values.items() if hasattr(model, k)})
        for group, model in (("limits", settings.limits), ("quotas", settings.quotas))
    }
    with wires(settings.model_copy(update=changes)) as service:
        yield service


def key(service: Wires, owner: str) -> str:
    return keys.create(service.context.database, "key", owner=owner, scope="train", days=None)


def test_every_limit_and_quota_has_a_test_of_its_edge() -> None:
    assert set(Limits.model_fields) == {*EDGES, BODIES}
    assert set(Quotas.model_fields) == {*CREATED, *OTHERS}
    assert set(STORED) <= set(Quotas.model_fields)


@pytest.mark.parametrize("name", EDGES)
def test_a_request_at_a_limit_is_served_and_a_larger_one_refused(
    service: Wires, world: World, name: str
) -> None:
    case = EDGES[name]
    value = case.value
    if isinstance(value, str):
        value = service.rpc.call(case.rpc, **case.within(world))[value]
    with limited(service, **{name: value}) as within:
        for answer in within.both(case.rpc, **case.within(world)):
            assert answer.kind is None, answer
        for answer in within.both(case.rpc, **case.beyond(world)):
            assert (answer.kind, answer.reason) == case.refusal, answer


def test_a_body_at_its_limit_is_read_and_a_larger_one_refused(service: Wires) -> None:
    limit = 1000
    with limited(service, max_body_bytes=limit) as wires:

        def append(more: int, over_grpc: bool) -> Answer:
            upload = wires.rpc.call("CreateUpload", size_bytes=5000 + more)["id"]
            fields = {"id": upload, "offset": 0, "data": b"x" * (limit + more)}
            if over_grpc:
                framing = len(serialized("AppendUpload", fields)) - (limit + more)
                fields["data"] = b"x" * (limit + more - framing)
                return wires.over_grpc("AppendUpload", **fields)
            return wires.over_http("AppendUpload", **fields)

        for over_grpc in (False, True):
            assert append(0, over_grpc).kind is None
            refused = append(1, over_grpc)
            assert (refused.kind, refused.reason) == LARGE


@pytest.mark.parametrize("over", [Wires.over_http, Wires.over_grpc])
@pytest.mark.parametrize("name", CREATED)
def test_an_owner_creates_as_much_as_its_quota(
    service: Wires, name: str, over: Callable[..., Answer]
) -> None:
    rpc, request = CREATED[name]
    amount = 1
    if name == "max_stored_bytes_per_owner":
        amount = service.rpc.call("ValidateJob", **request(0))["stored_bytes"]
    elif name == "max_dataset_bytes_per_owner":
        owner = f"measured-{over.__name__}"
        over(service.called_with(key(service, owner)), rpc, **request(0))
        with service.context.database.read() as connection:
            amount = datasets.stored_bytes(connection, owner)
    with limited(service, **{name: 3 * amount}) as within:
        caller, other = (
            within.called_with(key(service, f"{name[4:]}-{over.__name__[5:]}{suffix}"))
            for suffix in ("", "-other")
        )
        for number in range(3):
            assert over(caller, rpc, **request(number)).kind is None
        refused = over(caller, rpc, **request(3))
        assert (refused.kind, refused.reason) == QUOTA
        assert over(other, rpc, **request(4)).kind is None
        used = {row["name"]: row for row in over(caller, "GetUsage").reply["quotas"]}
        assert (used[name]["used"], used[name]["limit"]) == (3 * amount, 3 * amount)


@pytest.mark.parametrize("over", [Wires.over_http, Wires.over_grpc])
def test_a_class_stores_no_more_than_its_quota(service: Wires, over: Callable[..., Answer]) -> None:
    name = f"class-{over.__name__[5:]}"
    made = classes.create(service.context.database, name, count=2, days=None)
    teacher, first, second = (service.called_with(key.key) for key in made)
    job_bytes = service.rpc.call("ValidateJob", **job(seed=0))["stored_bytes"]
    over(first, "CreateDataset", **xor(0))
    with service.context.database.read() as connection:
        dataset_bytes = datasets.stored_bytes(connection, made[1].owner)
    with limited(service, max_bytes_per_class=2 * job_bytes + dataset_bytes) as within:
        teacher, first, second = (within.called_with(key.key) for key in made)
        assert over(second, "CreateJob", **job(seed=1)).kind is None
        assert over(teacher, "CreateJob", **job(seed=2)).kind is None
        for caller in (teacher, first, second):
            for rpc, request in (("CreateJob", job(seed=3)), ("CreateDataset", xor(3))):
                refused = over(caller, rpc, **request)
                assert (refused.kind, refused.reason) == QUOTA
            used = {row["name"]: row["used"] for row in over(caller, "GetUsage").reply["quotas"]}
            assert used["max_bytes_per_class"] == 2 * job_bytes + dataset_bytes
        other = within.called_with(key(service, f"no-{name}"))
        assert over(other, "CreateJob", **job(seed=4)).kind is None


def test_jobs_over_the_quota_of_running_jobs_wait(service: Wires) -> None:
    owner = "running"
    with limited(service, max_running_jobs=2) as within:
        caller = within.called_with(key(service, owner))
        queued = [caller.over_http("CreateJob", **job(seed=seed)).reply["id"] for seed in range(3)]

        def claim(job_id: str) -> bool:
            return (
                lifecycle.claim(
                    within.context.database,
                    job_id,
                    lease_seconds=60,
                    worker="w",
                    kernel="",
                    max_running=within.context.settings.quotas.max_running_jobs,
                )
                is not None
            )

        assert [claim(job_id) for job_id in queued] == [True, True, False]
        assert caller.over_grpc("GetJob", id=queued[2]).reply["state"] == "queued"


def test_an_owner_opens_as_many_streams_as_its_quota(service: Wires, world: World) -> None:
    with limited(service, max_open_streams=2) as within, ExitStack() as open_streams:
        request = serialized("WatchJob", {"id": world.queued})

        def watch() -> None:
            call = within.rpc.raw("WatchJob", request, timeout=60)
            open_streams.callback(call.cancel)
            reply("WatchJob", next(iter(call)))

        watch()
        for answer in within.both("WatchJob", id=world.ended):
            assert answer.kind is None
        watch()
        for answer in within.both("WatchJob", id=world.ended):
            assert (answer.kind, answer.reason) == QUOTA
        other = within.called_with(key(service, "streams"))
        for answer in other.both("WatchJob", id=world.ended):
            assert answer.kind == "NOT_FOUND"


def test_an_owner_makes_as_many_requests_as_its_quota(service: Wires) -> None:
    with limited(service, max_requests_per_minute=4) as within:
        caller = within.called_with(key(service, "requests"))
        for _ in range(2):
            for answer in caller.both("GetVersion"):
                assert answer.kind is None
        for rpc in ("GetVersion", "WatchJob", "CreateJob"):
            request = {"id": "job_1"} if rpc == "WatchJob" else {}
            for answer in caller.both(rpc, **request):
                assert (answer.kind, answer.reason) == QUOTA
        # Another key of the owner shares its quota; other owners have theirs.
        same, other = (within.called_with(key(service, owner)) for owner in ("requests", "else"))
        assert same.over_http("GetVersion").reason == "quota_exceeded"
        assert other.over_http("GetVersion").kind is None
        # Callers without a key are on this machine, or behind a proxy that knows them.
        assert all(within.over_http("GetVersion").kind is None for _ in range(9))
        assert LOCAL_OWNER not in {"requests", "else"}
