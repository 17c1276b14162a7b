"""The command line: its output and its exit codes."""

import csv
import inspect
import io
import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from tests.client.material import XOR
from tests.rest.test_corruption import CORNERS
from tests.rest.test_generation import CIRCLE
from tests.servers.replies import ReplyServer
from tests.servers.stack import Stack, await_condition

import epochal
from epochal.cli.app import Commands, app, main
from epochal.cli.inputs import read_inputs, set_field

DIVERGING = ["--set", "optimizer.learning_rate=1e9", "--set", "network.layers[0].activation=relu"]
ENDLESS = ["moons", "--epochs", "1000000", "--set", "batch_size=1"]

Run = Callable[..., subprocess.CompletedProcess[str]]


def environment(url: str) -> dict[str, str]:
    keep = {k: v for k, v in os.environ.items() if k not in ("EPOCHAL_URL", "NO_COLOR", "COLUMNS")}
    return {**keep, "EPOCHAL_URL": url, "TERM": "xterm-256color"}


@pytest.fixture
def run(stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `epochal` with arguments against the session's service, in this process."""

    def run(*words: str, input: str = "", url: str = stack.http) -> Any:
        monkeypatch.setattr(os, "environ", environment(url))
        monkeypatch.setattr(sys, "argv", ["epochal", *words])
        monkeypatch.setattr(sys, "stdin", io.StringIO(input))
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        code = left.value.code or 0
        assert isinstance(code, int)
        return subprocess.CompletedProcess(words, code, *capsys.readouterr())

    return run


@pytest.fixture
def client(stack: Stack) -> Iterator[epochal.Client]:
    with epochal.Client(stack.http) as client:
        yield client


def test_generate_prints_what_the_network_writes(run: Run, client: epochal.Client) -> None:
    job = client.jobs.create(CIRCLE, request_id="client-tests-circle").wait(60, check=True)
    options = ("--temperature", "0", "--max-tokens", "5")
    assert run("generate", job.id, "a", *options).stdout == "abcabc\n"
    assert run("generate", job.id, "a", *options, "--count", "2").stdout == "abcabc\nabcabc\n"
    reply = json.loads(run("generate", job.id, "a", *options, "--json").stdout)
    assert (reply["prompt"], reply["samples"][0]["text"]) == ("a", "bcabc")
    tools = run("generate", job.id, "a", *options, "--tool", "calculator")
    assert tools.stdout == "abcabc\n"  # it calls none
    assert "calculator" in run("generate", job.id, "a", "--tool", "python").stderr
    refused = run("generate", job.id, "a?")
    assert (refused.returncode, "'?'" in refused.stderr) == (2, True)


def test_training_a_preset_draws_the_curve_and_sums_up(run: Run) -> None:
    done = run("train", "xor")
    assert done.returncode == 0
    assert "▀▀ train_loss" in done.stdout
    assert re.search(r"job_\S+ succeeded · 500 epochs in \S+ s \([\d,]+ epochs/s\)", done.stdout)
    assert "accuracy 100.0 %" in done.stdout
    assert "No line separates the two classes, because the point (0.5, 0.5)" in done.stdout
    assert re.search(r"job_\S+ · 33 parameters · 4 samples\n", done.stderr)
    assert "\x1b" not in done.stdout + done.stderr


def test_a_run_that_is_no_better_than_a_constant_says_so(run: Run) -> None:
    # The initial weights of this seed have a loss of 0.73, and a constant 0.693.
    changes = ("--set", "optimizer.learning_rate=1e-9", "--epochs", "2", "--seed", "2")
    done = run("train", "xor", *changes)
    assert done.returncode == 0
    warning = "Finished, but worse than predicting the class shares: training loss 0.73"
    assert warning in done.stdout
    assert "- best constant" in done.stdout
    assert warning in run("show", "last").stdout


def test_training_works_over_grpc_too(run: Run, stack: Stack) -> None:
    done = run("train", "xor", "--url", f"grpc://{stack.grpc}", "--epochs", "20")
    assert done.returncode == 0
    assert "succeeded · 20 epochs" in done.stdout


def test_with_json_training_prints_one_document_and_nothing_else(run: Run) -> None:
    done = run("train", "xor", "--epochs", "5", "--seed", "3", "--label", "a=1", "--json")
    job = json.loads(done.stdout)
    assert (job["state"], job["epoch"], job["stop_reason"]) == ("succeeded", 5, "completed")
    assert (job["spec"]["seed"], job["spec"]["labels"]) == (3, {"a": "1"})
    assert done.stderr == ""


def test_a_spec_comes_from_a_file_or_from_standard_input(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "spec.json"
    file.write_text(json.dumps({**XOR, "epochs": 4}))
    assert "succeeded · 4 epochs" in run("train", str(file)).stdout
    done = run("train", "-", "--epochs", "3", input=file.read_text())
    assert "succeeded · 3 epochs" in done.stdout


def test_workers_are_listed(run: Run) -> None:
    workers = json.loads(run("workers", "--json").stdout)["workers"]
    assert len(workers) == 2
    assert {worker["state"] for worker in workers} <= {"idle", "busy"}
    shown = run("workers").stdout
    for worker in workers:
        assert f" {worker['pid']} " in shown


def test_a_job_that_diverges_leaves_with_1_and_says_what_to_do(run: Run) -> None:
    done = run("train", "xor", "--set", "optimizer.type=sgd", *DIVERGING)
    assert done.returncode == 1
    assert "failed (diverged)" in done.stdout
    assert "Lower the learning rate" in done.stdout


def test_an_invalid_spec_leaves_with_2_and_names_the_fields(run: Run) -> None:
    done = run("train", "xor", "--epochs", "0", "--set", "network.layers[0].units=0")
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.search(r"^error: ", done.stderr)
    assert "network.layers[0].units  must be at least 1" in done.stderr
    assert "epochs  must be at least 1" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "nope"], "not a file, a preset or a data set"),
        (["train", "xor", "--set", "nonsense"], "path.to.field=value"),
        (["train", "xor", "--set", "network.layers[7].units=1"], "does not exist in this spec"),
        (["train", "xor", "--label", "nonsense"], "key=value"),
        (["train", "-"], "not JSON"),
        (["train"], "give a SPEC, or --from"),
        (["train", "xro"], "not a file, a preset or a data set; did you mean xor?"),
        (["predict", "last"], "--inputs"),
        (["predict", "last", "--inputs", "[[0, "], "rows of numbers"),
        (["upload", "nope.csv"], "not a file"),
        (["nonsense"], "No such command"),
    ],
)
def test_wrong_usage_leaves_with_2_and_one_clear_sentence(
    run: Run, words: list[str], message: str
) -> None:
    done = run(*words)
    assert done.returncode == 2
    # Long sentences are wrapped inside a box.
    assert message in re.sub(r"[\s│]+", " ", done.stderr)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_service_that_is_not_there_leaves_with_3_and_says_how_to_start_it(
    run: Run, scheme: str
) -> None:
    done = run("jobs", url=f"{scheme}://127.0.0.1:1")
    assert done.returncode == 3
    assert done.stderr == (
        f"error: Cannot reach Epochal at {scheme}://127.0.0.1:1 (connection refused). "
        "Is it running? Start it with `make run`.\n"
    )


