"""Both transports report the same errors, and wait for a bounded time."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.servers.replies import Reply, ReplyServer

import epochal
from epochal._proto import SERVICES, message
from epochal.transport import connect, pauses
from epochal.transport.grpc import to_dict, write
from epochal.transport.reuse import ReplyCache, TaggedReply
from epochal.transport.routes import ROUTES

pytestmark = pytest.mark.every_variant

JOB = {"id": "job_1", "state": "queued", "spec": {"epochs": 3}}
BUSY = (503, {"Retry-After": "0"}, {"reason": "unavailable", "detail": "busy"})


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that takes no connections, and that nobody else is given meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def test_every_method_of_the_api_has_a_route() -> None:
    assert set(ROUTES) == {method.name for service in SERVICES for method in service.methods}


@pytest.mark.parametrize("url", ["ftp://host", "127.0.0.1:8000", "http://", "grpc://", "nonsense"])
def test_an_address_of_another_kind_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(epochal.EpochalError, match=r"Write http://host:port or grpc://host:port"):
        connect(url, {})


def test_the_address_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPOCHAL_URL", "http://10.0.0.1:9/")
    with epochal.Client() as client:
        assert repr(client) == "Client('http://10.0.0.1:9')"
    monkeypatch.delenv("EPOCHAL_URL")
    with epochal.Client() as client:
        assert client.base_url == "http://127.0.0.1:8000"


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_nobody_at_the_address_is_one_sentence_that_says_what_to_do(
    scheme: str, closed_port: int
) -> None:
    url = f"{scheme}://127.0.0.1:{closed_port}"
    with epochal.Client(url, retries=0) as client:
        with pytest.raises(epochal.ConnectionFailed) as failed:
            client.version()
        with pytest.raises(epochal.ConnectionFailed):
            client.health()
    assert str(failed.value) == (
        f"Cannot reach Epochal at {url} (connection refused). "
        "Is it running? Start it with `make run`."
    )
    assert isinstance(failed.value, ConnectionError)


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_missing_reply_raises_timed_out(scheme: str, silent_port: int) -> None:
    with (
        epochal.Client(f"{scheme}://127.0.0.1:{silent_port}", timeout=0.3) as client,
        pytest.raises(epochal.TimedOut) as late,
    ):
        client.version()
    assert isinstance(late.value, TimeoutError)


def test_a_suggestion_may_take_four_times_as_long(silent_port: int) -> None:
    seconds: list[float] = []
    with epochal.Client(f"http://127.0.0.1:{silent_port}", timeout=0.05) as client:
        hooks: Any = client._session.transport
        hooks._client.event_hooks = {
            "request": [lambda request: seconds.append(request.extensions["timeout"]["read"])]
        }
        for call in client.version, lambda: client.datasets.suggest("iris"):
            with pytest.raises(epochal.TimedOut):
                call()
    assert seconds == [0.05, 0.2]


def test_the_address_of_the_other_transport_is_an_error(canned: ReplyServer) -> None:
    with (
        epochal.Client(canned.url.replace("http", "grpc"), retries=0) as client,
        pytest.raises(epochal.ConnectionFailed, match="does not speak gRPC"),
    ):
        client.version()


def test_without_grpcio_the_error_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['grpc'] = None\n"
        "import epochal\n"
        "try: epochal.Client('grpc://127.0.0.1:50051')\n"
        "except epochal.MissingDependency as e: print(e)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install grpcio grpcio-status protobuf" in done.stdout


def test_a_create_is_sent_again_with_the_same_key(canned: ReplyServer) -> None:
    canned.replies = [BUSY, None, (201, {}, JOB)]
    with epochal.Client(canned.url) as client:
        assert client.jobs.create({"epochs": 3}).id == "job_1"
    keys = {request.headers["Idempotency-Key"] for request in canned.requests}
    assert [request.line for request in canned.requests] == ["POST /v1/jobs"] * 3
    assert len(keys) == 1


def test_two_creates_have_different_keys(canned: ReplyServer) -> None:
    canned.replies = [(201, {}, JOB)] * 3
    with epochal.Client(canned.url) as client:
        client.jobs.create({"epochs": 3})
        client.jobs.create({"epochs": 3})
        client.jobs.create({"epochs": 3}, request_id="mine")
    first, second, third = [request.headers["Idempotency-Key"] for request in canned.requests]
    assert first != second
    assert third == "mine"


def test_retries_are_bounded_and_the_last_error_is_raised(canned: ReplyServer) -> None:
    canned.replies = [BUSY] * 3
    with (
        epochal.Client(canned.url, retries=2) as client,
        pytest.raises(epochal.Unavailable, match="busy"),
    ):
        client.version()
    assert len(canned.requests) == 3


def test_the_pause_that_the_service_asks_for_is_cache(canned: ReplyServer) -> None:
    canned.replies = [
        (503, {"Retry-After": "1"}, {"reason": "unavailable", "detail": "busy"}),
        (200, {}, {"version": "1"}),
    ]
    started = time.monotonic()
    with epochal.Client(canned.url) as client:
        assert client.version().version == "1"
    assert time.monotonic() - started >= 1


def test_pauses_double_and_end_at_the_longest() -> None:
    waits = pauses()
    seen = [next(waits) for _ in range(10)]
    for wait, middle in zip(seen, [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 5, 5], strict=True):
        assert 0.75 * middle <= wait <= 1.25 * middle


def test_whatever_is_made_is_made_once(canned: ReplyServer) -> None:
    network = {"id": "net_1", "created_at": "2026-01-31T12:00:00Z"}
    upload = {"id": "upload_1", "size_bytes": 8, "created_at": "2026-01-31T12:00:00Z"}
    upload |= {"expires_at": "2026-01-31T13:00:00Z", "offset": 0}
    canned.replies = [None, BUSY, (201, {}, network)]
    canned.replies += [None, (201, {}, upload), None, (200, {}, upload | {"offset": 8})]
    canned.replies += [None, (201, {}, {"id": "data_1"})]
    with epochal.Client(canned.url) as client:
        client.networks.create(epochal.network([2], [epochal.dense(1)]))
        client.datasets.upload("x,y\n1,2\n", request_id="mine")
    bodies = [request.body for request in canned.requests]
    pieces = [body for body in bodies if body == b"x,y\n1,2\n"]
    keys = [json.loads(body)["request_id"] for body in bodies if body not in pieces]
    assert [keys[0]] * 3 + [keys[3]] * 2 + ["mine"] * 2 == keys
    assert len(pieces) == 2
    assert [request.line for request in canned.requests[5:7]] == [
        "POST /v1/uploads/upload_1/append?offset=0"
    ] * 2


def test_a_quota_that_is_free_again_later_is_waited_for(canned: ReplyServer) -> None:
    problem = {"reason": "quota_exceeded", "detail": "The quota is used up."}
    later: Reply = (429, {"Retry-After": "0"}, problem)
    canned.replies = [later, later, (200, {}, {"version": "1"})]
    with epochal.Client(canned.url) as client:
        client.version()
        assert len(canned.requests) == 3
        canned.replies = [(429, {}, problem)]
        with pytest.raises(epochal.QuotaExceeded) as refused:
            client.version()
    assert refused.value.retry_after is None
    assert len(canned.requests) == 4


def test_a_refusal_is_not_repeated(canned: ReplyServer) -> None:
    canned.replies = [(409, {}, {"reason": "conflict", "detail": "It is over."})]
    with epochal.Client(canned.url) as client, pytest.raises(epochal.Conflict, match=r"over\."):
        client.networks.delete("net_1")
    assert len(canned.requests) == 1


def test_a_delete_whose_answer_was_lost_has_been_done(canned: ReplyServer) -> None:
    unreachable: Reply = (404, {}, {"reason": "not_found", "detail": "unreachable"})
    canned.replies = [None, unreachable]
    with epochal.Client(canned.url) as client:
        client.networks.delete("net_1")
        canned.replies = [unreachable]
        with pytest.raises(epochal.NotFound):
            client.networks.delete("net_1")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, epochal.InvalidArgument),
        (404, epochal.NotFound),
        (409, epochal.Conflict),
        (413, epochal.TooLarge),
        (415, epochal.UnsupportedMediaType),
        (422, epochal.IdempotencyMismatch),
        (429, epochal.QuotaExceeded),
        (500, epochal.ApiError),
        (501, epochal.NotInstalled),
        (503, epochal.Unavailable),
        (418, epochal.ApiError),
    ],
)
def test_each_status_has_its_error(
    canned: ReplyServer, status: int, kind: type[epochal.ApiError]
) -> None:
    problem = {
        "reason": "because",
        "detail": "A sentence.",
        "errors": [{"field": "epochs", "description": "must be at least 1"}],
    }
    canned.replies = [(status, {}, problem)]
    with epochal.Client(canned.url, retries=0) as client, pytest.raises(kind) as refused:
        client.version()
    error = refused.value
    assert type(error) is kind
    assert (error.status, error.reason, str(error)) == (status, "because", "A sentence.")
    assert error.errors == (("epochs", "must be at least 1"),)


@pytest.mark.parametrize("body", [b"<html>404</html>", b"[]", b""])
def test_a_reply_of_another_program_is_an_error(canned: ReplyServer, body: bytes) -> None:
    canned.replies = [(404, {}, body)]
    with epochal.Client(canned.url) as client, pytest.raises(epochal.ApiError) as odd:
        client.version()
    assert odd.value.reason == "not_epochal"
    assert "another program" in str(odd.value)


def test_pages_are_fetched_only_as_they_are_needed(canned: ReplyServer) -> None:
    canned.replies = [
        (200, {}, {"jobs": [JOB, {**JOB, "id": "job_2"}], "next_page_token": "t/2"}),
        (200, {}, {"jobs": [{**JOB, "id": "job_3"}], "next_page_token": None}),
    ]
    with epochal.Client(canned.url) as client:
        jobs = client.jobs.list(states="queued", page_size=2)
        assert canned.requests == []
        assert [next(jobs).id, next(jobs).id] == ["job_1", "job_2"]
        assert len(canned.requests) == 1
        assert [job.id for job in jobs] == ["job_3"]
    assert [request.line for request in canned.requests] == [
        "GET /v1/jobs?states=queued&page_size=2",
        "GET /v1/jobs?states=queued&page_size=2&page_token=t%2F2",
    ]


def test_an_id_is_one_segment_of_the_path(canned: ReplyServer) -> None:
    canned.replies = [(404, {}, {"reason": "not_found", "detail": "no"})]
    with epochal.Client(canned.url) as client:
        with pytest.raises(epochal.NotFound):
            client.jobs.get("a/b?c")
        with pytest.raises(epochal.InvalidArgument, match="id: is required"):
            client.jobs.get("")
    assert [request.line for request in canned.requests] == ["GET /v1/jobs/a%2Fb%3Fc"]


def test_a_spec_survives_the_way_into_a_message_and_back() -> None:
    spec = {
        "network": {"input_shape": [2], "layers": [{"type": "dense", "units": 1}]},
        "dataset": {"inputs": [[0.0, 1.0]], "targets": [[1.0]], "scaling": "minmax"},
        "loss": "mse",
        "epochs": 5,
        "validation_fraction": 0.0,
        "early_stopping": None,
        "labels": {"course": "week-3"},
    }
    sent = message("TrainingSpec")()
    write(sent, spec)
    del spec["early_stopping"]
    assert to_dict(sent) == spec


LOSSES = (
    "mse, binary_cross_entropy, cross_entropy, mae, huber, focal, hinge, perceptron, preference"
)


DROPOUT = {"type": "dropout"}
SCHEDULES = "constant, step, exponential, cosine, one_cycle, reduce_on_plateau"


def test_one_size_stands_for_all_axes_and_one_number_for_a_row() -> None:
    convolution = {"type": "conv2d", "filters": 2, "kernel_size": 3, "input": "input"}
    sent = message("TrainingSpec")()
    write(sent, {"network": {"layers": [convolution]}, "dataset": {"targets": [0, 1.5]}})
    reply = to_dict(sent)
    (layer,) = reply["network"]["layers"]
    assert (layer["kernel_size"], layer["input"]) == ([3], ["input"])
    assert reply["dataset"]["targets"] == [[0.0], [1.5]]


@pytest.mark.parametrize(
    ("spec", "field", "sentence"),
    [
        ({"epoch": 5}, "epoch", "is not a field here"),
        ({"epochs": "five"}, "epochs", "must be a whole number"),
        ({"epochs": 2**31}, "epochs", "must be a whole number below 2**31"),
        ({"seed": 2**63}, "seed", "must be a whole number below 2**63"),
        ({"loss": "kl"}, "loss", f"must be one of {LOSSES}"),
        ({"loss": 3}, "loss", f"must be one of {LOSSES}"),
        ({"network": []}, "network", "must be an object"),
        ({"network": {"layers": {}}}, "network.layers", "must be a list"),
        (
            {"network": {"layers": [{"type": "dense", "units": None}, DROPOUT | {"rate": "x"}]}},
            "network.layers[1].rate",
            "must be a number",
        ),
        (
            {"network": {"layers": [DROPOUT | {"units": 1}]}},
            "network.layers[0].units",
            "is not a field here",
        ),
        ({"network": {"layers": [{"units": 1}]}}, "network.layers[0].type", "is required"),
        ({"schedule": {"type": "cosines"}}, "schedule.type", f"must be one of {SCHEDULES}"),
        ({"schedule": {"type": ["step"]}}, "schedule.type", f"must be one of {SCHEDULES}"),
        ({"dataset": {"name": "xor", "size": 4}}, "dataset.size", "is not a field here"),
        ({"network": {"input_shape": ["a"]}}, "network.input_shape[0]", "must be a whole number"),
        ({"dataset": {"inputs": [1]}}, "dataset.inputs[0]", "must be a list"),
        ({"dataset": {"inputs": [[0, "x"]]}}, "dataset.inputs[0]", "must be a number"),
        ({"labels": {"a": 1}}, "labels.a", "must be a text"),
        ({"labels": []}, "labels", "must be an object"),
    ],
)
def test_what_a_message_has_no_place_for_is_refused_by_its_place(
    spec: dict[str, object], field: str, sentence: str
) -> None:
    with pytest.raises(epochal.InvalidArgument) as refused:
        write(message("TrainingSpec")(), spec)
    assert refused.value.errors == ((field, sentence),)


def tagged(number: int) -> Reply:
    return 200, {"ETag": f'W/"{number}"'}, {"version": str(number)}


def test_an_unchanged_reply_is_read_from_memory(canned: ReplyServer) -> None:
    unchanged: Reply = (304, {"ETag": 'W/"1"'}, b"")
    canned.replies = [tagged(1), unchanged, tagged(2), (304, {"ETag": 'W/"2"'}, b"")]
    with epochal.Client(canned.url) as client:
        assert [client.version().version for _ in range(4)] == ["1", "1", "2", "2"]
    sent = [request.headers.get("If-None-Match") for request in canned.requests]
    assert sent == [None, 'W/"1"', 'W/"1"', 'W/"2"']


def test_another_request_or_client_has_no_reply_in_memory(canned: ReplyServer) -> None:
    job: Reply = (200, {"ETag": 'W/"1"'}, JOB)
    canned.replies = [job] * 3
    with epochal.Client(canned.url) as client:
        client.jobs.get("job_1")
        client.jobs.get("job_2")
    with epochal.Client(canned.url) as client:
        client.jobs.get("job_1")
    assert {request.headers.get("If-None-Match") for request in canned.requests} == {None}


def test_an_error_in_place_of_an_unchanged_reply_is_raised(canned: ReplyServer) -> None:
    missing: Reply = (404, {}, {"reason": "not_found", "detail": "gone"})
    canned.replies = [tagged(1), missing, (304, {}, b"")]
    with epochal.Client(canned.url) as client:
        client.version()
        with pytest.raises(epochal.NotFound):
            client.version()
        assert client.version().version == "1"


def test_a_loopback_service_need_not_compress(canned: ReplyServer) -> None:
    canned.replies = [tagged(1)]
    with epochal.Client(canned.url) as client:
        client.version()
    assert canned.requests[0].headers["Accept-Encoding"] == "identity"


def test_replies_in_memory_have_a_limit() -> None:
    cached = ReplyCache[str](max_bytes=800)
    for number in range(8):
        cached.put(number, TaggedReply("tag", str(number), 100))
    cached.put(7, TaggedReply("new", "seven", 100))
    assert cached.get(0) is not None
    cached.put(
        8, TaggedReply("tag", "8", 100)
    )  # the reply to 1 leaves, which was read least recently
    assert [key for key in range(9) if cached.get(key)] == [0, 2, 3, 4, 5, 6, 7, 8]
    assert cached.get(7) == ("new", "seven", 100)
    cached.put(8, TaggedReply("tag", "large", 101))  # too large to stay, and the former one is old
    assert cached.get(8) is None
