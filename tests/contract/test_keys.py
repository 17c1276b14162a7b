"""All methods of both wires, called with every kind of API key, and without one."""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, get_args

import grpc
import pytest
import sqlalchemy as sa
from tests.contract.conftest import EXPERIMENT, JOB, NETWORK, SECRET, SWEEP, World
from tests.contract.requests import RIGHT
from tests.contract.test_methods import ISSUING
from tests.contract.wires import Wires, wires
from tests.rpc.serving import RPCS
from tests.rpc.training import train

from epochal_service.access import keys
from epochal_service.access.keys import LOCAL_OWNER
from epochal_service.apis import methods
from epochal_service.rest import files
from epochal_service.specs.system import Scope
from epochal_service.store import Database, api_keys, datasets, members, tables

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
    ids |= {"datasets": world.dataset, "uploads": world.upload, "keys": "0" * 12}
    ids |= {"models": world.model}
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
            if methods()[rpc].action in keys.LOOKING:
                assert answer.kind not in ("UNAUTHENTICATED", "PERMISSION_DENIED")
            else:
                assert (answer.kind, answer.reason) == ("PERMISSION_DENIED", "forbidden")
    assert digest(locked.context.database) == before


def owned(rpc: str) -> bool:
    """Whether the path of the method names something that has an owner."""
    return methods()[rpc].path.split("/")[2] in OWNED and "id" in methods()[rpc].path_fields


# A job that is not trained yet, and the methods that are called before this one.
FIRST: dict[str, list[str]] = {
    "ResumeJob": ["PauseJob"],
    "DeleteJob": ["CancelJob"],
    "BatchDeleteJobs": ["CancelJob"],
    "DeleteSweep": ["CancelSweep"],
    "DeleteExperiment": ["CancelExperiment"],
}
MORE: dict[str, dict[str, Any]] = {
    "BatchUpdateJobs": {"labels": {"level": "2"}},
    "ChangeTraining": {"batch_size": 3},
}
# Of methods that leave the rows as they are, these are for few callers all the same.
FOR_FEW = {
    "ListWorkers": "admin",
    "ListKeys": "share",
    "ListDeliveries": "change",
    "ListSweepDeliveries": "change",
}


def fresh(wires: Wires, world: World, rpc: str) -> dict[str, Any]:
    """A request of the method about an object that was made for it."""
    noun = methods()[rpc].path.split("/")[2]
    if noun == "models" and rpc not in RIGHT:
        named = {"id": rpc.lower(), "job": world.ended}
        assert wires.over_http("SetNamedModel", **named).kind is None
        return named if rpc == "SetNamedModel" else {"id": named["id"]}
    create = f"Create{noun[:-1].capitalize()}"
    acts = rpc not in RIGHT or rpc == "AppendUpload"
    if not acts:
        return RIGHT[rpc](world)[0]
    request = {k: v for k, v in RIGHT[create](world)[-1].items() if k != "sha256"}
    made = wires.over_http(create, **request).reply["id"]
    for former in FIRST.get(rpc, []):
        assert wires.over_http(former, id=made).kind is None
    if rpc == "AppendUpload":
        return {"id": made, "offset": 0, "data": b"a,b\n"}
    place = {"id": made} if "{id}" in methods()[rpc].path else {"ids": [made]}
    return place | MORE.get(rpc, {})


def rows(database: Database) -> dict[str, dict[Any, tuple[Any, ...]]]:
    """All rows by table and primary key, without those of deleted objects and revoked keys."""
    stored_rows = {}
    with database.read() as connection:
        for table in tables.metadata.sorted_tables:
            columns = [column for column in table.c if column not in BACKGROUND]
            query = sa.select(*table.primary_key.columns, *columns)
            if table is tables.api_keys:
                query = query.where(table.c.revoked_at.is_(None))
            elif "owner" in table.c:
                query = query.where(table.c.owner != "")
            elif "job_id" in table.c:
                there = sa.select(tables.jobs.c.id).where(tables.jobs.c.owner != "")
                query = query.where(table.c.job_id.in_(there))
            size = len(table.primary_key.columns)
            read = connection.execute(query) if columns else ()
            stored_rows[table.name] = {tuple(row[:size]): tuple(row[size:]) for row in read}
    return stored_rows