def test_a_quota_that_is_used_up_leaves_with_7_and_names_the_commands(
    run: Run, canned: ReplyServer
) -> None:
    problem = {"reason": "quota_exceeded", "detail": "The quota max_datasets is used up"}
    canned.replies = [(429, {}, problem)]
    refused = run("jobs", url=canned.url)
    assert refused.returncode == 7
    assert refused.stderr.splitlines() == [
        "error: The quota max_datasets is used up",
        "See your quotas: epochal usage. Make room: epochal cancel, or epochal delete.",
    ]


@pytest.mark.parametrize(
    "command", ["show", "watch", "curve", "epochs", "cancel", "pause", "label", "delete"]
)
def test_a_job_that_is_not_there_leaves_with_4(run: Run, command: str) -> None:
    done = run(command, "job_nope")
    assert done.returncode == 4
    assert done.stderr == "error: There is no job 'job_nope'. List all jobs: epochal jobs\n"


def test_a_detached_job_is_named_shown_watched_and_deleted(run: Run, tmp_path: Path) -> None:
    submitted = run("train", "xor", "--detach", "--label", "course=week-3", "--ttl", "3600")
    job_id = submitted.stdout.strip()
    assert re.fullmatch(r"job_\w+", job_id)

    watched = run("watch", job_id[-12:])
    assert watched.returncode == 0
    assert f"{job_id} succeeded" in watched.stdout

    shown = run("show", job_id.removeprefix("job_"))
    assert "2 – dense 8 tanh – dense 1 sigmoid" in shown.stdout
    assert "adam, learning_rate 0.05" in shown.stdout
    assert "course=week-3" in shown.stdout
    assert re.search(r"^ *expires +\d{4}-\d\d-\d\d ", shown.stdout, re.MULTILINE)
    assert json.loads(run("show", job_id, "--json").stdout)["id"] == job_id

    assert "▀▀ train_loss" in run("curve", job_id).stdout
    curve = json.loads(run("curve", job_id, "--metric", "gradient_norm", "--json").stdout)
    assert curve["epochs"] == 500
    assert [series["metric"] for series in curve["series"]] == ["gradient_norm"]

    lines = run("epochs", job_id, "--after", "498", "--metric", "train_loss").stdout.splitlines()
    assert lines[0] == "epoch,train_loss"
    assert [line.split(",")[0] for line in lines[1:]] == ["499", "500"]
    table = json.loads(run("epochs", job_id, "--json").stdout)
    assert table["epochs"] == [*range(1, 501)]
    assert lines[-1] == f"500,{table['columns']['train_loss'][-1]!r}"
    path = tmp_path / "epochs.npz"
    assert run("epochs", job_id, "--format", "npz", "-o", str(path)).stdout == ""
    with np.load(path) as arrays:
        assert arrays["epoch"].tolist() == table["epochs"]
        assert arrays["train_loss"].tolist() == table["columns"]["train_loss"]
    assert run("epochs", job_id, "--format", "xls").returncode == 2

    assert run("pause", job_id).returncode == 1
    assert run("delete", job_id, "--yes").stdout == f"{job_id} deleted\n"
    assert run("show", job_id).returncode == 4


def test_a_job_is_renamed_and_labelled(run: Run, client: epochal.Client) -> None:
    job = client.jobs.create(XOR, epochs=2, labels={"draft": "", "course": "3"}).wait(60)
    assert run("rename", job.id, "Lesson [3]").stdout == f"{job.id} Lesson [3] draft= course=3\n"
    labelled = run("label", job.id, "course=4", "level=1", "--remove", "draft")
    assert labelled.stdout == f"{job.id} Lesson [3] course=4 level=1\n"
    spec = json.loads(run("label", job.id, "--json").stdout)["spec"]
    assert (spec["name"], spec["labels"]) == ("Lesson [3]", {"course": "4", "level": "1"})
    assert run("rename", job.id, "").stdout == f"{job.id} course=4 level=1\n"
    assert run("label", job.id, "Course=1").returncode == 2
    assert run("label", job.id, "course").returncode == 2


def test_without_a_terminal_nothing_is_deleted_unless_yes_is_given(
    run: Run, client: epochal.Client
) -> None:
    job = client.jobs.create(XOR, epochs=2, name="precious").wait(60)
    refused = run("delete", job.id, input="y\n")
    assert refused.returncode == 2
    assert refused.stderr == (
        f'error: Delete {job.id} "precious", succeeded, 2 of 2 epochs, with its epochs and '
        "weights? Add --yes: without a terminal, nobody can answer.\n"
    )
    assert client.jobs.get(job.id).name == "precious"
    assert run("delete", job.id, "-y").returncode == 0


