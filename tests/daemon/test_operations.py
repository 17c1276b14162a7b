"""The operator's documents agree with the program."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from epochal_service.settings import Settings, explain

ROOT = Path(__file__).parents[2]


@pytest.fixture
def compose() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return parsed


def test_the_table_of_settings_is_complete_and_has_the_real_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.upper().startswith("EPOCHAL_")]:
        monkeypatch.delenv(name)
    text = (ROOT / "docs" / "operations.md").read_text()
    table = re.findall(r"^\| `(EPOCHAL_\w+)` \| (.*?) \| (.*) \|$", text, re.MULTILINE)
    defaults = {
        "EPOCHAL_WORKERS": "the cores",
        "EPOCHAL_LIMITS__MAX_MEMORY_BYTES": "its share",
    }
    assert table == [
        (row.variable, defaults.get(row.variable, row.value), row.description)
        for row in explain(Settings())
    ]


def test_every_command_of_the_program_is_in_the_table_of_commands() -> None:
    from epochal_service.__main__ import app

    text = (ROOT / "docs" / "operations.md").read_text()
    documented = set(re.findall(r"^\| `epochald (\w+)(?: [A-Z]+)?` \|", text, re.MULTILINE))
    commands = {command.callback for command in app.registered_commands if not command.hidden}
    assert documented == {callback.__name__ for callback in commands if callback is not None}


def test_compose_publishes_ports_to_this_machine_alone(compose: dict[str, Any]) -> None:
    published = {
        name: service["ports"]
        for name, service in compose["services"].items()
        if "ports" in service
    }
    assert list(published) == ["api"]
    assert all(port.startswith("127.0.0.1:") for port in published["api"])


def test_compose_names_settings_that_exist_and_volumes_that_it_declares(
    compose: dict[str, Any],
) -> None:
    known = {row.variable for row in explain(Settings())}
    for service in compose["services"].values():
        ours = {name for name in service.get("environment", {}) if name.startswith("EPOCHAL_")}
        assert ours <= known
        for volume in service.get("volumes", []):
            assert volume.partition(":")[0] in compose["volumes"]


def test_compose_starts_what_needs_the_database_after_it_was_migrated(
    compose: dict[str, Any],
) -> None:
    services = compose["services"]
    assert services["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    for name in ("api", "worker"):
        needs = services[name]["depends_on"]
        assert needs["migrate"]["condition"] == "service_completed_successfully"
        assert needs["broker"]["condition"] == "service_healthy"
    for name in ("postgres", "broker"):
        assert services[name]["healthcheck"]["test"]


def test_the_image_holds_the_locked_packages_and_does_not_run_as_root() -> None:
    text = (ROOT / "Dockerfile").read_text()
    for command in re.findall(r"pip install (.*?)(?: \\|\n)", text):
        hashed = re.search(r"--require-hashes -r requirements(-build)?\.lock$", command)
        # The program itself has no hash; a build that is not isolated loads nothing.
        program = re.fullmatch(r"--no-build-isolation --no-deps (-e )?\.", command)
        assert hashed or program, command
    final_stage = text.rpartition("\nFROM ")[2]
    assert re.search(r"^USER epochal$", final_stage, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", final_stage, re.MULTILINE)
    entrypoint = re.search(r"^ENTRYPOINT (.*)$", final_stage, re.MULTILINE)
    assert entrypoint is not None
    assert json.loads(entrypoint[1]) == ["epochald"]


def test_the_image_is_built_from_files_that_exist_and_are_sent_to_the_builder() -> None:
    text = (ROOT / "Dockerfile").read_text()
    sent = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = {
        source
        for sources in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE)
        for source in sources.split()
    }
    # A file is sent by its own name or with its folder; nothing else is sent.
    assert sent <= copied
    for source in copied:
        assert (ROOT / source).exists()
        assert sent & {source, *(str(folder) for folder in Path(source).parents)}, source
