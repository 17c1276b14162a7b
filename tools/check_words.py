"""Find the forbidden words of `docs/words.md` in this repository, and count its mannered turns.

python tools/check_words.py                 every forbidden word, as path:line; exit code 1 if there
                                            is one, or if the prose has too many mannered turns
python tools/check_words.py docs clients    the same, in some folders
python tools/check_words.py --turns docs    mannered turns: the rate of each room, and every line
"""

import argparse
import ast
import io
import re
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
GUIDE = "docs/words.md"
TEST = "tests/tools/test_check_words.py"
SUFFIXES = {
    ".css",
    ".html",
    ".js",
    ".md",
    ".mako",
    ".py",
    ".svelte",
    ".toml",
    ".ts",
    ".yaml",
    ".yml",
    "",
}
SKIPPED = ("*/_proto/*", "LICENSE", "*/LICENSE", "NOTICE", "*/NOTICE", GUIDE, TEST)
# Mannered turns in 10,000 words of prose, which may only fall. Plain libraries have 0 to 4.
LIMIT = 10.0

# A camelCase name has parts: `lossValue` is `loss` and `Value`.
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# The characters between the words of a phrase: spaces, a line break with a comment sign, a hyphen,
# an underscore, or nothing, as in camelCase.
_GAP = re.compile(r"[\s_\-*#/>|\"'`]*")
# A script binds one name (`const a`, `as a`, `a =>`) or a list (`const [a, b]`, `(a, b) =>`,
# `function f(a, b)`).
_SCRIPT_NAME = re.compile(r"\b(?:const|let|var|function)\s+(\w+)|\bas\s+(\w+)|\b(\w+)\s*=>")
_SCRIPT_LIST = re.compile(
    r"\b(?:const|let|var|as)\s+([\[{][^=()]*?[\]}])"
    r"|\bfunction\b[^()]*\(([^()]*)\)"
    r"|\(([^()]*)\)(?:\s*:[^=()]*)?\s*=>"
)
_SCRIPT_LIST_NAME = re.compile(r"(?:^|[,\[{])\s*(?:\.\.\.)?(\w+)")
_CODE = re.compile(r"^ *```.*?^ *```|(`+)[^`]+\1", re.M | re.S)
_SCRIPT_COMMENT = re.compile(r"(?<!:)//[^\n]*|/\*.*?\*/|<!--.*?-->", re.S)
_HASH_COMMENT = re.compile(r"(?:^|(?<=\s))#[^\n]*", re.M)


@dataclass(frozen=True)
class Hit:
    """One forbidden word or mannered turn: its position and the advice of the guide."""

    path: str
    line: int
    word: str
    advice: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.word!r}; write: {self.advice}"


@dataclass(frozen=True)
class Guide:
    """The tables of the guide: words with their advice, and phrases that some files may use."""

    terms: dict[tuple[str, ...], str]
    turns: dict[tuple[str, ...], str]
    names: dict[str, str]
    exceptions: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def read(cls, text: str) -> "Guide":
        """Read the guide; a row counts if its first column has words in backticks."""
        terms: dict[tuple[str, ...], str] = {}
        turns: dict[tuple[str, ...], str] = {}
        names: dict[str, str] = {}
        exceptions = []
        heading = ""
        for line in text.splitlines():
            if line.startswith("## "):
                heading = line[3:]
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if not line.startswith("| ") or len(cells) < 2:
                continue
            for word in re.findall(r"`([^`]+)`", cells[0]):
                if heading == "Terms":
                    terms[tuple(word.split())] = cells[1]
                elif heading == "Turns":
                    turns[tuple(word.split())] = cells[1]
                elif heading == "Names":
                    names[word] = cells[1]
                elif heading == "Exceptions":
                    exceptions.append((word, tuple(cells[1].strip("`").split())))
        return cls(terms, turns, names, tuple(exceptions))

    def check(self, path: str, text: str) -> list[Hit]:
        """Return the hits in one file, from top to bottom."""
        hits = [*self._phrases(path, text, self.terms), *self._in_names(path, text)]
        return sorted(set(hits), key=lambda hit: (hit.line, hit.word))

    def mannered(self, path: str, prose: str) -> list[Hit]:
        """Return the mannered turns in the prose of one file, from top to bottom."""
        return list(self._phrases(path, prose, self.turns))

    def _phrases(self, path: str, text: str, phrases: dict[tuple[str, ...], str]) -> Iterator[Hit]:
        parts = list(_PART.finditer(text))
        words = [part[0].lower() for part in parts]

        def occurrences(
            phrases: Iterable[tuple[str, ...]],
        ) -> Iterator[tuple[int, tuple[str, ...]]]:
            first_words: dict[str, list[tuple[str, ...]]] = {}
            for phrase in phrases:
                first_words.setdefault(phrase[0].lower(), []).append(phrase)
            for start, word in enumerate(words):
                for phrase in first_words.get(word, ()):
                    end = start + len(phrase)
                    if (
                        tuple(words[start + 1 : end]) == phrase[1:]
                        and (word == phrase[0] or _begins(phrase[0], text, parts[start].start()))
                        and all(
                            _GAP.fullmatch(text, parts[i].end(), parts[i + 1].start())
                            for i in range(start, end - 1)
                        )
                    ):
                        yield start, phrase

        allowed: set[int] = set()
        exceptions = (phrase for pattern, phrase in self.exceptions if fnmatch(path, pattern))
        for start, phrase in occurrences(exceptions):
            allowed.update(range(start, start + len(phrase)))
        for start, phrase in occurrences(phrases):
            if start not in allowed:
                line = text.count("\n", 0, parts[start].start()) + 1
                yield Hit(path, line, " ".join(phrase), phrases[phrase])

    def _in_names(self, path: str, text: str) -> Iterator[Hit]:
        for name, line in _names(path, text):
            word = name.strip("_")
            # A term is a hit wherever it is written; one hit is enough.
            if word in self.names and (word,) not in self.terms:
                yield Hit(path, line, word, self.names[word])


