"""All methods of both wires, called with every kind of API key, and without one."""

import hashlib
from collections.abc import Iterator
from typing import Any, get_args

import pytest
import sqlalchemy as sa
from tests.contract.conftest import JOB, NETWORK, SWEEP, World
from tests.contract.requests import RIGHT
from tests.contract.test_methods import ISSUING
from tests.contract.wires import Wires, wires

from epochal_service.access import keys
from epochal_service.access.keys import LOCAL_OWNER
from epochal_service.apis import methods
from epochal_service.specs.system import Scope
from epochal_service.store import Database, api_keys, members, tables

REFUSED = {"PERMISSION_DENIED", "NOT_FOUND"}
OWNED = ("jobs", "sweeps", "experiments", "networks", "datasets", "uploads")


@pytest.fixture(scope="module")
def locked(service: Wires, world: World) -> Iterator[Wires]:
    """A second service over the same store, which needs keys."""
    with wires(service.context.settings.model_copy(update={"require_keys": True})) as locked:
        yield locked


def key(wires: Wires, owner: str = LOCAL_OWNER, scope: Scope = "train") -> str:
    return keys.create(wires.context.database, "test", owner=owner, scope=scope, days=None)


def requests(world: World, rpc: str) -> list[dict[str, Any]]:
    """Requests of a method; a method that acts gets objects that the others leave alone."""
    if rpc in RIGHT:
        return RIGHT[rpc](world)
    noun = methods()[rpc].path.split("/")[2]
    ids = {"jobs": world.queued, "sweeps": world.queued_sweep, "networks": world.network}
    ids |= {"experiments": world.experiment, "exercises": world.exercise}
    ids |= {"datasets": world.dataset, "uploads": world.upload}
    if "{id}" not in methods()[rpc].path:
        return [{"ids": [ids[noun]]}]
    return [{"id": ids[noun]}]


def requests_about(world: World, rpc: str) -> list[dict[str, Any]]:
    """Requests of a method about things of the world."""
    ids = set(vars(world).values())
    matching = [request for request in requests(world, rpc) if request["id"] in ids]
    assert matching
    return matching


def revoked(wires: Wires) -> str:
    text = key(wires)
    keys.revoke(wires.context.database, text.split("_")[1])
    return text


def expired(wires: Wires) -> str:
    text, table = key(wires), tables.api_keys
    with wires.context.database.write() as connection:
        of_key = table.c.id == text.split("_")[1]
        connection.execute(table.update().where(of_key).values(expires_at=1.0))
    return text


def mistyped(wires: Wires) -> str:
    text = key(wires)
    return text[:-1] + ("0" if text[-1] != "0" else "1")


def of_nobody(wires: Wires) -> str:
    return f"ep_{'0' * 12}_{'0' * 64}"


def rotated(wires: Wires) -> str:
    text = key(wires)
    keys.rotate(wires.context.database, text.split("_")[1])
    return text


@pytest.mark.parametrize("rpc", methods())
def test_no_method_is_served_without_a_key(locked: Wires, world: World, rpc: str) -> None:
    for answer in locked.both(rpc, **requests(world, rpc)[0]):
        assert (answer.kind, answer.reason) == ("UNAUTHENTICATED", "unauthenticated")


@pytest.mark.parametrize("invalid", [revoked, expired, mistyped, of_nobody, rotated])
@pytest.mark.parametrize("rpc", ["GetJob", "CreateJob", "ListJobs", "WatchJob", "GetVersion"])
@pytest.mark.parametrize("service_name", ["service", "locked"])
def test_a_key_that_is_not_valid_is_refused_also_where_none_is_needed(
    request: pytest.FixtureRequest, service_name: str, world: World, rpc: str, invalid: Any
) -> None:
    chosen: Wires = request.getfixturevalue(service_name)
    with_key = chosen.called_with(invalid(chosen))
    for answer in with_key.both(rpc, **requests(world, rpc)[0]):
        assert answer.kind == "UNAUTHENTICATED"


# Columns that the service writes by itself: the announcement of a job, the delivery of a webhook.
BACKGROUND = {tables.jobs.c.notified_at, *tables.deliveries.c}


def digest(database: Database) -> str:
    """The SHA-256 of all rows of all tables, without the `BACKGROUND` columns."""
    made = hashlib.sha256()
    with database.read() as connection:
        for table in tables.metadata.sorted_tables:
            made.update(table.name.encode())
            columns = [column for column in table.c if column not in BACKGROUND]
            for row in sorted(
                map(repr, connection.execute(sa.select(*columns)) if columns else ())
            ):
                made.update(row.encode())
    return made.hexdigest()