@pytest.mark.parametrize(("answer", "code"), [("n", 1), ("", 1), ("y", 0)])
def test_on_a_terminal_a_deletion_waits_for_a_yes(
    stack: Stack, client: epochal.Client, answer: str, code: int
) -> None:
    job = client.jobs.create(XOR, epochs=2, name="precious").wait(60)
    near, far = os.openpty()
    command = [sys.executable, "-m", "epochal", "delete", job.id]
    with subprocess.Popen(
        command,
        env=environment(stack.http),
        stdin=far,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.write(near, f"{answer}\n".encode())
        printed, question = process.communicate(timeout=60)
    os.close(near)
    os.close(far)
    assert process.returncode == code
    assert f'Delete {job.id} "precious", succeeded, 2 of 2 epochs' in question
    assert printed == (f"{job.id} deleted\n" if code == 0 else "")
    remaining = [other.id for other in client.jobs.list(query=job.id)]
    assert remaining == ([] if code == 0 else [job.id])


def test_several_jobs_are_watched_at_once(run: Run, client: epochal.Client) -> None:
    jobs = [client.jobs.create(XOR, epochs=50, seed=seed) for seed in (1, 2)]
    done = run("watch", *(job.id for job in jobs))
    assert done.returncode == 0
    assert sorted(line.split()[:2] for line in done.stdout.splitlines()) == sorted(
        [job.id, "succeeded"] for job in jobs
    )
    diverging = client.jobs.create(XOR, optimizer={"type": "sgd", "learning_rate": 1e12})
    done = run("watch", jobs[0].id, diverging.id, "--json")
    assert done.returncode == 1
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert {event["job"] for event in events} == {jobs[0].id, diverging.id}
    assert [event["type"] for event in events].count("end") == 2
    for wrong in (["watch"], ["watch", jobs[0].id, "--label", "a"]):
        done = run(*wrong)
        assert done.returncode == 2
        assert "name jobs or a --label" in done.stderr


def test_events_are_one_line_of_json_each_and_can_be_resumed(
    run: Run, client: epochal.Client
) -> None:
    job = client.jobs.create(XOR, epochs=50).wait(60)
    done = run("watch", job.id, "--json", "--after", "0")
    assert done.returncode == 0
    events = [json.loads(line) for line in done.stdout.splitlines()]
    seqs = [event["seq"] for event in events]
    assert seqs == sorted(set(seqs))
    assert {event["type"] for event in events} == {"state", "epochs", "checkpoint", "end"}
    assert events[-1] == {
        "seq": job.seq,
        "type": "end",
        "end": {"state": "succeeded", "stop_reason": "completed"},
    }
    rest = run("watch", job.id, "--json", "--after", str(job.seq - 1)).stdout
    assert [json.loads(line) for line in rest.splitlines()] == events[-1:]


def test_a_sweep_is_renamed_and_labelled(run: Run, client: epochal.Client) -> None:
    sweep = client.sweeps.create(XOR | {"labels": {"draft": ""}}, learning_rate=[0.01, 0.1])
    assert run("rename", sweep.id, "Rates").stdout == f"{sweep.id} Rates draft=\n"
    labelled = run("label", sweep.id, "level=1", "--remove", "draft")
    assert labelled.stdout == f"{sweep.id} Rates level=1\n"
    reply = json.loads(run("label", sweep.id, "--json").stdout)
    assert reply["spec"]["job"]["name"] == "Rates"
    assert run("deliveries", sweep.wait(60).id).stdout == (
        f"{sweep.id} succeeded: It has no webhooks.\n"
    )


def test_a_sweep_is_cancelled_and_deleted(run: Run, client: epochal.Client) -> None:
    endless = XOR | {"epochs": 1_000_000, "name": "Rates"}
    sweep = client.sweeps.create(endless, learning_rate=[0.01, 0.1])
    assert re.fullmatch(rf"{sweep.id} cancell(ing|ed)\n", run("cancel", sweep.id).stdout)
    assert sweep.wait(60).state == "cancelled"
    assert run("delete", sweep.id).stderr == (
        f'error: Delete {sweep.id} "Rates", cancelled, with the epochs of 2 members? Add --yes: '
        "without a terminal, nobody can answer.\n"
    )
    deleted = json.loads(run("delete", sweep.id, "--yes", "--json").stdout)
    assert deleted == {"deleted": sweep.id}
    with pytest.raises(epochal.NotFound):
        sweep.refresh()


def test_jobs_are_listed_by_state_and_label(run: Run, client: epochal.Client) -> None:
    label = uuid.uuid4().hex
    made = [client.jobs.create(XOR, epochs=2, labels={label: str(k)}).wait(60) for k in range(3)]
    listed = run("jobs", "--label", label, "--state", "succeeded")
    header, *rows = listed.stdout.splitlines()
    assert header.split() == [
        "JOB",
        "STATE",
        "EPOCH",
        "LOSS",
        "ACCURACY",
        "NAME",
        "AND",
        "LABELS",
        "CREATED",
    ]
    assert [row.split()[0] for row in rows] == [job.id for job in made[::-1]]
    assert f"{label}=2" in rows[0]
    selected = json.loads(run("jobs", "--label", f"{label}=1", "--json").stdout)
    assert [job["id"] for job in selected["jobs"]] == [made[1].id]
    assert run("jobs", "--label", label, "--state", "failed").stdout == "No job matches.\n"
    assert len(run("jobs", "--label", label, "--limit", "2").stdout.splitlines()) == 3
    wrong = run("jobs", "--state", "happy")
    assert wrong.returncode == 2
    assert "queued" in wrong.stderr


def test_jobs_are_listed_with_chosen_columns(run: Run, client: epochal.Client) -> None:
    label = uuid.uuid4().hex
    first, second = (
        client.jobs.create(XOR, epochs=2, seed=seed, name=f"a, {seed}", labels={label: ""}).wait(60)
        for seed in (1, 2)
    )
    assert first.best
    chosen = ("jobs", "--label", label, "--order", "spec.seed")
    columns = ("--columns", "name, spec.seed,best.value,spec.early_stopping.patience")
    header, *rows = run(*chosen, *columns).stdout.splitlines()
    assert header.split() == [
        "id",
        "name",
        "spec.seed",
        "best.value",
        "spec.early_stopping.patience",
    ]
    assert rows[0].split() == [first.id, "a,", "1", "1", f"{first.best.value:.4g}", "–"]
    table = list(csv.DictReader(run(*chosen, *columns, "-o", "csv").stdout.splitlines()))
    assert [row["name"] for row in table] == ["a, 1", "a, 2"]
    assert float(table[0]["best.value"]) == first.best.value
    assert table[0]["spec.early_stopping.patience"] == ""
    document = json.loads(run(*chosen, *columns, "-o", "json").stdout)
    assert document["jobs"][1]["spec.seed"] == 2
    assert document["jobs"][1]["spec.early_stopping.patience"] is None
    assert document == json.loads(run(*chosen, *columns, "--json").stdout)
    assert document == json.loads(run("--json", *chosen, *columns).stdout)
    assert run(*chosen, "-o", "name").stdout == f"{first.id}\n{second.id}\n"
    assert run(*chosen, "-o", "csv", "--limit", "1").stdout.count("\n") == 2
    assert run(*chosen, "-o", "json").stdout == run(*chosen, "--json").stdout
    assert "did you mean spec." in run(*chosen, "--columns", "seed").stderr
    assert run(*chosen, "-o", "xml").returncode == 2


def test_jobs_are_searched_by_text_and_several_states(run: Run, client: epochal.Client) -> None:
    word = uuid.uuid4().hex
    job = client.jobs.create(XOR, epochs=2, name=f"Lesson {word}").wait(60)
    listed = run("jobs", "--query", f"lesson {word}", "--state", "failed", "--state", "succeeded")
    assert [row.split()[0] for row in listed.stdout.splitlines()[1:]] == [job.id]
    assert f"Lesson {word}" in listed.stdout
    assert run("jobs", "--query", word, "--state", "failed").stdout == "No job matches.\n"
    listed = run("jobs", "--filter", f"name = *{word} AND epoch = 2", "--order", "epoch desc")
    assert [row.split()[0] for row in listed.stdout.splitlines()[1:]] == [job.id]
    assert run("jobs", "--filter", f"name = *{word} -epoch:2").stdout == "No job matches.\n"


def test_several_jobs_are_labelled_cancelled_and_deleted(run: Run, client: epochal.Client) -> None:
    word = uuid.uuid4().hex
    done = client.jobs.create(XOR, epochs=1, name=word).wait(60)
    endless = client.jobs.create(XOR, epochs=10**6, name=word)
    chosen = ("--filter", f"name = {word}")
    assert run("label", "week=3", *chosen).stdout == "2 jobs labelled\n"
    assert done.refresh().labels == {"week": "3"}
    refused = run("delete", *chosen, "--yes")
    assert refused.stdout.startswith(f"1 job deleted\n{endless.id} The job is ")
    cancelled = json.loads(run("cancel", *chosen, "--json").stdout)
    assert cancelled == {"ids": [endless.id], "refused": [], "has_more": False}
    for wrong in (("cancel",), ("delete", "last", *chosen), ("label",)):
        failed = run(*wrong)
        assert failed.returncode == 2, wrong
        assert "give a job, or --filter" in failed.stderr


def test_a_fork_begins_from_another_jobs_weights(run: Run, client: epochal.Client) -> None:
    parent = client.jobs.create(
        client.preset("xor"), epochs=20, snapshots={"weights_every": 10}
    ).wait(60)
    made = run("train", "--from", f"{parent.id}@10", "--epochs", "5", "--name", "again", "--json")
    job = json.loads(made.stdout)
    assert job["forked_from"] == {"job": parent.id, "epoch": 10}
    assert (job["epoch"], job["spec"]["name"]) == (5, "again")
    latest = json.loads(run("train", "xor", "--epochs", "5", "--from", parent.id, "--json").stdout)
    assert latest["forked_from"] == {"job": parent.id, "epoch": 20}
    assert f"{parent.id}, epoch 20" in run("show", latest["id"]).stdout
    wrong = run("train", "xor", "--from", f"{parent.id}@11")
    assert wrong.returncode == 2
    assert "the nearest stored epochs are 10 and 20" in wrong.stderr
    assert run("train", "xor", "--from", "job_nope@1").returncode == 4


def test_a_fork_takes_the_layers_that_are_named_and_freezes_others(
    run: Run, client: epochal.Client
) -> None:
    parent = client.jobs.create(client.preset("xor"), epochs=3).wait(60)
    first, last = "dense_1", "dense_2"
    options = ("--from", parent.id, "--layers", first, "--freeze", f"{first}, ")
    assert "must be a list of names such as a,b" in run("train", "xor", *options).stderr
    options = ("--from", parent.id, "--layers", first, "--freeze", first)
    made = json.loads(run("train", "xor", "--epochs", "4", *options, "--json").stdout)
    assert made["spec"]["initial_weights"]["layers"] == made["spec"]["freeze"] == [first]
    fork = client.jobs.get(made["id"])
    before, after = parent.weights(), fork.weights()
    equal = {name for name in before if (before[name] == after[name]).all()}
    assert equal == {f"{first}.weight", f"{first}.bias"}
    unknown = run("train", "xor", "--from", parent.id, "--layers", f"{first},nope")
    assert unknown.returncode == 2
    assert "initial_weights.layers[1]: must be a layer of this network" in unknown.stderr
    alone = run("train", "xor", "--layers", first)
    assert alone.returncode == 2
    assert "--layers needs --from" in alone.stderr
    frozen = json.loads(run("train", "xor", "--epochs", "2", "--freeze", last, "--json").stdout)
    assert frozen["spec"]["freeze"] == [last]


def test_a_job_repeats_another_and_changes_after_an_epoch(run: Run, client: epochal.Client) -> None:
    first = client.jobs.create(XOR, epochs=20).wait(60)
    again = ("train", "--from", f"{first.id}@7", "--keep-state", "--json")
    done = run(*again, "--set", "network.layers[0].activation=relu", "--epochs", "30")
    other = client.jobs.get(json.loads(done.stdout)["id"])
    assert (other.epoch, other.spec["epochs"], other.total_epochs) == (30, 20, 30)
    table = run("compare", first.id, other.id).stdout
    assert re.search(r"after epoch 7: network\.layers\[0\]\.activation +– +relu", table)
    assert re.search(r"after epoch 7: epochs +– +30", table)
    assert "units" not in table.partition("DIFFERENCE")[2]
    losses, before = other.curve()["train_loss"], first.curve()["train_loss"]
    assert losses[:7].tolist() == before[:7].tolist()
    assert losses[7] != before[7]
    assert run("train", "xor", "--keep-state").returncode == 2


def test_two_jobs_are_drawn_together_and_their_differences_listed(
    run: Run, client: epochal.Client
) -> None:
    first = client.jobs.create(XOR, epochs=20, snapshots={"weights_every": 20}, name="A slow one")
    fork = first.wait(60).fork(20, epochs=30, optimizer={"type": "sgd", "learning_rate": 0.5})
    fork.wait(60)
    done = run("compare", first.id, fork.id)
    assert done.returncode == 0, done.stderr
    picture, _, table = done.stdout.partition("DIFFERENCE")
    assert f"A A slow one   B {fork.id}" in picture
    assert re.search(r"optimizer\.type +adam +sgd", table)
    assert re.search(r"optimizer\.learning_rate +[0-9.]+ +0\.5", table)
    assert re.search(rf"initial_weights\.job +– +{first.id}", table)
    # The fork goes on where the other one ended, at epoch 20 of 50.
    assert re.search(r"^ +10 +20 +30 +40 +50$", picture, re.MULTILINE)
    comparison = json.loads(run("compare", first.id, fork.id, "--json").stdout)
    assert [job["epochs"] for job in comparison["jobs"]] == [20, 30]
    same = run("compare", first.id, first.id)
    assert "Their specs are the same." in same.stdout
    assert run("compare", first.id).returncode == 2


def test_a_name_that_fits_several_jobs_is_refused(run: Run, client: epochal.Client) -> None:
    for _ in range(2):
        client.jobs.create(XOR, epochs=1).wait(60)
    done = run("show", "job_")
    assert done.returncode == 2
    assert "matches several jobs" in done.stderr


def test_a_running_job_is_paused_resumed_and_cancelled(run: Run, client: epochal.Client) -> None:
    job_id = run("train", *ENDLESS, "--detach").stdout.strip()
    try:
        changed = run("change", job_id, "--set", "optimizer.learning_rate=.003")
        when = r"(after epoch [\d,]+|as soon as it can)"
        rate = r"optimizer\.learning_rate 0\.003"
        assert re.fullmatch(rf"{job_id} changes {when}: {rate}\n", changed.stdout)
        changed = run("change", job_id, "--set", "network.layers[0].activation=relu")
        activation = r'network\.layers\[0\]\.activation "relu"'
        assert re.fullmatch(rf"{job_id} changes {when}: {activation}\n", changed.stdout)
        weight = '[{"layer": "dense_1", "array": "weight", "index": [0, 1], "value": 0.5}]'
        changed = run("change", job_id, "--set", f"weights={weight}")
        assert changed.stdout.endswith(f": weights {weight}\n")
        assert 'activation "relu"' in run("show", job_id).stdout.replace("\n", " ")
        changed = run("change", job_id, "--set", "network.layers[0].activation=tanh", "--json")
        network = json.loads(changed.stdout)["training"]["network"]
        assert network["layers"][0]["activation"] == "tanh"
        changed = run("change", job_id, "--set", "network.layers[0].activation=tanh")
        assert changed.stdout.endswith(": nothing, as it is so already\n")
        slow = run("change", job_id, "--pace", "2").stdout
        assert re.fullmatch(rf"{job_id} trains at most 2 epochs a second {when}\n", slow)
        assert run("change", job_id).returncode == 2
        assert re.fullmatch(rf"{job_id} paus(ing|ed)\n", run("pause", "last").stdout)
        await_condition(lambda: client.jobs.get(job_id).state == "paused", 60, "it pauses")
        epoch = client.jobs.get(job_id).epoch
        step = run("resume", job_id, "--epochs", "2").stdout
        assert re.fullmatch(rf"{job_id} queued\n", step)
        await_condition(lambda: client.jobs.get(job_id).state == "paused", 60, "it pauses again")
        assert client.jobs.get(job_id).epoch == epoch + 2
        assert re.fullmatch(rf"{job_id} (queued|running)\n", run("resume", job_id).stdout)
    finally:
        cancelled = json.loads(run("cancel", job_id, "--json").stdout)
    assert cancelled["state"] in ("cancelling", "cancelled")
    watched = run("watch", job_id)
    assert watched.returncode == 1
    assert "cancelled (user)" in watched.stdout


def test_a_trained_network_is_asked_by_rows_and_by_file(
    run: Run, client: epochal.Client, tmp_path: Path
) -> None:
    job = client.jobs.create(XOR, request_id="cli-tests-xor").wait(60)
    done = run("predict", job.id, "--inputs", "[[0, 1], [1, 1]]")
    header, first, second = [line.split() for line in done.stdout.splitlines()]
    assert header == ["x0", "x1", "output", "class"]
    assert (first[:2], first[-1]) == (["0", "1"], "1")
    assert (second[:2], second[-1]) == (["1", "1"], "0")

    file = tmp_path / "rows.csv"
    with file.open("w", newline="") as lines:
        csv.writer(lines).writerows([["a", "b"], [0, 1], [1, 1]])
    reply = json.loads(run("predict", job.id, "--csv", str(file), "--json").stdout)
    assert reply["classes"] == [1, 0]
    assert reply["outputs"][0] == job.predict([0, 1]).tolist()
    assert "x0" in run("predict", job.id, "--inputs", "[0, 1]").stdout
    wrong = run("predict", job.id, "--inputs", "[[1]]")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("error: inputs[0]: ")


def test_a_network_is_summarized_from_a_spec_and_from_itself(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "network.json"
    file.write_text(json.dumps(XOR["network"]))
    of_network, of_preset = run("summarize", str(file)), run("summarize", "xor")
    assert (of_network.returncode, of_preset.returncode) == (0, 0)
    assert re.search(r"dense_1 +8 +tanh +24 +8·2 \+ 8", of_preset.stdout)
    assert re.search(r"dense_1 +4 +tanh +12 +4·2 \+ 4", of_network.stdout)
    assert "17 parameters" in of_network.stdout
    assert json.loads(run("summarize", "xor", "--json").stdout)["parameters"] == 33


def test_a_csv_is_uploaded_listed_and_trained_on(
    run: Run, client: epochal.Client, tmp_path: Path
) -> None:
    file = tmp_path / "pets.csv"
    file.write_text("kind,height\ncat\n")
    ragged = run("upload", str(file))
    assert ragged.returncode == 2
    assert ragged.stderr.startswith("error: lines[2]: ")
    file.write_text("kind,height\n" + "cat,1\ndog,2\n" * 10)
    done = run("upload", str(file), "--target", "kind", "--name", "Pets")
    dataset_id = done.stdout.split(":")[0]
    try:
        assert "20 samples of 1 features, binary, classes cat, dog" in done.stdout
        assert re.search(rf"{dataset_id} +binary +20 +1 +Pets", run("datasets").stdout)
        assert re.search(r"digits +multiclass +1,797 +64", run("datasets").stdout)
        words = ["--set", f'dataset={{"id": "{dataset_id}"}}', "--set", "network.input_shape=[1]"]
        assert "succeeded" in run("train", "xor", "--epochs", "3", *words).stdout
    finally:
        client.datasets.delete(dataset_id)
    shown = run("show", "last")
    assert shown.returncode == 0
    message = f"The data set that the job was trained on, {dataset_id}, was deleted"
    assert message in re.sub(r"\s+", " ", shown.stdout)
    assert json.loads(run("show", "last", "--json").stdout)["diagnosis"] is None
    listed = json.loads(run("datasets", "--json").stdout)["datasets"]
    assert dataset_id not in [dataset["id"] for dataset in listed]


def houses(count: int = 120) -> str:
    rows = [
        (50 + 3 * n % 97, 1 + n % 5, "" if n % 30 == 7 else n % 60, ("Basel", "Bern")[n % 2])
        for n in range(count)
    ]
    lines = (
        f"{size},{rooms},{age},{city},{size * 7000 + 20000 * rooms + 90000 * (city == 'Basel')}"
        for size, rooms, age, city in rows
    )
    return "\n".join(["size,rooms,age,city,price", *lines]) + "\n"


def test_a_built_in_data_set_is_trained_on_with_suggested_settings(run: Run) -> None:
    done = run("train", "iris", "--epochs", "3", "--json")
    job = json.loads(done.stdout)
    assert (job["spec"]["dataset"]["name"], job["epoch"]) == ("iris", 3)


def test_a_csv_is_trained_on_with_suggested_settings(
    run: Run, client: epochal.Client, tmp_path: Path
) -> None:
    path = tmp_path / "houses.csv"
    path.write_text(houses())
    result = run("train", str(path))
    assert result.returncode == 0
    assert "Column 'age': 4 missing, filled with" in result.stderr
    assert re.search(r"^network a linear model$", result.stderr, re.M)
    assert "The target price is a number: the mean of the squared errors." in result.stderr
    losses = re.search(
        r"Lowest validation loss: this network (\S+), best constant (\S+), linear", result.stdout
    )
    assert losses
    assert float(losses[1]) < 0.1 * float(losses[2])
    job = next(client.jobs.list())
    assert job.name == "houses"
    assert f"Predict: epochal predict {job.id} --csv {path}" in result.stdout
    client.datasets.delete(job.spec["dataset"]["id"])


def test_a_training_on_five_rows_says_what_it_proves(
    run: Run, client: epochal.Client, tmp_path: Path
) -> None:
    path = tmp_path / "five.csv"
    path.write_text("x,kind\n1,a\n2,a\n3,b\n4,b\n5,b\n")
    result = run("train", str(path))
    assert "5 samples are too few to keep some for validation." in result.stderr
    assert "No samples are left for validation: this says nothing about new" in result.stdout
    client.datasets.delete(next(client.jobs.list()).spec["dataset"]["id"])


@pytest.mark.parametrize(
    ("name", "content", "row"),
    [
        ("sums.jsonl", '{"prompt": "1+1", "answer": "2"}\n{"prompt": "2+1", "answer": "3"}\n', 5),
        ("song.txt", "row, row, row your boat, gently down the stream, merrily\n" * 4, 64),
    ],
)
def test_a_text_is_trained_on_with_suggested_settings(
    run: Run, client: epochal.Client, tmp_path: Path, name: str, content: str, row: int
) -> None:
    path = tmp_path / name
    path.write_text(content)
    result = run("train", str(path), "--epochs", "5")
    assert result.returncode == 0, result.stderr
    tokens = len(set(content)) if name == "song.txt" else 5
    assert re.search(rf"features, sequence of {tokens} different tokens$", result.stderr, re.M)
    job = next(client.jobs.list())
    assert job.spec["network"]["input_shape"] == [row]
    reader = job.spec["network"]["layers"][1]
    assert (reader["type"], reader["return_sequences"]) == ("gru", True), "a short text"
    client.datasets.delete(job.spec["dataset"]["id"])


def test_a_gap_is_reported_with_the_option_that_fills_it(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "houses.csv"
    path.write_text(houses())
    assert "or set `missing` to `auto`, which fills gaps." in run("upload", str(path)).stderr


def test_a_table_is_predicted_in_the_dialect_that_it_was_uploaded_in(
    run: Run, client: epochal.Client, tmp_path: Path
) -> None:
    path = tmp_path / "curve.csv"
    path.write_text("x;y\n" + "".join(f"{n},5;{3 * n},25\n" for n in range(40)))
    assert run("train", str(path)).returncode == 0
    predicted = json.loads(run("predict", "last", "--csv", str(path), "--json").stdout)
    assert [row[0] for row in predicted["outputs"]] == pytest.approx(
        [3 * n + 0.25 for n in range(40)], abs=1
    )
    job = next(client.jobs.list())
    client.datasets.delete(job.spec["dataset"]["id"])


@pytest.mark.parametrize(
    "text", ["1.5,2\n3,4\n", "1,5;2\n\n3;4,0\n", "1.5\t2\n3\t4\n", '"1,5"\t2\n3\t4\n']
)
def test_rows_without_a_header_may_have_any_separator(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(text)
    assert read_inputs(None, path) == {"inputs": [[1.5, 2], [3, 4]]}


def test_another_target_needs_a_csv_that_has_it(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "houses.csv"
    path.write_text(houses())
    assert "--target needs a CSV file" in run("train", "xor", "--target", "city").stderr
    result = run("train", str(path), "--target", "color")
    assert result.returncode == 2
    assert "There is no column 'color'" in result.stderr
    assert "does not exist" in run("train", "absent.csv").stderr


def test_a_spec_is_validated_and_priced(run: Run) -> None:
    done = run("validate", "digits")
    assert done.returncode == 0
    assert done.stdout.startswith("Valid: 4,810 parameters, 1,438 samples, about 2e+09 ")
    text = " ".join(done.stdout.split())
    assert re.search(r"operations(, about .+ s)?, 1\d\d MB of memory, [\d.]+ [kM]B to store$", text)
    assert json.loads(run("validate", "digits", "--json").stdout)["parameters"] == 4810
    assert run("validate", "-", input='{"epochs": 1}').returncode == 2


def test_presets_are_listed_by_name(run: Run) -> None:
    named = [line.split()[0] for line in run("presets").stdout.splitlines()]
    presets = json.loads(run("presets", "--json").stdout)["presets"]
    assert named == ["PRESET", *(preset["name"] for preset in presets)]
    assert {"xor", "digits", "moons"} <= set(named)


def test_the_usage_of_each_quota_is_printed(run: Run) -> None:
    lines = run("usage").stdout.splitlines()
    assert lines[0].split() == ["QUOTA", "USED", "LIMIT", "OF"]
    rows = {line.split()[0]: line.split()[1:3] for line in lines[1:]}
    assert rows["running_jobs"][1] == rows["requests_per_minute"][1] == "none"
    assert rows["queued_jobs"][1] == "1,000"
    assert any("21.5 GB" in line for line in lines)
    document = json.loads(run("usage", "--json").stdout)
    assert document["owner"] == "local"
    assert [f"max_{name}" for name in rows] == [quota["name"] for quota in document["quotas"]]


def test_a_priority_is_an_option(run: Run) -> None:
    job = json.loads(run("train", "xor", "--epochs", "3", "--priority", "7", "--json").stdout)
    assert job["spec"]["priority"] == 7
    refused = run("train", "xor", "--priority", "11")
    assert refused.returncode == 2
    assert "priority: must be at most 10" in refused.stderr


def test_a_file_is_a_spec_without_a_service_and_a_preset_is_not(run: Run) -> None:
    assert run("train", "xor", url="http://127.0.0.1:1").returncode == 3


def test_help_names_every_command_and_every_exit_code(run: Run) -> None:
    text = re.sub(r"[\s│]+", " ", run("--help").stdout)
    group = typer.main.get_command(app)
    assert isinstance(group, Commands)
    commands = [group.get_command(None, name).callback for name in group.commands]
    assert len(commands) == 41
    for command in commands:
        assert f" {command.__name__} " in text
        assert command.__doc__
        assert "as_json" in inspect.signature(command).parameters
    assert "0 succeeded, 1 the job failed or was cancelled, 2 usage or invalid spec" in text
    assert "7 a quota is used up" in text
    assert run("--version").stdout == f"epochal {epochal.__version__}\n"


def imported(*words: str, url: str = "") -> set[str]:
    """The modules that a new process imports to run `epochal` with these arguments."""
    command = [sys.executable, "-X", "importtime", "-m", "epochal", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment(url))
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}


def test_a_command_imports_only_what_it_needs(stack: Stack, client: epochal.Client) -> None:
    slow = {"numpy", "pydantic", "plotext", "grpc", "rich.progress"}
    version = imported("--version")
    assert "typer" in version
    assert not version & {*slow, "rich", "httpx2", "epochal.types", "epochal.public"}
    client.jobs.create(client.preset("xor"), epochs=1)  # its baselines have arrays
    listed = imported("jobs", url=stack.http)
    assert "httpx2" in listed
    assert not listed & {*slow, "epochal.public"}


def test_a_path_changes_one_place_in_a_spec() -> None:
    spec: dict[str, Any] = {"network": {"layers": [{"units": 4}]}}
    for assignment in (
        "network.layers[0].units=8",
        "network.layers.0.activation=tanh",
        "optimizer.learning_rate=1e-3",
        "optimizer.beta_1=.5",
        "name=1.2.3",
        'labels={"a": "b=c"}',
        "early_stopping=null",
    ):
        set_field(spec, assignment)
    assert spec == {
        "network": {"layers": [{"units": 8, "activation": "tanh"}]},
        "optimizer": {"learning_rate": 0.001, "beta_1": 0.5},
        "name": "1.2.3",
        "labels": {"a": "b=c"},
        "early_stopping": None,
    }


@pytest.mark.parametrize("assignment", ["=1", "a", "a..b=1", "a[x]=1", "layers[1]=2", "n.x=1"])
def test_a_path_that_leads_nowhere_is_refused(assignment: str) -> None:
    with pytest.raises(typer.BadParameter):
        set_field({"layers": [1], "n": 5}, assignment)


def pair(client: epochal.Client) -> dict[str, Any]:
    """Two jobs; the second starts from the weights of the first."""
    spec = client.preset("xor") | {"epochs": 40, "target": None}
    return {"first": spec, "tuned": spec | {"epochs": 4, "initial_weights": {"job": "first"}}}


CLAIM = {"job": "tuned", "minus": "first", "metric": "epochs", "at_most": -30.0}


def test_the_command_prints_claims_and_fails_unless_all_are_met(
    run: Run, client: epochal.Client, tmp_path: Path
) -> None:
    path = tmp_path / "study.json"
    path.write_text(json.dumps({"jobs": pair(client), "claims": [CLAIM]}))
    met = run("experiment", str(path), "--seeds", "0,1")
    assert met.returncode == 0, met.stderr
    assert "4 jobs · 1 claim\n" in met.stderr
    assert "2 of 2" in met.stdout
    assert "-36 (4 − 40)" in met.stdout
    missed = [CLAIM | {"at_most": -37.0}]
    path.write_text(json.dumps({"jobs": pair(client), "claims": missed}))
    report = run("experiment", str(path), "--json")
    assert report.returncode == 1
    assert json.loads(report.stdout)["claims"][0]["outcome"] == "missed"
    made = json.loads(report.stdout)["id"]
    assert "missed" in run("experiment", made).stdout


def test_an_exercise_is_assigned_attempted_and_marked(
    run: Run, client: epochal.Client, tmp_path: Path
) -> None:
    path = tmp_path / "study.json"
    job = client.preset("xor") | {"epochs": 2, "target": None}
    claim = {"job": "xor", "metric": "epochs", "at_least": 4}
    path.write_text(json.dumps({"name": "Longer", "jobs": {"xor": job}, "claims": [claim]}))
    assigned = run("assign", str(path), "--open", "jobs.xor.epochs", "--text", "Train it.")
    made = assigned.stdout.strip()
    task = run("exercise", made).stdout
    assert "Longer" in task
    assert "xor: epochs at least 4" in task
    assert "jobs.xor.epochs" in task
    missed = run("exercise", made, "--set", "jobs.xor.epochs=3")
    assert (missed.returncode, "missed" in missed.stdout) == (1, True)
    solved = run("exercise", made, "--set", "jobs.xor.epochs=4")
    assert (solved.returncode, "met" in solved.stdout) == (0, True)
    assert made in run("exercises").stdout
    (row,) = json.loads(run("exercises", made, "--json").stdout)["results"]
    assert (row["attempts"], row["best"]["solved"]) == (2, True)
    assert "yes" in run("exercises", made).stdout
    closed = run("exercise", made, "--set", "jobs.xor.seed=3")
    assert closed.returncode == 2
    assert "jobs.xor.seed" in closed.stderr


def test_an_exercise_is_assigned_from_an_experiment_and_from_a_job(
    run: Run, client: epochal.Client
) -> None:
    job = client.preset("xor") | {"epochs": 2, "target": None, "name": "Short"}
    made = client.experiments.create(jobs={"xor": job}, name="Own", seeds=[2]).wait()
    opened = ("--open", "jobs.xor.epochs", "--claim", "epochs >= 3", "--claim", "xor:parameters<99")
    first = client.exercises.get(run("assign", made.id, *opened).stdout.strip())
    assert (first.title, first.claims) == (
        "Own",
        ("xor: epochs at least 3", "xor: parameters below 99"),
    )
    job_id = made.jobs[0].id
    task = ("assign", job_id, "--open", "jobs.network.epochs", "--claim")
    second = client.exercises.get(run(*task, "epochs>=3").stdout.strip())
    assert second.title == "Short"
    assert client.exercises.attempt(second.id, {"network": {"epochs": 3}}).wait().claims[0].met
    nameless = client.jobs.create({key: job[key] for key in job if key != "name"}).wait(60)
    third = run("assign", nameless.id, *task[2:], "epochs>=3").stdout.strip()
    assert client.exercises.get(third).title == nameless.id
    unclear = run(*task, "epochs=3")
    assert unclear.returncode == 2
    assert "network:train_accuracy>=0.9" in " ".join(unclear.stderr.replace("│", " ").split())


def test_the_command_runs_a_preset_experiment(run: Run) -> None:
    report = run("experiment", "xor-1969", "--seeds", "0,1")
    assert report.returncode == 0, report.stderr
    assert "XOR never is" in report.stdout
    unknown = run("experiment", "xor-1970")
    assert unknown.returncode == 2
    assert "mean xor-1969?" in " ".join(unknown.stderr.replace("│", " ").split())
    assert run("experiment", "xor-1969", "--seeds", "a").returncode == 2


def test_generate_prints_samples_of_a_diffusion_network_as_csv(
    run: Run, client: epochal.Client
) -> None:
    spec = CORNERS | {"epochs": 1, "corruption": epochal.corruptions.diffuse(steps=4)}
    job = client.jobs.create(spec, request_id="cli-tests-diffused").wait(60, check=True)
    lines = run("generate", job.id, "--count", "3", "--class", "b").stdout.splitlines()
    assert lines[0] == "x1,x2,class"
    assert len(lines) == 4
    assert all(line.endswith(",b") for line in lines[1:])
    reply = json.loads(run("generate", job.id, "--count", "2", "--json").stdout)
    assert [part["step"] for part in reply["denoised"]] == [4, 3, 2, 1, 0]


def test_a_run_of_another_service_is_submitted(
    run: Run, client: epochal.Client, tmp_path: Path
) -> None:
    job = client.preset("xor") | {"epochs": 2, "target": None}
    claim = {"job": "xor", "metric": "epochs", "at_least": 4}
    made = client.exercises.create(
        {"jobs": {"xor": job}, "claims": [claim]}, title="Longer", open=["jobs.xor.epochs"]
    )
    assert str(made.seed) in run("exercise", made.id).stdout
    spec, proof = tmp_path / "job.json", tmp_path / "proof.json"
    spec.write_text(run("exercise", made.id, "--set", "jobs.xor.epochs=4", "--spec").stdout)
    assert run("train", str(spec)).returncode == 0
    assert run("export", "last", "--format", "proof", "--output", str(proof)).returncode == 0
    accepted = run("submit", made.id, str(proof))
    assert accepted.returncode == 0, accepted.stderr
    assert "accepted: The 4 epochs and the final weights are the same" in accepted.stdout
    assert "accepted" in run("exercises", made.id).stdout
    document = json.loads(proof.read_text())
    document["curve"][0]["values"][2] *= 2
    proof.write_text(json.dumps(document))
    refused = run("submit", made.id, str(proof))
    assert (refused.returncode, "refused: Epoch 3 differs" in refused.stdout) == (1, True)
    proof.write_text(json.dumps({**document, "spec": {**document["spec"], "seed": 1}}))
    other = run("submit", made.id, str(proof))
    assert other.returncode == 2
    assert f"spec.seed: must be {made.seed}" in other.stderr
    spec.write_text("no proof")
    assert run("submit", made.id, str(spec)).returncode == 2