def _begins(capitalized: str, text: str, start: int) -> bool:
    """Return whether this is the capitalized word, and not a part of a name such as `anyOf`."""
    return text.startswith(capitalized, start) and not text[max(start - 1, 0) : start].isalnum()


def _names(path: str, text: str) -> Iterator[tuple[str, int]]:
    """Yield each name that the file binds, and its line."""
    match PurePosixPath(path).suffix:
        case ".py":
            for node in ast.walk(ast.parse(text)):
                match node:
                    case ast.Name(id=name, ctx=ast.Store()):
                        yield name, node.lineno
                    case ast.Attribute(attr=name, ctx=ast.Store()):
                        yield name, node.lineno
                    case ast.arg(arg=name):
                        yield name, node.lineno
                    case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                        yield name, node.lineno
        case ".js" | ".ts" | ".svelte":
            for match in _SCRIPT_NAME.finditer(text):
                group = match.lastindex or 0
                yield match[group], text.count("\n", 0, match.start(group)) + 1
            for match in _SCRIPT_LIST.finditer(text):
                group = match.lastindex or 0
                for bound in _SCRIPT_LIST_NAME.finditer(match[group]):
                    start = match.start(group) + bound.start(1)
                    yield bound[1], text.count("\n", 0, start) + 1


def prose(path: str, text: str) -> str:
    """Return the text with a full stop in place of each character that is not prose.

    The prose is a document without its code, and the docstrings and comments of a program.
    """
    match PurePosixPath(path).suffix:
        case ".md":
            spans: Iterable[tuple[int, int]] = [(0, len(text))]
        case ".py":
            spans = _python_prose(text)
        case ".ts" | ".js" | ".svelte" | ".css" | ".html":
            spans = [match.span() for match in _SCRIPT_COMMENT.finditer(text)]
        case _:
            spans = [match.span() for match in _HASH_COMMENT.finditer(text)]
    pieces, last = [], 0
    for start, end in spans:
        pieces += [_blank(text[last:start]), text[start:end]]
        last = end
    pieces.append(_blank(text[last:]))
    return _CODE.sub(lambda code: _blank(code[0]), "".join(pieces))


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", ".", text)


def _python_prose(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and the end of each comment and of each string that is a statement."""
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    begins_statement = True
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        is_docstring = token.type == tokenize.STRING and begins_statement
        if is_docstring or token.type == tokenize.COMMENT:
            (first, start), (last, end) = token.start, token.end
            yield starts[first - 1] + start, starts[last - 1] + end
        elif token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
            begins_statement = True
        elif token.type != tokenize.NL:
            begins_statement = False


def rate(turns: int, words: int) -> float:
    """Return the turns in 10,000 words."""
    return 1e4 * turns / max(words, 1)


def _room(path: str) -> str:
    *folders, _ = PurePosixPath(path).parts
    return "/".join(folders[: {"service": 3, "clients": 2}.get(path.split("/")[0], 1)]) or "."


def count_turns(guide: Guide, texts: dict[str, str]) -> tuple[dict[str, list[Hit]], Counter[str]]:
    """Return the mannered turns and the number of words in the prose of each room."""
    turns: dict[str, list[Hit]] = {}
    words: Counter[str] = Counter()
    for path, text in texts.items():
        readable = prose(path, text)
        turns.setdefault(_room(path), []).extend(guide.mannered(path, readable))
        words[_room(path)] += len(re.findall(r"[^\W\d_]+", readable))
    return turns, words


def files(folders: Sequence[str]) -> list[str]:
    """Return the paths of the files that git knows and people write."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *folders],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [
        path
        for path in listed.stdout.splitlines()
        if PurePosixPath(path).suffix in SUFFIXES
        and not any(fnmatch(path, pattern) for pattern in SKIPPED)
        and (ROOT / path).is_file()
    ]


def main() -> int:
    """Print the hits, and the mannered turns if they are asked for or too many."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("folders", nargs="*", help="paths to check (everything)")
    arguments.add_argument("--turns", action="store_true", help="print every mannered turn")
    options = arguments.parse_args()
    guide = Guide.read((ROOT / GUIDE).read_text())
    texts = {path: (ROOT / path).read_text() for path in files(options.folders)}
    hits = [hit for path, text in texts.items() for hit in guide.check(path, text)]
    turns, words = count_turns(guide, texts)
    whole = rate(sum(map(len, turns.values())), words.total())
    too_many = whole > LIMIT and not options.folders
    if options.turns or too_many:
        hits += [hit for room in sorted(turns) for hit in turns[room]]
    for hit in hits:
        print(hit)
    if options.turns or too_many:
        for room in sorted(turns, key=lambda room: rate(len(turns[room]), words[room])):
            print(f"{rate(len(turns[room]), words[room]):6.1f} in {words[room]:7,} words of {room}")
        print(f"{whole:6.1f} mannered turns in 10,000 words; at most {LIMIT:g} are allowed")
    return 1 if too_many or (hits and not options.turns) else 0


if __name__ == "__main__":
    sys.exit(main())
