"""Record the functions that each test executes, in every process that it starts.

Python imports this file at its start when PYTHONPATH names its folder, so that services and
commands are recorded too; as a plugin of pytest (`-p sitecustomize`) it publishes the number of the
running test, which all processes share as a file in memory. Each process writes its own part:

    c 7 service/epochal_service/processes/heap.py 21    code 7 begins at this line
    5566 0 7                                    test 5566 executed it
    5566 8 7                                    and did so within 8, a statement of a module that is
                                                imported, or a cached function (a negative line)

PYTEST_DONT_REWRITE: it is imported before pytest.
"""

from __future__ import annotations

import functools
import itertools
import mmap
import os
import sys
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from types import CodeType
from typing import Any
from zlib import crc32

assert sys.version_info >= (3, 12), "Recording needs Python 3.12 or newer."

FOLDER = Path(os.environ["TEST_RECORD"])
ROOT = f"{FOLDER.parent}/"
FOLDERS = tuple(
    f"{ROOT}{name}/"
    for name in ("engine", "service", "workers", "clients/python", "tools", "protos", "tests")
)
MONITOR = sys.monitoring
TOOL = MONITOR.COVERAGE_ID


class Local(threading.local):
    """The statements of modules and the cached functions that a thread is in, the innermost
    last."""

    def __init__(self) -> None:
        self.stack: list[tuple[object, str, int]] = []


LOCAL = Local()
CODES: dict[int, tuple[int, CodeType]] = {}  # the code stays alive, so that its id stays its own
NUMBERS: dict[tuple[str, int], int] = {}
HITS: set[tuple[int, int, int]] = set()
number: memoryview
running = 0
publishes = False
part = -1
count = itertools.count(1)


def open_part() -> None:
    """Write to a file of this process from now on; a fork has seen nothing."""
    global part, publishes
    path = FOLDER / f"{os.getpid()}-{time.time_ns()}.part"
    part = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644)
    publishes = False
    for seen in (CODES, NUMBERS, HITS):
        seen.clear()
    MONITOR.restart_events()


def open_number(path: str | None) -> None:
    """Share the number of the running test with the process that publishes it."""
    global number
    if path is None:
        number = memoryview(bytearray(8)).cast("Q")
        return
    with open(path, "r+b") as file:
        number = memoryview(mmap.mmap(file.fileno(), 8)).cast("Q")


def number_of(file: str, line: int) -> int:
    """Return the number of a place, which the part names once."""
    place = file.removeprefix(ROOT), line
    if place not in NUMBERS:
        known = next(count)
        os.write(part, f"c {known} {place[0]} {line}\n".encode())
        NUMBERS[place] = known
    return NUMBERS[place]


def hit(known: int) -> None:
    """Write that the running test came here, once."""
    global running
    test, stack = number[0], LOCAL.stack
    if test != running:
        running = test
        HITS.clear()
    triple = test, number_of(*stack[-1][1:]) if stack else 0, known
    if triple not in HITS:
        HITS.add(triple)
        os.write(part, b"%d %d %d\n" % triple)


def on_start(code: CodeType, offset: int) -> object:
    """Record a function. Only the process that knows of each change of the test disables it."""
    entry = CODES.get(id(code))
    if entry is None:
        if not code.co_filename.startswith(FOLDERS) or code.co_filename == __file__:
            return MONITOR.DISABLE
        entry = CODES[id(code)] = number_of(code.co_filename, code.co_firstlineno), code
        if code.co_name == "<module>":
            MONITOR.set_local_events(TOOL, code, MONITOR.events.LINE | MONITOR.events.PY_RETURN)
            LOCAL.stack.append((code, code.co_filename, 1))
            return None
    hit(entry[0])
    return MONITOR.DISABLE if publishes and not LOCAL.stack else None


def on_line(code: CodeType, line: int) -> None:
    """Enter the next statement of a module; imports that failed within the last have ended."""
    stack = LOCAL.stack
    if any(owner is code for owner, _, _ in stack):
        while stack.pop()[0] is not code:
            pass
        stack.append((code, code.co_filename, line))


def on_return(code: CodeType, offset: int, value: object) -> None:
    """Leave a module."""
    while LOCAL.stack and LOCAL.stack.pop()[0] is not code:
        pass


def within(function: Callable[..., Any]) -> Callable[..., Any]:
    """Run a cached function so that all that it executes belongs to its later users as well."""
    code = getattr(function, "__code__", None)
    if code is None or not code.co_filename.startswith(FOLDERS):
        return function

    @functools.wraps(function)
    def run(*args: Any, **options: Any) -> Any:
        LOCAL.stack.append((run, *place))
        if publishes:
            MONITOR.restart_events()
        try:
            return function(*args, **options)
        finally:
            LOCAL.stack.pop()

    place = vars(run)["place"] = code.co_filename, -code.co_firstlineno
    return run


