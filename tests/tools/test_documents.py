"""Documents: the files, links and make commands that they name exist."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
).stdout.splitlines()
DOCUMENTS = [path for path in FILES if path.endswith(".md") and (ROOT / path).is_file()]
NAMED = re.compile(
    r"`(?:\S* )?((?:[\w.-]+/)*[\w.-]+\.(?:py|ts|svelte|md|json|toml|css|proto|lock))(?:: (\w+))?`"
)
BUILT = {"openapi.json", "course.openapi.json", "schema.d.ts", "course.d.ts"}


def text_of(document: str) -> str:
    return (ROOT / document).read_text()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_its_links_lead_to_files_and_headings(document: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text_of(document)):
        path, _, anchor = target.partition("#")
        file = (ROOT / document).parent / path if path else ROOT / document
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
            slugs = [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in headings]
            assert anchor in slugs, target


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_files_and_functions_that_it_names_exist(document: str) -> None:
    for name, symbol in NAMED.findall(text_of(document)):
        if Path(name).name in BUILT or re.search(
            r"[A-Z]{3,}\w*\.|NN-|NAME|NOUN", name.removesuffix(".md")
        ):
            continue  # built, or a placeholder such as NAME.py
        matches = [path for path in FILES if f"/{path}".endswith(f"/{name}")]
        assert matches, name
        if symbol:
            texts = [text_of(path) for path in matches]
            assert any(re.search(rf"\b(?:def|class) {symbol}\b", text) for text in texts), symbol


@pytest.mark.parametrize("document", DOCUMENTS)
def test_its_make_commands_exist(document: str) -> None:
    commands = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", text_of(document), re.MULTILINE))
    assert named <= commands