THINGS = {"networks", "datasets", "uploads", "upload_pieces", "jobs", "experiments", "exercises"}


def action_by_rows(before: dict[str, Any], after: dict[str, Any]) -> str | None:
    """The action that changes these rows into those; None without a change."""
    if before["api_keys"] != after["api_keys"]:
        return "share"
    if any(before[name].keys() - after[name].keys() for name in THINGS | {"models"}):
        return "delete"
    if any(after[name].keys() - before[name].keys() for name in THINGS):
        return "train"
    return "change" if before != after else None


def looking_action(rpc: str) -> str:
    """The action of a method that changes nothing, by its messages."""
    request, reply = RPCS[rpc].input_type, RPCS[rpc].output_type
    of_network = methods()[rpc].path.startswith(("/v1/jobs/{id}", "/v1/models/{id}"))
    if of_network and {"inputs", "prompt"} & {*request.fields_by_name}:
        return "predict"
    return "watch" if RPCS[rpc].server_streaming or "token" in reply.fields_by_name else "read"


@pytest.fixture
def school(service: Wires, rpc: str) -> Iterator[None]:
    """A class for its methods, with the caller as the pupil who answers, else as the teacher."""
    if not methods()[rpc].path.startswith("/course/v1/class"):
        yield
        return
    teacher, pupil = ("a", LOCAL_OWNER) if rpc == "RecordAnswers" else (LOCAL_OWNER, "a.01")
    with service.context.database.write() as connection:
        members.insert(connection, teacher, [pupil])
        if rpc == "DeleteClass":
            datasets.insert(connection, id="a", owner=pupil, name="a", about="{}", content=b"a")
    yield
    with service.context.database.write() as connection:
        connection.execute(sa.delete(tables.members))


@pytest.mark.usefixtures("school")
@pytest.mark.parametrize("rpc", methods())
def test_each_method_needs_the_action_that_its_rows_tell(
    service: Wires, world: World, rpc: str
) -> None:
    request = fresh(service, world, rpc)
    before = rows(service.context.database)
    answer = service.over_http(rpc, **request)
    assert answer.kind is None
    by_rows = action_by_rows(before, rows(service.context.database))
    expected = FOR_FEW.get(rpc) or by_rows or looking_action(rpc)
    assert methods()[rpc].action == expected


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
    if methods()[rpc].action in keys.LOOKING or rpc in FOR_FEW:
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


# ------------------------------------------------------------------------- keys that keys made


def made_key(maker: Wires, **limits: Any) -> Wires:
    """A caller with a key that the key of another caller made."""
    return maker.called_with(maker.over_http("CreateKey", **limits).reply["key"])


@pytest.fixture(scope="module")
def owner(locked: Wires) -> Wires:
    return locked.called_with(key(locked))


@pytest.fixture(scope="module")
def viewer(owner: Wires, world: World) -> tuple[Wires, str]:
    """A caller with a key to look at one job, and the digest of the database before it calls."""
    caller = made_key(owner, jobs=[world.ended])
    return caller, digest(owner.context.database)


REACHED = re.compile(r"/v1/(jobs|events|sweeps|comparison|usage|limits|version)\b")


@pytest.mark.parametrize("rpc", methods())
def test_a_key_for_one_job_reaches_nothing_else_by_any_method(
    owner: Wires, viewer: tuple[Wires, str], world: World, rpc: str
) -> None:
    caller, before = viewer
    method = methods()[rpc]
    looks = action_is_looking(rpc) and REACHED.match(method.path)
    for request in requests(world, rpc):
        over_http, over_grpc = caller.both(rpc, **request)
        assert rpc in ISSUING or over_http == over_grpc
        if not looks:
            assert (over_http.kind, over_http.reason) == ("PERMISSION_DENIED", "forbidden")
        elif request.get("id", world.ended) != world.ended:
            assert over_http.kind == "NOT_FOUND", request
        elif "id" in request and rpc not in ISSUING:
            assert over_http == owner.over_http(rpc, **request)
        elif {world.diverged, world.queued} & {*request.get("jobs", [])}:
            assert over_http.kind == "NOT_FOUND", request
    assert digest(owner.context.database) == before


