"""No request of either wire holds up the event loop: with the largest replies, and with the worst
bodies that are not large enough for the second process.
"""

import io
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import grpc
import httpx2
import numpy as np
import pytest
from benchmarks._ground import submit, take_up
from benchmarks.curve import columns_of
from tests.contract.wires import Wires
from tests.rest.conftest import XOR
from tests.rpc import serving
from tests.rpc.serving import UNBOUNDED, Client
from tests.servers.loop_monitor import LoopMonitor, monitored_server
from tests.servers.postgres import free_port

from epochal_engine import HISTOGRAM_EDGES, STATISTICS, Block, Gradients
from epochal_service.curves.epochs import entry_of
from epochal_service.jobs import lifecycle
from epochal_service.jobs.lifecycle import Ending, Progress
from epochal_service.large import LARGE_BYTES
from epochal_service.settings import Address
from epochal_service.specs.training import TrainingSpec
from epochal_service.store import Database
from epochal_service.store.migrate import upgrade

pytestmark = pytest.mark.long

PAUSE = 0.1
"""Seconds for which no request may hold up the event loop, also of a processor that others use too:
alone, it is 0.01 to 0.03.
"""
EPOCHS = 20_000
LAYERS = 60
FEATURES = 1024

Service = tuple[Wires, LoopMonitor, dict[str, str]]
"""A server in a separate process, its monitor, and the ids of its stored objects."""


def write_job(database: Database, epochs: int, layers: int = 0) -> str:
    """Store a job that has ended, in segments as workers store them; return its id."""
    claim, columns, rng = take_up(database, epochs), columns_of(epochs), np.random.default_rng(1)
    entries = []
    count = 100 if layers else 1000  # epochs of a deep network take longer
    for start in range(0, epochs, count):
        part = {name: column[start : start + count] for name, column in columns.items()}
        gradients = Gradients(
            np.arange(start + 1, start + count + 1),
            tuple(f"layers[{index}].weights" for index in range(layers)),
            rng.normal(size=(count, layers, len(STATISTICS))),
            rng.integers(0, 9999, (count, layers, len(HISTOGRAM_EDGES) + 1)).astype(np.uint32),
        )
        block = Block(start + 1, part, gradients if layers else None)
        entry = entry_of(block, np.full(count, 1e-4))
        assert entry is not None
        entries.append(entry)
    assert lifecycle.flush(database, claim, Progress(entries, epochs)) == "running"
    assert lifecycle.end(database, claim, Progress(), Ending("succeeded", "completed"))
    return claim.id


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, valkey_server: str) -> Iterator[Service]:
    http, rpc = (Address(f"127.0.0.1:{free_port()}") for _ in range(2))
    chosen = serving.settings(
        tmp_path_factory.mktemp("pauses"),
        broker_url=valkey_server,
        http_address=http,
        grpc_address=rpc,
    )
    upgrade(chosen.database_url)
    database = Database(chosen.database_url)
    ids = {"long": write_job(database, EPOCHS), "deep": write_job(database, 1000, LAYERS)}
    for _ in range(200):
        submit(database, TrainingSpec.model_validate(XOR))
    database.close()
    with (
        monitored_server(chosen) as monitor,
        httpx2.Client(base_url=f"http://{http}", timeout=120) as client,
        grpc.insecure_channel(str(rpc), options=UNBOUNDED) as channel,
    ):
        file = io.BytesIO()
        np.savez(file, inputs=np.ones((1000, FEATURES)) / 3, targets=np.arange(1000) / 7)
        created = client.post(
            "/v1/datasets?name=wide",
            content=file.getvalue(),
            headers={"Content-Type": "application/x-npz"},
        )
        ids["wide"] = created.json()["id"]
        wires = Wires(None, client, Client(channel), None)  # type: ignore[arg-type]
        for answer in wires.both("ListJobs", page_size=1000):  # the second process starts
            assert answer.kind is None
        yield wires, monitor, ids


def pause(service: Service, call: Callable[[], object]) -> float:
    """Return the longest pause of the loop during a request, in seconds.

    It measures a second request of the kind: the first one may also import or start something.
    """
    _, monitor, _ = service
    call()
    return monitor.pause_of(call, PAUSE)


