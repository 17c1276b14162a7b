"""Forbidden words are found in text and in names, and nothing else is."""

import pytest
from tools import check_words
from tools.check_words import Guide

GUIDE = """
## Terms

| not | but |
|---|---|
| `grue`, `bleen` | green |
| `old grue` | emerald |
| mauve | purple |

## Names

| not | but |
|---|---|
| `thing` | the name of the thing |

## Exceptions

| files | phrase | reason |
|---|---|---|
| `docs/*` | `grue paradox` | its name |
"""


@pytest.fixture
def guide() -> Guide:
    return Guide.read(GUIDE)


def words(guide: Guide, path: str, text: str) -> list[tuple[int, str]]:
    return [(hit.line, hit.word) for hit in guide.check(path, text)]


@pytest.mark.parametrize(
    "text",
    ["A grue sky.", "Grue!", "sky_grue", "grueSky", "skyGrue", "GRUE_SKY", "sky-grue", "`grue`"],
)
def test_a_word_is_found_in_text_and_as_a_part_of_a_name(guide: Guide, text: str) -> None:
    assert words(guide, "a.md", f"first line\n{text}") == [(2, "grue")]


@pytest.mark.parametrize("text", ["gruesome", "congrue", "Grueling", "mauve"])
def test_other_words_are_not(guide: Guide, text: str) -> None:
    assert words(guide, "a.md", text) == []


def test_a_phrase_may_be_broken_by_a_line_and_a_comment_sign(guide: Guide) -> None:
    assert words(guide, "a.py", "# An old\n# grue sky.") == [(1, "old grue"), (2, "grue")]
    assert words(guide, "a.ts", "oldGrue") == [(1, "grue"), (1, "old grue")]


def test_a_phrase_ends_with_its_sentence(guide: Guide) -> None:
    assert words(guide, "a.md", "It is old. Grue is not.") == [(1, "grue")]


@pytest.mark.parametrize(
    "text",
    [
        "thing = 1",
        "for thing in []: pass",
        "def thing(): pass",
        "def f(*, thing): pass",
        "self._thing = 1",
        "class A:\n    thing: int",
    ],
)
def test_a_name_is_found_where_python_binds_it(guide: Guide, text: str) -> None:
    assert [word for _, word in words(guide, "a.py", text)] == ["thing"]


@pytest.mark.parametrize(
    "text",
    [
        "const thing = 1",
        "{#each list as thing}",
        "thing => 1",
        "(thing) => 1",
        "(thing, i) => 1",
        "(i, thing: number): number => 1",
        "([name, thing]) => 1",
        "({ name, ...thing }) => 1",
        "const [name, thing] = pair",
        "const { name, thing } = props",
        "function f(name: string, thing: number) {}",
    ],
)
def test_a_name_is_found_where_a_script_binds_it(guide: Guide, text: str) -> None:
    assert words(guide, "a.svelte", text) == [(1, "thing")]


@pytest.mark.parametrize("text", ["print(thing)", "things = 1", "# thing", "thing_name = 1"])
def test_a_name_elsewhere_is_not(guide: Guide, text: str) -> None:
    assert words(guide, "a.py", text) == []


def test_an_exception_holds_for_its_phrase_in_its_files(guide: Guide) -> None:
    assert words(guide, "docs/a.md", "The grue paradox.") == []
    assert words(guide, "docs/a.md", "A grue sky.") == [(1, "grue")]
    assert words(guide, "a.md", "The grue paradox.") == [(1, "grue")]


def test_a_hit_says_where_it_is_and_what_to_write(guide: Guide) -> None:
    (hit,) = guide.check("docs/a.md", "\n\nbleen")
    assert str(hit) == "docs/a.md:3: 'bleen'; write: green"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("is_told = True", "told"),
        ("interface Line { said_text: string }", "said"),
        (".said { color: red }", "said"),
        ("const xSlopes = []", "slopes"),
        ("FIRST_WEIGHTS = {}", "first weights"),
    ],
)
def test_the_guide_forbids_its_terms_as_parts_of_names(text: str, word: str) -> None:
    guide = Guide.read((check_words.ROOT / check_words.GUIDE).read_text())
    assert words(guide, "a.svelte", text) == [(1, word)]