def action_is_looking(rpc: str) -> bool:
    return rpc not in FOR_FEW and rpc.startswith(
        ("Get", "List", "Watch", "Validate", "Predict", "Generate", "Issue")
    )


def test_a_refusal_says_what_the_key_may_do(viewer: tuple[Wires, str], world: World) -> None:
    caller, _ = viewer
    may = f"This API key may read, watch and predict {world.ended} only"
    details = {
        "DeleteJob": f"{may}; the method needs delete",
        "ListNetworks": f"{may}, and reaches no networks",
    }
    for rpc, detail in details.items():
        document = caller.response(rpc, **requests(world, rpc)[0]).json()
        assert document["detail"] == detail
    document = caller.response("GetJob", id=world.queued).json()
    assert document["detail"].startswith(f"This API key reaches {world.ended} only")


def test_lists_searches_and_batches_have_the_jobs_of_the_key_alone(
    owner: Wires, world: World
) -> None:
    caller = made_key(owner, jobs=[world.ended, world.sweep], actions=["read", "change"])
    requests: list[dict[str, Any]] = [
        *({}, {"states": ["succeeded", "queued"]}, {"label": "course=week-3"}),
        *({"query": "moons"}, {"filter": "epoch >= 0"}, {"order_by": "epoch"}),
        {"owner": LOCAL_OWNER, "view": "full"},
    ]
    for request in requests:
        for answer in caller.both("ListJobs", **request):
            assert [row["id"] for row in answer.reply["jobs"]] == [world.ended], request
    for answer in caller.both("ListSweeps"):
        assert [row["id"] for row in answer.reply["sweeps"]] == [world.sweep]
    for answer in caller.both("BatchUpdateJobs", filter="epoch >= 0", labels={"seen": "1"}):
        assert answer.reply["ids"] == [world.ended]
    for answer in caller.both("BatchCancelJobs", ids=[world.queued]):
        assert [row["reason"] for row in answer.reply["refused"]] == ["not_found"]


REFERENCES: dict[str, Callable[[World], dict[str, Any]]] = {
    "network": lambda w: {"network": {"id": w.network}},
    "dataset": lambda w: {"dataset": {"id": w.dataset}},
    "validation_dataset": lambda w: {"validation_dataset": {"id": w.dataset}},
    "initial_weights": lambda w: {"initial_weights": {"job": w.ended}},
    "changes": lambda w: {"changes": [{"epoch": 2, "training": {"dataset": {"id": w.dataset}}}]},
    "rollouts": lambda w: {
        "rollouts": {"reward": {"type": "job", "job": w.sequence}},
    },
}


@pytest.mark.parametrize("field", REFERENCES)
def test_a_key_for_a_label_trains_with_nothing_that_it_does_not_reach(
    owner: Wires, world: World, field: str
) -> None:
    caller = made_key(owner, actions=["read", "train"], labels={"visitor": "1"})
    spec = JOB | REFERENCES[field](world)
    sweep = {"job": spec, "variants": [{"seed": 1}]}
    for rpc, body in (
        ("ValidateJob", spec),
        ("CreateJob", spec),
        ("ValidateSweep", sweep),
        ("CreateSweep", sweep),
    ):
        for answer in caller.both(rpc, spec=body):
            assert answer.kind in ("INVALID_ARGUMENT", "NOT_FOUND"), rpc
            assert any(field in name for name, _ in answer.errors), answer