def lru_cache(maxsize: Any = 128, typed: bool = False) -> Any:
    """Make a cache as `functools` does, and record who uses it."""
    if callable(maxsize):
        return lru_cache()(maxsize)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        run = within(function)
        cached: Any = make_cache(maxsize, typed)(run)

        @functools.wraps(function)
        def use(*args: Any, **options: Any) -> Any:
            hit(number_of(*vars(run)["place"]))
            return cached(*args, **options)

        vars(use).update(cache_info=cached.cache_info, cache_clear=cached.cache_clear)
        return cached if run is function else use

    return decorate


class CachedProperty(functools.cached_property[Any]):
    """Methods for `functools.cached_property`: with a setter, each access calls the getter."""

    def __init__(self, func: Callable[..., Any]) -> None:
        initialize(self, within(func))

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is not None and (place := getattr(self.func, "place", None)):
            hit(number_of(*place))
        return get(self, instance, owner)

    def __set__(self, instance: Any, value: Any) -> None:
        vars(instance)[self.attrname] = value

    def __delete__(self, instance: Any) -> None:
        del vars(instance)[self.attrname]


def begin(*names: str) -> int:
    """Publish that this test runs, within this fixture if it has two names; return the last."""
    before: int = number[0]
    following = crc32(" ".join(names).encode())
    os.write(part, f"t {following} {' '.join(names)}\n".encode())
    publish(following)
    return before


def publish(following: int) -> None:
    if number[0] != following:  # else the same test with other parameters
        number[0] = following
        MONITOR.restart_events()


def pytest_configure() -> None:
    global publishes
    path = FOLDER / f"{os.getpid()}.number"
    path.write_bytes(bytes(8))
    os.environ["TEST_RECORD_NUMBER"] = str(path)
    open_number(str(path))
    publishes = True


def fixture_names(item: Any) -> list[str]:
    definitions = item._fixtureinfo.name2fixturedefs
    return [f"{known[-1].baseid}:{name}" for name, known in definitions.items() if known]


def test_name(item: Any) -> str:
    name: str = item.nodeid.removesuffix(item.name) + getattr(item, "originalname", item.name)
    return name


current, shared_seconds = 0, 0.0


def pytest_runtest_protocol(item: Any) -> Generator[None, Any, Any]:
    global shared_seconds, current
    name, started, shared_seconds = test_name(item), time.perf_counter(), 0.0
    begin(name)
    current = number[0]
    os.write(part, f"n {name} {' '.join(fixture_names(item))}\n".encode())
    try:
        return (yield)
    finally:
        seconds = time.perf_counter() - started - shared_seconds
        os.write(part, f"d {name} {seconds:.3f}\n".encode())


def pytest_fixture_setup(fixturedef: Any, request: Any) -> Generator[None, Any, Any]:
    """Functions that a shared fixture executes, also at its end, belong to every test that uses
    it."""
    global shared_seconds
    if fixturedef.scope == "function":
        return (yield)
    name, started = f"{fixturedef.baseid}:{fixturedef.argname}", time.perf_counter()
    test = test_name(request._pyfuncitem)
    before = begin(test, name)
    fixturedef.addfinalizer(lambda: publish(current))
    try:
        return (yield)
    finally:
        fixturedef.addfinalizer(lambda: begin(test, name))
        publish(before)
        seconds = time.perf_counter() - started
        shared_seconds += seconds
        os.write(part, f"d {name} {seconds:.3f}\n".encode())


for hook in (pytest_runtest_protocol, pytest_fixture_setup):
    vars(hook)["pytest_impl"] = {"wrapper": True}  # as `pytest.hookimpl` marks it

open_number(os.environ.get("TEST_RECORD_NUMBER"))
open_part()
os.register_at_fork(after_in_child=open_part)
make_cache, functools.lru_cache = functools.lru_cache, lru_cache
initialize, get = functools.cached_property.__init__, functools.cached_property.__get__
for name in ("__init__", "__get__", "__set__", "__delete__"):
    setattr(functools.cached_property, name, vars(CachedProperty)[name])
MONITOR.use_tool_id(TOOL, "tests")
for event, callback in (
    (MONITOR.events.PY_START, on_start),
    (MONITOR.events.PY_RESUME, on_start),
    (MONITOR.events.LINE, on_line),
    (MONITOR.events.PY_RETURN, on_return),
):
    MONITOR.register_callback(TOOL, event, callback)
MONITOR.set_events(TOOL, MONITOR.events.PY_START | MONITOR.events.PY_RESUME)
