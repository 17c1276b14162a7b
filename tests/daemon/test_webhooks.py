"""Webhooks of a whole Epochal: the API is killed between the end of a job and its delivery."""

import json
import os
import signal
import subprocess
import sys

import pytest
from tests.servers.replies import ReplyServer, receiver
from tests.servers.stack import MakeStack, Stack, await_condition

import epochal

pytestmark = pytest.mark.long

__all__ = ["receiver"]

SECRET = epochal.create_webhook_secret()


@pytest.fixture(scope="module")
def stack(module_stack: MakeStack) -> Stack:
    return module_stack(webhook_hosts="127.0.0.1", webhook_seconds=1, workers=1)


def state_in_store(stack: Stack, job_id: str) -> str:
    """The state of a job without the API."""
    from epochal_service.store import Database, jobs

    database = Database(stack.database_url)
    with database.read() as connection:
        row = jobs.find(connection, job_id)
    database.close()
    assert row is not None
    return row.state


def test_the_end_is_delivered_after_a_kill_before_and_in_the_attempt(
    stack: Stack, receiver: ReplyServer
) -> None:
    with epochal.Client(stack.http) as client:
        spec = client.preset("xor") | {"epochs": 30_000}
        job = client.jobs.create(spec, webhooks=[{"url": receiver.url, "secret": SECRET}])
        await_condition(lambda: job.refresh().epoch > 0, 60, "the job runs")
        api = stack.pid("api")
        os.kill(api, signal.SIGSTOP)
        await_condition(lambda: state_in_store(stack, job.id) == "succeeded", 60, "the job ends")
        assert receiver.requests == []
        killed: list[bool] = []

        def kill_once() -> None:
            if not killed:
                killed.append(True)
                os.kill(stack.pid("api"), signal.SIGKILL)

        receiver.waiting = kill_once
        os.kill(api, signal.SIGKILL)
        await_condition(lambda: len(receiver.requests) == 2, 90, "two attempts")
        await_condition(
            lambda: [row.state for row in job.deliveries()] == ["delivered"], 30, "a delivery"
        )
        [delivery] = job.deliveries()
    events = [epochal.verify_webhook(body, head, SECRET) for _, head, body in receiver.requests]
    assert events[0] == events[1]
    assert events[0]["data"]["id"] == job.id
    assert {head["webhook-id"] for _, head, _ in receiver.requests} == {delivery.id}
    # The attempt of the killed process has no result.
    assert [attempt.status for attempt in delivery.attempts] == [200]


def test_the_command_line_names_a_receiver_and_lists_deliveries(
    stack: Stack, receiver: ReplyServer
) -> None:
    def run(*words: str) -> str:
        variables = {"EPOCHAL_URL": stack.http, "EPOCHAL_WEBHOOK_SECRET": SECRET}
        command = [sys.executable, "-m", "epochal", *words]
        environment = os.environ | variables
        return subprocess.run(
            command, env=environment, check=True, capture_output=True, text=True
        ).stdout

    job_id = json.loads(run("train", "xor", "--webhook", receiver.url, "--json"))["id"]
    await_condition(lambda: "delivered" in run("deliveries", job_id), 60, "a delivery")
    assert "status 200" in run("deliveries", "last")
    [delivery] = json.loads(run("deliveries", job_id, "--json"))["deliveries"]
    [(_, head, body)] = receiver.requests
    assert head["webhook-id"] == delivery["id"]
    assert epochal.verify_webhook(body, head, SECRET)["type"] == "job.succeeded"
    other = json.loads(run("train", "xor", "--epochs", "2", "--json"))["id"]
    assert run("deliveries", other) == f"{other} succeeded: It has no webhooks.\n"