def test_a_key_for_a_label_reaches_what_it_created(owner: Wires, world: World) -> None:
    labels = {"visitor": "2"}
    actions = ["read", "watch", "train", "change", "delete"]
    caller = made_key(owner, actions=actions, labels=labels, jobs_per_hour=4)
    created = [answer.reply for answer in caller.both("CreateJob", spec=JOB)]
    assert [job["spec"]["labels"] for job in created] == [JOB["labels"] | labels] * 2
    for answer in caller.both("ListJobs"):
        assert {row["id"] for row in answer.reply["jobs"]} == {job["id"] for job in created}
    assert caller.over_http("CancelJob", id=created[0]["id"]).kind is None
    assert caller.over_http("DeleteJob", id=created[0]["id"]).kind is None
    fork = JOB | {"initial_weights": {"job": world.ended}}
    assert caller.over_http("CreateJob", spec=fork).kind == "INVALID_ARGUMENT"
    assert caller.over_http("CreateSweep", spec=SWEEP).kind == "RESOURCE_EXHAUSTED"  # three jobs
    assert {answer.kind for answer in caller.both("CreateJob", spec=JOB)} == {None}
    for answer in caller.both("CreateJob", spec=JOB):
        assert (answer.kind, answer.reason) == ("RESOURCE_EXHAUSTED", "quota_exceeded")
    response = caller.response("CreateJob", spec=JOB)
    assert 0 < int(response.headers["Retry-After"]) <= 900
    # Without the label, the job is there for its owner alone.
    other = created[1]["id"]
    assert owner.over_http("UpdateJob", id=other, remove_labels=["visitor"]).kind is None
    for rpc in ("GetJob", "WatchJob", "CancelJob"):
        for answer in caller.both(rpc, id=other):
            assert answer.kind == "NOT_FOUND"


def test_a_key_ends_when_it_is_revoked_or_its_maker_is(locked: Wires, world: World) -> None:
    maker = locked.called_with(key(locked))
    first, second = made_key(maker, jobs=[world.ended]), made_key(maker)
    assert maker.key is not None
    listed = {row["id"]: row for row in maker.over_http("ListKeys").reply["keys"]}
    ids = [caller.key.split("_")[1] for caller in (first, second) if caller.key]
    assert {listed[made]["made_by"] for made in ids} == {maker.key.split("_")[1]}
    assert not any("key" in row for row in listed.values())
    for caller in (first, second):  # neither makes nor revokes keys
        for rpc, request in (("CreateKey", {}), ("ListKeys", {}), ("DeleteKey", {"id": ids[0]})):
            assert {a.kind for a in caller.both(rpc, **request)} == {"PERMISSION_DENIED"}
    stranger = locked.called_with(key(locked, "other"))
    assert {a.kind for a in stranger.both("DeleteKey", id=ids[0])} == {"NOT_FOUND"}
    assert {a.kind for a in maker.both("DeleteKey", id=maker.key.split("_")[1])} == {"NOT_FOUND"}
    assert first.over_http("GetJob", id=world.ended).kind is None  # from now on from the cache
    assert maker.over_grpc("DeleteKey", id=ids[0]).kind is None
    for answer in first.both("GetJob", id=world.ended):
        assert answer.kind == "UNAUTHENTICATED"
    assert second.over_http("GetJob", id=world.ended).kind is None
    keys.revoke(locked.context.database, maker.key.split("_")[1])
    for answer in second.both("GetJob", id=world.ended):
        assert answer.kind == "UNAUTHENTICATED"


HOOK = "hook-of-the-owner"
SHOWING = {
    *("GetJob", "ListJobs", "WatchJob", "WatchJobs", "ListDeliveries"),
    *("GetSweep", "ListSweeps", "WatchSweep", "ListSweepDeliveries"),
}
"""The methods that show their caller where webhooks are sent."""


