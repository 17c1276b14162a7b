"""The programs and commands in the README run unchanged."""

import re
import shlex
from pathlib import Path

import pytest
from tests.client.test_cli import Run, run
from tests.servers.stack import Stack

__all__ = ["run"]

README = Path(__file__).parents[2] / "clients" / "python" / "README.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text("utf-8"), re.DOTALL)


@pytest.mark.long
def test_its_python_runs_from_top_to_bottom(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EPOCHAL_URL", stack.http)
    names: dict[str, object] = {}
    code = blocks("python")
    assert len(code) == 15
    for block in code:
        exec(compile(block, str(README), "exec"), names)
    names["client"].close()  # type: ignore[attr-defined]
    printed = capsys.readouterr().out
    assert "succeeded, epoch 500 of 500, train_loss 0.00" in printed
    assert "circles adamw" in printed
    assert "succeeded completed" in printed
    assert "('cat', 'dog')" in printed
    assert "(2, 16)" in printed
    assert "(40, 40, 1)" in printed
    assert "(16, 20, 20)" in printed
    assert "initial_weights.epoch None" in printed
    assert "failed (diverged)" in printed
    assert "learning_rate_too_low Raise the learning rate from 1e-05 to 0.01." in printed
    assert "0.01 good" in printed or "0.01 slow" in printed
    assert "z = 0.7 + (-0.15) + 0.4 + (-0.2) = 0.75" in printed
    assert re.search(r"^\d\.\d+ True$", printed, re.MULTILINE)
    assert re.search(r"^good 0\.\d+ ", printed, re.MULTILINE)
    assert "The single neuron False " in printed
    assert re.search(r"^architecture spiral ", printed, re.MULTILINE)
    assert "FieldError(field='epochs', description='must be at least 1')" in printed


@pytest.mark.long
def test_its_commands_succeed(run: Run) -> None:
    commands = [
        shlex.split(line.removeprefix("$ epochal"))
        for block in blocks("console")
        for line in block.splitlines()
        if line.startswith("$ epochal")
    ]
    assert len(commands) == 18
    for words in commands:
        assert run(*words).returncode == 0, words
