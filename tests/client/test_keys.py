"""API keys in the SDK and in the command line, against a service that needs them."""

import dataclasses
import stat
from pathlib import Path

import httpx2
import pytest
from tests.client.material import XOR
from tests.client.test_cli import Run, run  # noqa: F401 (a fixture)
from tests.servers.stack import MakeStack, Stack

import epochal
from epochal import credentials

# The page of a service with keys is in `make test`, with the SDK beside it.
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def locked(module_stack: MakeStack) -> tuple[Stack, str, str]:
    """A service that needs keys, a key of the owner `local`, and one that may only read."""
    stack = module_stack(keys=[["laptop"], ["dashboard", "--scope", "read"]])
    key, reader = stack.keys
    return stack, key, reader


@pytest.fixture(params=["http", "grpc"])
def url(request: pytest.FixtureRequest, locked: tuple[Stack, str, str]) -> str:
    return locked[0].http if request.param == "http" else f"grpc://{locked[0].grpc}"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("EPOCHAL_API_KEY", raising=False)
    return tmp_path


@pytest.mark.long
def test_a_client_with_a_key_trains_watches_and_predicts(
    url: str, locked: tuple[Stack, str, str]
) -> None:
    with epochal.Client(url, api_key=locked[1]) as client:
        job = client.jobs.create(XOR)
        assert [event.type for event in job.watch()][-1] == "end"
        assert job.refresh().state == "succeeded"
        assert len(job.predict([[0, 1]])) == 1


def test_a_client_without_a_key_or_with_a_wrong_one_is_refused(url: str) -> None:
    for key in (None, f"ep_{'0' * 12}_{'0' * 64}"):
        with epochal.Client(url, api_key=key) as client:
            with pytest.raises(epochal.Unauthenticated):
                client.limits()
            assert client.health()  # needs none


def test_a_key_to_read_cannot_train(url: str, locked: tuple[Stack, str, str]) -> None:
    with epochal.Client(url, api_key=locked[2]) as client:
        assert client.limits()
        with pytest.raises(epochal.Forbidden, match="needs train"):
            client.jobs.create(XOR)


def test_a_made_key_shows_one_job_in_python_and_on_the_command_line(
    url: str,
    locked: tuple[Stack, str, str],
    run: Run,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EPOCHAL_API_KEY", locked[1])
    with epochal.Client(url) as client:
        job, other = (client.jobs.create(XOR).wait() for _ in range(2))
        made = client.keys.create(jobs=[job.id], name="board")
        assert client.keys.list()[0] == dataclasses.replace(made, key=None)
    with epochal.Client(url, api_key=made.key) as client:
        assert [listed.id for listed in client.jobs.list()] == [job.id]
        assert [event.type for event in client.jobs.get(job.id).watch()][-1] == "end"
        with pytest.raises(epochal.NotFound, match=f"reaches {job.id} only"):
            client.jobs.get(other.id)
        with pytest.raises(epochal.Forbidden, match="needs delete"):
            client.jobs.delete(job.id)
        with pytest.raises(epochal.Forbidden, match="needs share"):
            client.keys.create()
    assert made.id in run("keys", url=url).stdout
    assert "No model yet" in run("models", url=url).stdout
    key, link = run("keys", "create", "--job", job.id, "--days", "1", url=url).stdout.split()
    assert link.endswith(f"/jobs/{job.id}#key={key}")
    assert "is revoked" in run("keys", "delete", key.split("_")[1], url=url).stdout
    assert run("keys", "delete", key.split("_")[1], url=url).returncode == 4
    assert run("keys", "delete", url=url).returncode == 2
    monkeypatch.setenv("EPOCHAL_API_KEY", str(made.key))
    refused = run("cancel", job.id, url=url)
    assert refused.returncode == 6
    assert "Use another key: epochal login." in refused.stderr


def test_a_key_in_a_url_is_in_no_log(locked: tuple[Stack, str, str]) -> None:
    stack, api_key, _ = locked
    with epochal.Client(stack.http, api_key=api_key) as client:
        job = client.jobs.create(XOR)
        key = client.keys.create(jobs=[job.id]).key
    assert key is not None
    with httpx2.Client(base_url=stack.http) as browser:
        for path in (f"/v1/jobs/{job.id}", "/v1/jobs/job_1", "/nothing"):
            reply = browser.get(path, params={"key": key})
            assert reply.is_success == path.endswith(job.id)
    assert f"path=/v1/jobs/{job.id} " in stack.log.read_text()
    assert key.split("_")[2] not in stack.log.read_text()


def test_the_key_comes_from_the_environment_or_from_headers(
    url: str, locked: tuple[Stack, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with epochal.Client(url, default_headers={"Authorization": f"Bearer {locked[1]}"}) as client:
        assert client.limits()
    monkeypatch.setenv("EPOCHAL_API_KEY", locked[1])
    with epochal.Client(url) as client:
        assert client.limits()


def test_login_saves_a_key_that_only_the_user_can_read(
    url: str,
    locked: tuple[Stack, str, str],
    run: Run,  # noqa: F811
) -> None:
    refused = run("jobs", url=url)
    assert refused.returncode == 6
    assert "Save a key: epochal login." in refused.stderr
    done = run("login", url=url, input=f"{locked[1]}\n")
    assert done.returncode == 0, done.stderr
    assert locked[1] not in done.stdout + done.stderr
    assert stat.S_IMODE(credentials.path().stat().st_mode) == 0o600
    assert run("jobs", url=url).returncode == 0
    with epochal.Client(url) as client:
        assert client.limits()
    assert "Forgot" in run("logout", url=url).stdout
    assert run("jobs", url=url).returncode != 0
    assert "No API key is saved" in run("logout", url=url).stdout


def test_a_stream_token_opens_the_events_of_its_job_and_is_in_no_log(
    url: str, locked: tuple[Stack, str, str]
) -> None:
    stack, api_key, _ = locked
    with epochal.Client(url, api_key=api_key) as client:
        job = client.jobs.create(XOR).wait()
        token = job.stream_token().token
    for path in (f"/v1/jobs/{job.id}/events", "/v1/jobs", "/nothing"):
        with httpx2.Client(base_url=stack.http) as browser:
            reply = browser.get(path, params={"after": "0", "token": token})
        assert reply.is_success == path.endswith("events")
    log = stack.log.read_text()
    assert f"path=/v1/jobs/{job.id}/events" in log
    assert token.split(".")[2] not in log


def test_login_does_not_save_a_key_that_is_not_valid(
    url: str,
    run: Run,  # noqa: F811
) -> None:
    refused = run("login", url=url, input="ep_123\n")
    assert refused.returncode != 0
    assert not credentials.path().exists()


def test_login_saves_no_empty_key_where_none_is_needed(
    run: Run,  # noqa: F811
) -> None:
    for line in ("", "\n", "  \n"):
        refused = run("login", input=line)
        assert refused.returncode == 2
        assert "The API key is empty" in refused.stderr
    assert not credentials.path().exists()


def test_a_saved_key_belongs_to_one_address() -> None:
    credentials.save_key("http://one.example/", "ep_1")
    credentials.save_key("http://two.example", "ep_2")
    assert credentials.saved_key("http://one.example") == "ep_1"
    assert credentials.forget_key("http://one.example")
    assert not credentials.forget_key("http://one.example")
    assert credentials.saved_key("http://two.example") == "ep_2"
    credentials.path().write_text("not JSON")
    assert credentials.saved_key("http://two.example") is None