@pytest.fixture(scope="module")
def hooked(owner: Wires, world: World, silent_url: str) -> World:
    """The world with webhooks of each job and sweep; the exercise has no jobs."""
    job = JOB | {"webhooks": [{"url": silent_url + HOOK, "secret": SECRET}]}
    experiment = EXPERIMENT | {"jobs": {"first": job}, "claims": []}
    made = {
        "job": owner.over_http("CreateJob", spec=job).reply["id"],
        "sweep": owner.over_http("CreateSweep", spec=SWEEP | {"job": job}).reply["id"],
        "exp": owner.over_http("CreateExperiment", spec=experiment).reply["id"],
    }
    assert (
        owner.over_http("AttemptExercise", id=world.exercise, spec={"jobs": {"first": job}}).kind
        is None
    )
    of_experiment = owner.over_http("GetExperiment", id=made["exp"]).reply["jobs"]
    for run in (made["job"], made["sweep"], *(row["id"] for row in of_experiment)):
        assert train(owner.context, run) == "succeeded"
    kinds = {name: made_id.partition("_")[0] for name, made_id in vars(world).items()}
    return replace(world, **{name: made[kind] for name, kind in kinds.items() if kind in made})


@pytest.fixture(scope="module")
def seers(owner: Wires, hooked: World) -> list[Wires]:
    """Callers with keys that change nothing: for a job and a sweep, for all, and to train."""
    return [
        made_key(owner, jobs=[hooked.ended, hooked.sweep]),
        made_key(owner, actions=["read", "watch", "predict"]),
        made_key(owner, actions=["read", "watch", "train"], labels=JOB["labels"]),
    ]


def sent(caller: Wires, rpc: str, request: dict[str, Any]) -> str:
    """Everything that both wires reply."""
    text = caller.response(rpc, **request).text
    try:
        message = caller.message(rpc, **request)
        return text + str(list(message) if methods()[rpc].event else message)
    except grpc.RpcError as error:
        return text + str(error)


@pytest.mark.long
@pytest.mark.parametrize(
    "rpc", [rpc for rpc in methods() if action_is_looking(rpc) or rpc in SHOWING]
)
def test_no_method_shows_webhooks_to_a_key_that_may_not_change(
    owner: Wires, seers: list[Wires], hooked: World, rpc: str
) -> None:
    without_hook = [
        fields for fields in requests(hooked, rpc) if "webhooks" not in fields.get("spec", {})
    ]
    for caller in (*seers, owner, *seers, owner):  # replies are cached for one and for the other
        texts = [sent(caller, rpc, fields) for fields in without_hook]
        assert any(HOOK in text for text in texts) == (caller is owner and rpc in SHOWING)


@pytest.mark.parametrize("route", [route.path for route in files.router.routes])  # type: ignore[attr-defined]
def test_no_file_shows_webhooks(owner: Wires, hooked: World, route: str) -> None:
    response = owner.http.get(route.format(id=hooked.ended), params={"key": made_key(owner).key})
    assert response.is_success
    assert HOOK.encode() not in response.content


def test_a_stream_of_its_owner_and_of_a_link_have_different_openings(
    owner: Wires, seers: list[Wires], silent_url: str
) -> None:
    """While both watch, the later one gets the opening that is there."""
    job = JOB | {"webhooks": [{"url": silent_url + HOOK}]}
    made = owner.over_http("CreateJob", spec=job).reply["id"]
    openings = []
    streams = []
    for caller in (owner, seers[1], owner, seers[1]):
        streams.append(caller.message("WatchJob", id=made))
        openings.append(HOOK in str(next(iter(streams[-1]))))
    for stream in streams:
        stream.cancel()
    assert openings == [True, False, True, False]


def test_a_key_that_may_change_sees_webhooks(owner: Wires, hooked: World) -> None:
    caller = made_key(owner, jobs=[hooked.ended], actions=["read", "change"])
    for rpc in ("GetJob", "ListDeliveries"):
        assert HOOK in sent(caller, rpc, {"id": hooked.ended})


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        ({"jobs": ["job_1"]}, "jobs[0]"),
        ({"origins": ["example.com"]}, "origins[0]"),
        ({"expires_in_seconds": 0}, "expires_in_seconds"),
        ({"jobs_per_hour": 0}, "jobs_per_hour"),
    ],
)
def test_a_key_is_made_for_what_is_there(owner: Wires, limits: Any, field: str) -> None:
    over_http, over_grpc = owner.both("CreateKey", **limits)
    assert over_http == over_grpc
    assert [name for name, _ in over_http.errors] == [field]


