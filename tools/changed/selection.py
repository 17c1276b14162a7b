"""The tests that a change can break: they executed the changed code, or code that mentions it.

For a function in the middle of everything these are most tests. The tests that execute the fewest
other functions are most about it: `narrow` keeps them while there is time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from tools.changed.record import Record
from tools.changed.sources import NAMELESS, Sources, difference, read

MOST_SECONDS = 130.0
"""The time for the tests of a change on one core."""
RECORDED = ("engine", "service", "workers", "clients/python", "tools", "protos", "tests")
# Cheap tests of documents, words, tables and the contract as a whole, whatever changes.
ALWAYS = (
    "tests/tools/test_documents.py",
    "tests/tools/test_check_words.py",
    "tests/specs/test_describe.py",
)
# Files other than Python, by the first pattern that matches: tests, or units that read the file.
RULES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"engine/epochal_engine/walk/.*\.[ch]", ("units:engine/epochal_engine/walk/",)),
    (r"protos/.*", ("tests/rpc", "tests/contract")),
    (r"clients/web/.*\.(test\.ts|md)", ()),
    (r"clients/web/.*", ("tests/browser",)),
    (r"pyproject\.toml|requirements.*", ("tests",)),
    (
        r".*\.md|docs/.*|NOTICE|LICENSE|benchmarks/.*|\.[^/]*|\.ci/.*|Makefile|clients/generated/.*",
        (),
    ),
    (r"deploy/.*|Dockerfile|docker-compose.yml", ("tests/deploy", "tests/daemon/test_compose.py")),
)


def is_python(path: str) -> bool:
    return path.endswith(".py") and path.startswith(tuple(f"{folder}/" for folder in RECORDED))


@dataclass
class Selection:
    """The tests that a change can break."""

    record: Record
    sources: Sources
    tests: int = 0
    """The bits of recorded tests."""
    paths: set[str] = field(default_factory=set)
    """Folders, files and tests besides."""
    changed: set[str] = field(default_factory=set)
    """The functions that changed."""
    page: bool = False
    """Whether the page changed, which has its own tests."""
    notes: list[str] = field(default_factory=list)
    left_out: int = 0
    """The bits of the tests that there is no time for."""
    _groups: dict[str, int] = field(default_factory=dict)
    """The tests of each thing that changed."""
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def python(self, path: str, before: str, after: str) -> None:
        """Add the tests of a Python file that changed."""
        functions, names = difference(path, before, after)
        old = read(path, before)
        self.changed |= {f"{path}:{name}" for name in functions | names}
        for name in functions:
            self._executed(path, name)
            if path.rpartition("/")[2].startswith("test_") and re.match(r"(.*\.)?test_", name):
                self.paths.add(f"{path}::{name.replace('.', '::')}")
            if path.endswith("conftest.py") and name.startswith("pytest_"):
                self.paths.add(path.rpartition("/")[0])
        for name in names:
            owner, _, method = name.rpartition(".")
            if not owner or method.startswith("__"):
                self._means_other(path, name)
            elif owner in old.units and old.units[owner].nodes[0].bases:
                for unit in self.record.units:  # an override changes the calls of others as well
                    if unit.endswith(f".{method}"):
                        self._executed(*unit.split(":"))
            if base := self.sources.registers(path, name) if name not in old.units else None:
                self._means_other(*base)

    def other(self, path: str) -> None:
        """Add the tests of another file."""
        self.page |= path.startswith("clients/web/")
        known = next((row for pattern, row in RULES if re.fullmatch(pattern, path)), None)
        folder = path
        while known is None and folder:  # data: the nearest package whose functions ran
            folder = folder.rpartition("/")[0]
            if folder and any(unit.startswith(f"{folder}/") for unit in self.record.units):
                known = (f"units:{folder}/",)
        if known is None:
            self.notes.append(f"No rule says which tests read {path}.")
        for entry in known or ():
            if entry.startswith("units:"):
                for unit, tests in self.record.units.items():
                    if unit.startswith(entry[6:]):
                        self._add(unit, tests)
            else:
                chosen = (test.startswith(entry) for test in self.record.tests)
                self._add(entry, sum(is_in << number for number, is_in in enumerate(chosen)))

    def _add(self, name: str, tests: int) -> None:
        self._groups[name] = tests
        self.tests |= tests

    def narrow(self, seconds: float = MOST_SECONDS) -> None:
        """Keep the tests that are most about the change, equally many for each unit, for a time."""
        costs, breadths = self.record.seconds, self.record.breadths
        fixtures = [*self.record.fixtures.values()]
        queues = [
            sorted(
                (number for number in range(len(costs)) if tests >> number & 1),
                key=lambda number: (-breadths[number], -costs[number]),
            )
            for tests in {tests for tests in self._groups.values() if tests}
        ]
        chosen, rounds = 0, 0
        while queues:
            for queue in queues:
                number = queue.pop()
                if chosen >> number & 1:
                    continue
                test = 1 << number
                cost = costs[number] + sum(
                    setup for setup, users in fixtures if users & test and not users & chosen
                )
                if cost <= seconds or rounds == 0:
                    chosen |= test
                    seconds -= cost
            queues = [queue for queue in queues if queue]
            rounds += 1
        self.tests, self.left_out = chosen, self.tests & ~chosen

    def _executed(self, path: str, name: str) -> None:
        """Add the tests that executed a function, and the tests of its callers during an import."""
        unit = f"{path}:{name}"
        self._add(unit, self.record.units.get(unit, 0))
        for caller in self.record.imported.get(unit, ()):
            file, _, made = caller.partition(":")
            self._means_other(file, made)

    def _means_other(self, path: str, name: str) -> None:
        """Add the tests that executed what mentions a name, through other modules too."""
        name = name.split(".")[0]
        if (path, name) in self._seen:
            return
        self._seen.add((path, name))
        if name == NAMELESS:  # a call such as `register(TABLE)` may change what it mentions
            units = self.sources.module(path).units
            for mentioned in units[name].names & units.keys() if name in units else ():
                self._means_other(path, mentioned)
            return
        for file, user in self.sources.users(path, name):
            unit = self.sources.module(file).units.get(user)
            if unit and unit.is_function:
                self._executed(file, user)
            else:
                self._means_other(file, user)

    def all_tests(self) -> int:
        """The bits of all recorded tests that run."""
        prefixes, tests = (*ALWAYS, *self.paths), self.tests
        for number, test in enumerate(self.record.tests):
            tests |= test.startswith(prefixes) << number
        return tests

    def names(self) -> list[str]:
        """The files and tests for pytest that exist."""
        chosen = [*ALWAYS, *sorted(self.paths), *self.record.named(self.tests)]
        whole = tuple(path for path in chosen if "::" not in path)
        row = [path for path in chosen if "::" not in path or not path.startswith(whole)]
        return list(dict.fromkeys(path for path in row if self._exists(path)))

    def _exists(self, path: str) -> bool:
        file, *names = path.split("::")
        return not names or ".".join(names) in self.sources.module(file).units


def select(record: Record, sources: Sources, changes: Iterable[tuple[str, str, str]]) -> Selection:
    """Return what the changes (path, text before, text after) can break; "" for no such file."""
    selection = Selection(record, sources)
    for path, before, after in changes:
        if is_python(path):
            selection.python(path, before, after)
        else:
            selection.other(path)
    selection.narrow()
    return selection
