"""The record of a whole run: the tests that execute each unit, and how long each test takes."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tools.changed.sources import Sources

NAME = "record.json.gz"


class Record(NamedTuple):
    """Sets of tests are whole numbers: bit k is test k."""

    commit: str
    tests: list[str]
    """Without parameters."""
    seconds: list[float]
    fixtures: dict[str, tuple[float, int]]
    """The seconds of the setup of a shared fixture, and its tests."""
    units: dict[str, int]
    """The tests that execute each unit."""
    imported: dict[str, list[str]]
    """The module-level units that execute a unit when they are imported."""

    def named(self, tests: int) -> list[str]:
        return [test for number, test in enumerate(self.tests) if tests >> number & 1]

    def time(self, tests: int) -> float:
        """Seconds of these tests on one core."""
        shared = sum(seconds for seconds, users in self.fixtures.values() if users & tests)
        return shared + sum(s for number, s in enumerate(self.seconds) if tests >> number & 1)

    @property
    def breadths(self) -> list[int]:
        """How many units each test executes."""
        counts = np.zeros(8 * (len(self.tests) // 8 + 1), int)
        for tests in self.units.values():
            row = np.frombuffer(tests.to_bytes(len(counts) // 8, "little"), np.uint8)
            counts += np.unpackbits(row, bitorder="little")
        return counts.tolist()

    def save(self, folder: Path) -> None:
        row = self._asdict() | {"units": {unit: hex(bits) for unit, bits in self.units.items()}}
        row["fixtures"] = {name: (s, hex(bits)) for name, (s, bits) in self.fixtures.items()}
        (folder / NAME).write_bytes(gzip.compress(json.dumps(row).encode()))

    @classmethod
    def load(cls, folder: Path) -> Record:
        row = json.loads(gzip.decompress((folder / NAME).read_bytes()))
        row["units"] = {unit: int(bits, 16) for unit, bits in row["units"].items()}
        row["fixtures"] = {name: (s, int(bits, 16)) for name, (s, bits) in row["fixtures"].items()}
        return cls(**row)


def _read(folder: Path, sources: Sources) -> Iterator[tuple[str, list[str]]]:
    """Yield the lines of all parts as (kind, words), where codes have become units.

    A hit is ("hit", [test, unit it is within, unit]). The use of a cache ends with `@`.
    """
    for part in sorted(folder.glob("*.part")):
        units = {"0": ""}
        for line in part.read_text().splitlines():
            match line.split(" "):
                case ["c", number, file, place]:
                    name = sources.module(file).unit_at(abs(int(place)))
                    units[number] = f"{file}:{name}{'@' * (int(place) < 0)}" if name else ""
                case ["t" | "n" | "d" as kind, *words]:
                    yield kind, words
                case [test, outer, number] if units.get(number):
                    yield "hit", [test, units.get(outer, ""), units[number]]


def merge(folder: Path, sources: Sources, commit: str) -> Record:
    """Return the record of the parts in a folder."""
    contexts: dict[str, set[str]] = defaultdict(set)
    fixtures: dict[str, list[str]] = {}
    times: dict[str, list[float]] = defaultdict(list)
    hits: set[tuple[str, ...]] = set()
    for kind, words in _read(folder, sources):
        if kind == "hit":
            hits.add(tuple(words))
        elif kind == "t":
            contexts[words[0]].update(words[1:])
        elif kind == "n":
            fixtures[words[0]] = words[1:]
        else:
            times[words[0]].append(float(words[1]))
    users: dict[str, int] = defaultdict(int)  # the tests of a test, and of a shared fixture
    for number, (test, names) in enumerate(fixtures.items()):
        for name in (test, *names):
            users[name] |= 1 << number
    units: dict[str, int] = defaultdict(int)
    imported: dict[str, set[str]] = defaultdict(set)
    cached: dict[str, set[str]] = defaultdict(set)
    for context, outer, unit in hits:
        for name in contexts[context]:
            units[unit] |= users[name]
        if outer.endswith("@"):
            cached[outer].add(unit)
        elif outer not in ("", unit):
            imported[unit].add(outer)
    _share(units, imported, cached)
    return Record(
        commit,
        list(fixtures),
        [sum(times[test]) for test in fixtures],
        {name: (max(row), users[name]) for name, row in times.items() if name not in fixtures},
        {unit: row for unit, row in units.items() if not unit.endswith("@")},
        {unit: sorted(row) for unit, row in imported.items() if row and not unit.endswith("@")},
    )


def _share(
    units: dict[str, int],
    imported: dict[str, set[str]],
    cached: dict[str, set[str]],
) -> None:
    """Count what a cached function executes for all that use the cache later."""
    before = -1
    while before != (before := sum(row.bit_count() for row in units.values())):
        for cache, members in cached.items():
            for member in members:
                units[member] |= units[cache]
                imported[member] |= imported[cache]