@pytest.fixture(scope="module")
def reader(locked: Wires) -> tuple[Wires, str]:
    """A caller with a key to read, and the digest of the database before it calls anything."""
    caller = locked.called_with(key(locked, scope="read"))
    return caller, digest(locked.context.database)


@pytest.mark.long
@pytest.mark.parametrize("rpc", methods())
def test_a_key_to_read_changes_nothing(
    locked: Wires, world: World, reader: tuple[Wires, str], rpc: str
) -> None:
    caller, before = reader
    for request in requests(world, rpc):
        for answer in caller.both(rpc, **request):
            if methods()[rpc].scope == "read":
                assert answer.kind not in ("UNAUTHENTICATED", "PERMISSION_DENIED")
            else:
                assert (answer.kind, answer.reason) == ("PERMISSION_DENIED", "forbidden")
    assert digest(locked.context.database) == before


def owned(rpc: str) -> bool:
    """Whether the path of the method names something that has an owner."""
    return methods()[rpc].path.split("/")[2] in OWNED and "id" in methods()[rpc].path_fields


# By hand: what the table of methods says of scopes is what is under test.
ADMIN = {"ListWorkers"}
TRAIN = {
    *("CreateNetwork", "DeleteNetwork", "CreateDataset", "DeleteDataset"),
    *("CreateUpload", "AppendUpload", "DeleteUpload"),
    *("BatchDeleteJobs", "BatchCancelJobs", "BatchUpdateJobs"),
    *("CreateJob", "UpdateJob", "DeleteJob", "CancelJob", "PauseJob", "ResumeJob"),
    "ChangeTraining",
    *("CreateSweep", "UpdateSweep", "DeleteSweep", "CancelSweep"),
    *("CreateExperiment", "DeleteExperiment", "CancelExperiment"),
    *("CreateExercise", "DeleteExercise", "AttemptExercise"),
}
READ = (
    *("Get", "List", "Watch", "Validate", "Summarize", "Suggest", "Preview", "Predict"),
    *("Generate", "Simulate", "Check", "Issue"),
)


def test_each_method_needs_the_scope_that_was_decided() -> None:
    for rpc, method in methods().items():
        if rpc in ADMIN:
            assert method.scope == "admin", rpc
        elif rpc in TRAIN:
            assert method.scope == "train", rpc
        else:
            assert rpc.startswith(READ), f"{rpc}: write here who may call it"
            assert method.scope == "read", rpc


def test_the_scopes_of_keys_are_those_of_the_api() -> None:
    assert get_args(Scope) == keys.SCOPES


@pytest.mark.parametrize("scope", keys.SCOPES)
def test_usage_says_what_the_key_may_do(locked: Wires, scope: Scope) -> None:
    caller = locked.called_with(key(locked, "school", scope))
    for answer in caller.both("GetUsage"):
        assert (answer.reply["owner"], answer.reply["scope"]) == ("school", scope)


@pytest.mark.parametrize("rpc", [rpc for rpc in methods() if owned(rpc)])
def test_what_belongs_to_another_owner_is_not_found(locked: Wires, world: World, rpc: str) -> None:
    stranger = locked.called_with(key(locked, "other"))
    for request in requests_about(world, rpc):
        for answer in stranger.both(rpc, **request):
            assert answer.kind == "NOT_FOUND", request


@pytest.fixture(scope="module")
def teacher(locked: Wires) -> Wires:
    """The teacher of a class with the owner of the world among its pupils."""
    with locked.context.database.write() as connection:
        members.insert(connection, "class", (LOCAL_OWNER, "class.02"))
    return locked.called_with(key(locked, "class"))


@pytest.mark.long
@pytest.mark.parametrize("rpc", [rpc for rpc in methods() if owned(rpc)])
def test_a_teacher_reads_what_belongs_to_a_pupil_and_changes_nothing_of_it(
    locked: Wires, teacher: Wires, world: World, rpc: str
) -> None:
    pupil = locked.called_with(key(locked))
    before = digest(locked.context.database)
    first, *others = requests_about(world, rpc)
    if methods()[rpc].scope == "read":
        for request in (first, *others):
            answers = teacher.both(rpc, **request), pupil.both(rpc, **request)
            if rpc in ISSUING:  # each caller gets a token of its key
                assert {answer.kind for answer in answers[0]} <= {None, "NOT_FOUND"}
            else:
                assert answers[0] == answers[1]
    else:
        for answer in teacher.both(rpc, **first):
            assert (answer.kind, answer.reason) == ("PERMISSION_DENIED", "forbidden")
        for request in others:  # some name a sweep where a job is meant
            assert {answer.kind for answer in teacher.both(rpc, **request)} <= REFUSED
    assert digest(locked.context.database) == before