@pytest.mark.parametrize(
    ("rpc", "request_of"),
    [
        ("ListJobs", lambda ids: {"page_size": 1000}),
        ("ListJobs", lambda ids: {"page_size": 100, "curve_points": 100}),
        ("ListEpochs", lambda ids: {"id": ids["long"], "page_size": 1000}),
        ("GetCurve", lambda ids: {"id": ids["long"], "max_points": 1000}),
        ("GetCurve", lambda ids: {"id": ids["long"], "max_points": 100_000}),
        ("ListGradients", lambda ids: {"id": ids["deep"], "page_size": 1000}),
        ("ListGradients", lambda ids: {"id": ids["deep"], "page_size": 10}),
        ("GetComparison", lambda ids: {"jobs": [ids["long"], ids["deep"]], "max_points": 2000}),
        ("PreviewDataset", lambda ids: {"id": ids["wide"], "rows": 1000}),
        ("ListPresets", lambda ids: {}),
        ("ListSections", lambda ids: {}),
        ("ListArchitectures", lambda ids: {}),
    ],
)
def test_a_large_reply_does_not_hold_up_the_loop(
    service: Service,
    rpc: str,
    request_of: Callable[[dict[str, str]], dict[str, Any]],
) -> None:
    wires, _, ids = service
    request = request_of(ids)
    # As bytes: the client would take longer to read the largest reply than the server to write it.
    for call in (wires.response, wires.message):
        assert pause(service, partial(call, rpc, **request)) < PAUSE, call
    over_http, over_grpc = wires.both(rpc, **request)
    assert over_http.kind is None
    assert over_http == over_grpc


def filled(head: bytes, item: bytes, tail: bytes) -> bytes:
    """Return the largest body of such items that the process of the loop reads itself."""
    count = (LARGE_BYTES - len(head) - len(tail)) // (len(item) + 1)
    return head + b",".join([item] * count) + tail


NETWORK = b'{"epochs":1,"loss":"mse","network":{"input_shape":[2],"layers":['
INLINE = b'{"epochs":1,"loss":"mse","network":{"input_shape":[2],"layers":[]},"dataset":{"inputs":['
BODIES: dict[str, bytes] = {
    "right rows": filled(INLINE, b"[0.1,0.2]", b"]}}"),
    "a wrong last row": filled(INLINE, b"[0.1,0.2]", b',["a"]]}}'),
    "empty rows": filled(INLINE, b"[]", b"]}}"),
    "one long row": filled(INLINE + b"[", b"0", b"]]}}"),
    "unknown fields": b"{" + b",".join(b'"k%06d":1' % n for n in range(LARGE_BYTES // 12)) + b"}",
    "empty layers": filled(NETWORK, b"{}", b"]}}"),
    "layers": filled(NETWORK, b'{"type":"dense","units":1}', b"]}}"),
    "layers within layers": filled(
        NETWORK, b'{"type":"residual","layers":[' * 20 + b"]}" * 20, b"]}}"
    ),
    "no JSON": filled(b"[", b"1", b"]]"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_almost_large_does_not_hold_up_the_loop(service: Service, name: str) -> None:
    wires, _, _ = service
    headers = {"Content-Type": "application/json"}
    sweep = b'{"variants":[{"seed":1}],"job":' + BODIES[name][:-40] + b"}"
    assert len(BODIES[name]) <= LARGE_BYTES
    for path, body in (("/v1/jobs/validate", BODIES[name]), ("/v1/sweeps/validate", sweep)):
        post = partial(wires.http.post, path, content=body, headers=headers)
        assert post().status_code == 400
        assert pause(service, post) < PAUSE, path


@pytest.mark.parametrize("field", [b"\xa2\x06\x00", b"\x0a\x00"])  # an unknown one, and a known one
def test_a_message_that_is_almost_large_does_not_hold_up_the_loop(
    service: Service, field: bytes
) -> None:
    wires, _, _ = service

    def call() -> None:
        with pytest.raises(grpc.RpcError):
            wires.rpc.raw("ValidateJob", field * (LARGE_BYTES // len(field)))

    assert pause(service, call) < PAUSE


def test_rows_that_are_almost_large_do_not_hold_up_the_loop(service: Service) -> None:
    wires, _, _ = service
    rows = LARGE_BYTES // 32
    data = {"inputs": [[1.0, 0.5]] * rows, "targets": [[0.0], [1.0]] * (rows // 2)}
    call = partial(wires.over_grpc, "ValidateJob", spec={**XOR, "dataset": data})
    assert call().kind is None
    assert pause(service, call) < PAUSE
