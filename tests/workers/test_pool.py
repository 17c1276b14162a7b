"""A worker survives the death of its processes while they start."""

from pathlib import Path

import pytest
from tests.servers.stack import MakeStack, await_condition
from tests.workers.in_process import XOR

import epochal


@pytest.mark.long
def test_a_process_that_dies_while_it_starts_is_replaced(
    make_stack: MakeStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = tmp_path / "left"
    left.write_text("3")  # the first two, and one that replaces them
    monkeypatch.setenv("DYING_START", str(left))
    monkeypatch.setenv("PYTHONPATH", f"{Path(__file__).parent / 'dying_start'}", prepend=":")
    stack = make_stack(workers=2)
    worker = stack.pid("worker")
    await_condition(lambda: left.read_text() == "0", 60, "processes have died")
    await_condition(lambda: len(stack.worker_pids()) == 2, 60, "both were replaced")
    with epochal.Client(stack.http) as client:
        job = client.jobs.create(XOR)
        *_, last = job.watch()
    assert last.type == "end"
    assert stack.pid("worker") == worker
    assert "the worker died" not in stack.log.read_text()