@pytest.mark.long
@pytest.mark.parametrize("rpc", [rpc for rpc in methods() if owned(rpc)])
def test_a_pupil_reaches_nothing_of_the_teacher_and_of_the_other_pupils(
    locked: Wires, teacher: Wires, world: World, rpc: str
) -> None:
    created = teacher.over_http("CreateNetwork", network=NETWORK).reply["id"]
    pupil = locked.called_with(key(locked, "class.02"))
    for request in requests_about(world, rpc):
        for answer in pupil.both(rpc, **request):
            assert answer.kind == "NOT_FOUND"
    for answer in pupil.both("GetNetwork", id=created):
        assert answer.kind == "NOT_FOUND"


CREATIONS = {
    "jobs": ("CreateJob", JOB),
    "sweeps": ("CreateSweep", SWEEP),
    "experiments": ("CreateExperiment", {"jobs": {"one": JOB}}),
}


@pytest.mark.parametrize(
    ("rpc", "field"),
    [("ListJobs", "jobs"), ("ListSweeps", "sweeps"), ("ListExperiments", "experiments")],
)
def test_a_teacher_lists_the_runs_of_all_pupils_or_of_one(
    locked: Wires, teacher: Wires, world: World, rpc: str, field: str
) -> None:
    pupil = locked.called_with(key(locked, "class.02"))
    create, body = CREATIONS[field]
    of_pupil, of_teacher = (
        wires.over_http(create, spec=body).reply["id"] for wires in (pupil, teacher)
    )

    def owners(wires: Wires, **request: Any) -> dict[str, str]:
        lists = [
            {row["id"]: row["owner"] for row in answer.reply.get(field, [])}
            for answer in wires.both(rpc, page_size=1000, **request)
        ]
        assert lists[0] == lists[1]
        return lists[0]

    everything = owners(teacher)
    assert list(everything) == sorted(everything, reverse=True)
    assert set(everything.values()) == {LOCAL_OWNER, "class.02", "class"}
    assert owners(teacher, owner="class.02") == owners(pupil) == {of_pupil: "class.02"}
    assert owners(teacher, owner="class") == {of_teacher: "class"}
    assert owners(pupil, owner="class") == owners(pupil, owner=LOCAL_OWNER) == {}
    first = teacher.over_http(rpc, page_size=1).reply
    second = teacher.over_http(rpc, page_size=1, page_token=first["next_page_token"]).reply
    assert [first[field][0]["id"], second[field][0]["id"]] == list(everything)[:2]


def test_a_teacher_lists_own_networks_and_data_sets_alone(teacher: Wires, world: World) -> None:
    """A new job may name no others."""
    for rpc, field in (("ListNetworks", "networks"), ("ListDatasets", "datasets")):
        for answer in teacher.both(rpc, page_size=1000):
            ids = {row["id"] for row in answer.reply.get(field, [])}
            assert not ids & {world.network, world.dataset}


def test_lists_have_the_things_of_one_owner(locked: Wires, world: World) -> None:
    stranger = locked.called_with(key(locked, "stranger"))
    for rpc in ("ListJobs", "ListSweeps", "ListExperiments", "ListNetworks"):
        for answer in stranger.both(rpc):
            assert answer.kind is None
            assert not any(isinstance(value, list) for value in answer.reply.values()), rpc
    for answer in stranger.both("ListDatasets"):
        assert world.dataset not in {dataset["id"] for dataset in answer.reply["datasets"]}


@pytest.mark.parametrize(
    "change",
    [
        lambda world: {"network": {"id": world.network}},
        lambda world: {"dataset": {"id": world.dataset}},
        lambda world: {"initial_weights": {"job": world.ended}},
    ],
    ids=["network", "dataset", "initial_weights"],
)
def test_a_job_cannot_use_what_belongs_to_another_owner(
    locked: Wires, world: World, change: Any
) -> None:
    spec = {**JOB, **change(world)}
    for answer in locked.called_with(key(locked, "stranger")).both("CreateJob", spec=spec):
        assert answer.kind in ("INVALID_ARGUMENT", "NOT_FOUND")


def test_the_same_idempotency_key_of_two_owners_makes_two_jobs(locked: Wires) -> None:
    made = {
        locked.called_with(key(locked, owner))
        .over_http("CreateJob", spec=JOB, request_id="the same")
        .reply["id"]
        for owner in ("first", "second")
    }
    assert len(made) == 2


def test_the_database_has_no_secret(service: Wires) -> None:
    text = key(service)
    database: Database = service.context.database
    with database.read() as connection:
        rows = api_keys.all_keys(connection)
    assert not any(text.split("_")[2] in str(row) for row in rows)
