"""Forbidden words are found in text and in names, mannered turns in prose, and nothing else is."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from tools import check_words
from tools.check_words import Guide, count_turns, prose, rate

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

## Turns

| not | but |
|---|---|
| `sky of`, `Under` | the noun |

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


@pytest.mark.parametrize(
    ("path", "text", "readable"),
    [
        ("a.py", '"""A sky."""\nx = "no"  # why', '"""A sky."""\n..........# why'),
        ("a.py", 'x = f(\n    "no",\n)', "......\n.........\n."),
        ("a.md", "A `sky` of\n```sh\nno\n```", "A ..... of\n.....\n..\n..."),
        ("a.ts", "no // why", "...// why"),
        ("a.ts", "'http://no' /* why */", "............/* why */"),
        ("a.yaml", "no: 1 # why", "......# why"),
    ],
)
def test_prose_is_docstrings_comments_and_documents(path: str, text: str, readable: str) -> None:
    assert prose(path, text) == readable


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        ("The sky of today.", ["sky of"]),
        ("The sky\nof today.", ["sky of"]),
        ("Under it.", ["Under"]),
        ("Look under it. Under it, look.", ["Under"]),
        ("anyUnder", []),
        ("The sky. Of today.", []),
    ],
)
def test_a_turn_is_found_and_a_capital_begins_a_sentence(
    guide: Guide, text: str, turns: list[str]
) -> None:
    assert [hit.word for hit in guide.mannered("a.md", text)] == turns


def test_turns_are_counted_by_room(guide: Guide) -> None:
    texts = {"engine/a/b.py": "# The sky of today.", "docs/a.md": "A sky.", "c.md": "Under it"}
    turns, words = count_turns(guide, texts)
    assert {room: len(hits) for room, hits in turns.items()} == {"engine": 1, "docs": 0, ".": 1}
    assert words == {"engine": 4, "docs": 2, ".": 2}
    assert rate(1, 4) == 2500


# The patterns were chosen with other packages: Starlette, pydantic, Celery, Click and NumPy.
@pytest.mark.long
@pytest.mark.parametrize("package", ["websockets", "werkzeug", "rich", "urllib3"])
def test_plain_prose_has_few_turns(package: str) -> None:
    guide = Guide.read((check_words.ROOT / check_words.GUIDE).read_text())
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent
    texts = {
        f"{package}/{path.relative_to(folder)}": path.read_text() for path in folder.rglob("*.py")
    }
    turns, words = count_turns(guide, texts)
    assert rate(len(turns[package]), words[package]) <= 4
