"""Log lines: events with fields, the id of the request that caused them, and no flood."""

import ast
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any, Literal

import httpx2
import pytest
import structlog
from tests.servers.postgres import PostgresServer
from tests.servers.stack import MakeStack, Stack, await_condition
from tests.workers.in_process import XOR

import epochal
import epochal_service
import epochal_workers
from epochal_engine import chosen_engine
from epochal_service.processes import logs

EVENT = re.compile(r"[a-z]+(_[a-z]+)*")
LEVELS = {"debug", "info", "warning", "error", "exception"}
# Libraries write sentences.
FOREIGN = ("celery.", "kombu.", "uvicorn.", "asyncio", "alembic.")


def events() -> Iterator[tuple[Path, ast.expr]]:
    """The first argument of every call of a logger in the sources of service and workers."""
    for package in (epochal_service, epochal_workers):
        for file in Path(package.__path__[0]).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr in LEVELS
                    and isinstance(node.func.value, ast.Name)
                    and node.func.value.id in ("logger", "_log")
                ):
                    yield file, node.args[0]


def test_every_line_is_written_as_an_event() -> None:
    names = [(file.name, getattr(event, "value", None)) for file, event in events()]
    assert len(names) > 20
    assert [pair for pair in names if not EVENT.fullmatch(f"{pair[1]}")] == []


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_request_is_logged_as_structlog_would(
    log_format: Literal["json", "console"], capfd: pytest.CaptureFixture[str]
) -> None:
    fields: dict[str, Any] = {"method": "GET", "status": 200, "seconds": 0.0012, "key": None}
    paths = ["/v1/jobs", "", "/a b=\"'\\\n\x1b[1m\u2028é"]
    program = f"""
from structlog.contextvars import bound_contextvars
import structlog
from epochal_service.processes import logs
from epochal_service.settings import Settings
logs.configure(Settings(log_format={log_format!r}, log_level="info"))
with bound_contextvars(request="lesson-7"):
    for path in {paths!r}:
        logs.RequestLog("a.b")("request", path=path, **{fields!r})
        structlog.get_logger("a.b").info("request", path=path, **{fields!r})
    logs.RequestLog("a.b")("hidden", 10)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    times = r"\d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
    written, count = re.subn(f"({times})", "now", capfd.readouterr().err)
    rows = written.splitlines()
    assert count == len(rows) == 2 * len(paths)
    assert rows[::2] == rows[1::2]


def lines(stack: Stack) -> list[dict[str, Any]]:
    """The lines that are JSON: the supervisor has its ours."""
    text = stack.log.read_text(errors="replace")
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@pytest.mark.long
def test_json_lines_are_events_with_fields_and_the_id_of_the_request(make_stack: MakeStack) -> None:
    stack = make_stack(log_format="json", workers=1)
    with epochal.Client(stack.http, default_headers={"X-Request-Id": "lesson-7"}) as client:
        job = client.jobs.create(XOR)
        *_, last = job.watch()
        log = [*job.watch(after=0)]
        [running] = [e for e in log if isinstance(e, epochal.StateEvent) and e.engine]
        assert client.version().engine == running.engine
        calls = {e.python_calls for e in log if isinstance(e, epochal.StateEvent)}
    assert last.type == "end"
    with epochal.Client(f"grpc://{stack.grpc}") as client, pytest.raises(epochal.NotFound):
        client.jobs.get("job_none")

    def written(event: str, **fields: object) -> list[dict[str, Any]]:
        return [
            line
            for line in lines(stack)
            if line["event"] == event and fields.items() <= line.items()
        ]

    await_condition(lambda: written("attempt_ended", job=job.id), 60, "the worker has logged")
    [ended] = written("attempt_ended", job=job.id)
    assert (ended["state"], ended["attempt"], ended["request"]) == ("succeeded", 1, "lesson-7")
    [started] = written("attempt_started", job=job.id)
    assert started["engine"] == running.engine == chosen_engine()
    # An epoch of XOR is one step on all samples, which is compiled completely.
    assert (started["python_calls"] == 0) is (running.engine == "compiled")
    assert calls == {None, started["python_calls"]}
    await_condition(lambda: written("http_request", method="POST"), 60, "the request is logged")
    [created] = written("http_request", method="POST", path="/v1/jobs")
    assert (created["status"], created["request"]) == (201, "lesson-7")
    assert created["seconds"] > 0
    [audited] = written("audit", method="CreateJob", id=job.id)
    assert audited["request"] == "lesson-7"
    refused = {"method": "GetJob", "code": "NOT_FOUND", "level": "info"}
    await_condition(lambda: written("grpc_request", **refused), 60, "the call is logged")
    # Probes are not logged: they come every few seconds.
    assert not [line for line in lines(stack) if line.get("path") == "/readyz"]
    ours = [line for line in lines(stack) if not line["logger"].startswith(FOREIGN)]
    assert [line for line in ours if not EVENT.fullmatch(line["event"])] == []


def test_the_log_of_people_has_the_same_events(stack: Stack) -> None:
    assert httpx2.get(f"{stack.http}/v1/jobs", trust_env=False).status_code == 200
    pattern = (
        r"^api +\| \d\d:\d\d:\d\d \[info +\] http_request .*method=GET path=/v1/jobs.* status=200"
    )
    await_condition(
        lambda: re.search(pattern, stack.log.read_text(), re.M), 60, "the request is logged"
    )


@pytest.mark.long
def test_the_log_does_not_flood_while_the_database_is_away(
    make_stack: MakeStack, postgres_server: PostgresServer
) -> None:
    stack = make_stack(
        database="postgresql", log_format="json", workers=1, lease_seconds=1.5, reaper_seconds=0.5
    )
    unending = {**XOR, "epochs": 1_000_000, "dataset": {"name": "two_moons", "samples": 2000}}
    with epochal.Client(stack.http) as client:
        job = client.jobs.create(unending)
        watching = job.watch()
        assert next(watching).type == "snapshot"
        await_condition(lambda: job.refresh().state == "running", 60, "it is trained")
        before = len(lines(stack))
        postgres_server.stop()
        try:
            await_condition(lambda: not stack.ready(), 60, "the service is down")
            # Four polls a second of the watched job, two rounds of the reaper, renewals of leases.
            until = monotonic() + 3
            await_condition(lambda: monotonic() > until, 60, "some seconds have passed")
            counts = Counter((line["event"], line.get("error")) for line in lines(stack)[before:])
            assert "events_not_read" in {event for event, _ in counts}, counts
            assert max(counts.values()) <= 2, counts  # one of each process
        finally:
            postgres_server.start()
        await_condition(stack.ready, 60, "the service is ready")
        job.cancel()
        assert [event.type for event in watching][-1] == "end"


def test_an_error_that_repeats_is_logged_once_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(logs, "monotonic", lambda: now)
    limit = logs.RepeatedErrors()

    def passes(event: str, **fields: object) -> dict[str, object] | None:
        try:
            return dict(limit(None, "warning", {"event": event, **fields}))
        except structlog.DropEvent:
            return None

    assert passes("lost", error="away", job="a") == {"event": "lost", "error": "away", "job": "a"}
    assert passes("lost", error="away", job="b") is None
    assert passes("lost", error="away", job="c") is None
    assert passes("lost", error="full") is not None
    assert passes("other", error="away") is not None
    assert [passes("lost") for _ in range(2)] == [{"event": "lost"}] * 2  # not an error
    now += logs.QUIET_SECONDS
    assert passes("lost", error="away") == {"event": "lost", "error": "away", "repeats": 2}
    assert passes("lost", error="away") is None


def test_few_errors_are_remembered() -> None:
    limit = logs.RepeatedErrors()
    for number in range(3 * logs.MAX_ERRORS):
        limit(None, "warning", {"event": "lost", "error": f"{number}"})
    assert len(limit._logged) <= logs.MAX_ERRORS
