"""Find the forbidden words of `docs/words.md` in the text and in the names of this repository.

python tools/check_words.py                 every hit, as path:line; exit code 1 if there is one
python tools/check_words.py docs clients    the same, in some folders
"""

import argparse
import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
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

# A camelCase name has parts: `lossValue` is `loss` and `Value`.
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# What may stand between the words of a phrase: spaces, a line break with a comment sign, a hyphen,
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


@dataclass(frozen=True)
class Hit:
    """One forbidden word: where it is and what to write instead."""

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
    names: dict[str, str]
    exceptions: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def read(cls, text: str) -> "Guide":
        """Read the guide; a row counts if its first column has words in backticks."""
        terms: dict[tuple[str, ...], str] = {}
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
                elif heading == "Names":
                    names[word] = cells[1]
                elif heading == "Exceptions":
                    exceptions.append((word, tuple(cells[1].strip("`").split())))
        return cls(terms, names, tuple(exceptions))

    def check(self, path: str, text: str) -> list[Hit]:
        """Return the hits in one file, from top to bottom."""
        hits = [*self._in_text(path, text), *self._in_names(path, text)]
        return sorted(set(hits), key=lambda hit: (hit.line, hit.word))

    def _in_text(self, path: str, text: str) -> Iterator[Hit]:
        parts = list(_PART.finditer(text))
        words = [part[0].lower() for part in parts]

        def phrase_at(start: int, phrase: tuple[str, ...]) -> bool:
            end = start + len(phrase)
            return tuple(words[start:end]) == phrase and all(
                _GAP.fullmatch(text, parts[i].end(), parts[i + 1].start())
                for i in range(start, end - 1)
            )

        allowed: set[int] = set()
        for pattern, phrase in self.exceptions:
            if fnmatch(path, pattern):
                for start in range(len(words)):
                    if phrase_at(start, phrase):
                        allowed.update(range(start, start + len(phrase)))
        first_words: dict[str, list[tuple[str, ...]]] = {}
        for phrase in self.terms:
            first_words.setdefault(phrase[0], []).append(phrase)
        for start, word in enumerate(words):
            for phrase in first_words.get(word, ()):
                if start not in allowed and phrase_at(start, phrase):
                    line = text.count("\n", 0, parts[start].start()) + 1
                    yield Hit(path, line, " ".join(phrase), self.terms[phrase])

    def _in_names(self, path: str, text: str) -> Iterator[Hit]:
        for name, line in _names(path, text):
            word = name.strip("_")
            # A term is a hit wherever it is written; one hit is enough.
            if word in self.names and (word,) not in self.terms:
                yield Hit(path, line, word, self.names[word])


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
    """Print the hits."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("folders", nargs="*", help="paths to check (everything)")
    options = arguments.parse_args()
    guide = Guide.read((ROOT / GUIDE).read_text())
    hits = [
        hit
        for path in files(options.folders)
        for hit in guide.check(path, (ROOT / path).read_text())
    ]
    for hit in hits:
        print(hit)
    return 1 if hits else 0


if __name__ == "__main__":
    sys.exit(main())