@pytest.mark.parametrize("action", ["share", "admin"])
def test_no_key_is_made_to_make_keys(owner: Wires, action: str) -> None:
    answer = owner.over_http("CreateKey", actions=[action])  # gRPC has no such words
    assert [field for field, _ in answer.errors] == ["actions[0]"]


def test_a_key_gives_no_more_than_its_maker_has(
    locked: Wires, teacher: Wires, owner: Wires, world: World
) -> None:
    stranger = locked.called_with(key(locked, "other"))
    for answer in stranger.both("CreateKey", jobs=[world.ended]):
        assert [field for field, _ in answer.errors] == ["jobs[0]"]
    for answer in owner.both("CreateKey", jobs=[world.ended], actions=["train"]):
        assert [field for field, _ in answer.errors] == ["actions"]
    of_pupil = made_key(teacher, jobs=[world.queued], actions=["read", "change", "delete"])
    assert of_pupil.over_http("GetJob", id=world.queued).kind is None
    for rpc in ("CancelJob", "DeleteJob"):
        assert {a.kind for a in of_pupil.both(rpc, id=world.queued)} == {"PERMISSION_DENIED"}


def test_a_key_to_look_may_stand_in_a_url(owner: Wires, world: World) -> None:
    path, viewing = f"/v1/jobs/{world.ended}", made_key(owner, jobs=[world.ended])
    query = {"key": viewing.key}
    with_header = viewing.response("GetJob", id=world.ended)
    for _ in range(2):  # computed, and from the cache
        assert owner.http.get(path, params=query).json() == with_header.json()
    events = owner.http.get(f"{path}/events", params=query | {"after": 0})
    assert "event: end" in events.text
    assert owner.http.get(f"/v1/jobs/{world.queued}", params=query).status_code == 404
    body = {"inputs": [[0.5, 0.25]]}
    assert owner.http.post(f"{path}/predict", params=query, json=body).status_code == 401
    for other in (owner, made_key(owner, actions=["read", "change"])):
        response = owner.http.get(path, params={"key": other.key})
        assert response.status_code == 403
        assert "may stand in a URL" in response.json()["detail"]


def test_a_key_for_pages_of_an_origin_works_there(owner: Wires, world: World) -> None:
    page, elsewhere = "https://lesson.example", "https://evil.example"
    path = f"/v1/jobs/{world.ended}/predict"
    caller = made_key(owner, jobs=[world.ended], origins=[page])

    def answer(verb: str, origin: str, key: str | None = None, **more: Any) -> tuple[int, Any]:
        headers = {"Origin": origin} | ({"Authorization": f"Bearer {key}"} if key else {})
        if verb == "OPTIONS":
            headers["Access-Control-Request-Method"] = "POST"
            headers["Access-Control-Request-Headers"] = "authorization,content-type"
        response = owner.http.request(verb, path, headers=headers, **more)
        return response.status_code, response.headers.get("access-control-allow-origin")

    inputs = [[0.5, 0.25]]
    body = {"inputs": inputs}
    assert answer("OPTIONS", page) == (200, page)
    assert answer("OPTIONS", elsewhere)[1] is None
    assert answer("POST", page, caller.key, json=body) == (200, page)
    assert answer("POST", elsewhere, caller.key, json=body) == (403, None)
    assert answer("POST", page, owner.key, json=body)[1] is None  # not named by this key
    assert answer("POST", page, json=body) == (401, None)
    assert caller.over_grpc("Predict", id=world.ended, inputs=inputs).kind is None
    assert caller.key is not None
    owner.over_http("DeleteKey", id=caller.key.split("_")[1])
    # The page can read why it is refused.
    assert answer("OPTIONS", page) == (200, page)
    assert answer("POST", page, caller.key, json=body) == (401, page)
