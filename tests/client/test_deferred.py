"""A dataclass that is built when it is first used behaves as one that is built at once."""

import copy
import dataclasses
import inspect
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from epochal import deferred, types


def class_of(decorator: Callable[..., Any], *, eq: bool = True) -> Any:
    @decorator(frozen=True, eq=eq)
    class Point:
        """A point."""

        x: int
        name: str = "origin"

        def doubled(self) -> int:
            return 2 * self.x

    return Point


USES: dict[str, Callable[[Any], Any]] = {
    "repr": lambda cls: repr(cls(1)).rpartition(".")[2],
    "equality": lambda cls: (cls(1) == cls(1), cls(1) == cls(2), cls(1) == 1),
    "hash": lambda cls: (cls.__hash__ is object.__hash__, type(hash(cls(1)))),
    "method": lambda cls: cls(3).doubled(),
    "default": lambda cls: (cls.name, cls(1).name),
    "doc": lambda cls: cls.__doc__,
    "signature": lambda cls: str(inspect.signature(cls)),
    "match": lambda cls: cls.__match_args__,
    "is_dataclass": dataclasses.is_dataclass,
    "fields": lambda cls: [field.name for field in dataclasses.fields(cls)],
    "frozen": lambda cls: cls.__dataclass_params__.frozen,
    "replace": lambda cls: dataclasses.replace(cls(1), x=2).x,
    "asdict": lambda cls: dataclasses.asdict(cls(1)),
    "copy": lambda cls: copy.copy(cls(1)).x,
    "attributes": lambda cls: sorted({*dir(cls)} - {"__annotations__", "_repr_html_"}),
}


@pytest.mark.parametrize("eq", [True, False])
@pytest.mark.parametrize("use", USES)
def test_a_deferred_dataclass_behaves_as_one_built_at_once(use: str, eq: bool) -> None:
    observe = USES[use]
    deferred_class = class_of(deferred.dataclass, eq=eq)
    assert observe(deferred_class) == observe(class_of(dataclasses.dataclass, eq=eq))


def test_its_fields_cannot_be_changed() -> None:
    point = class_of(deferred.dataclass)(1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'x'"):
        point.x = 2
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'x'"):
        del point.x


def test_a_record_is_read_in_a_process_that_has_built_none() -> None:
    limit = types.Limit(name="max_epochs", value=1.0, description="")
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer))"
    reader = [sys.executable, "-c", code]
    done = subprocess.run(reader, input=pickle.dumps(limit), capture_output=True, check=True)
    assert done.stdout.decode().strip() == repr(limit)


def test_threads_may_use_a_class_for_the_first_time_together() -> None:
    classes = [class_of(deferred.dataclass) for _ in range(30)]
    start = threading.Barrier(4)
    reprs: set[str] = set()

    def use() -> None:
        start.wait()
        reprs.update(repr(cls(1)).rpartition(".")[2] for cls in classes)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)
    assert reprs == {"Point(x=1, name='origin')"}


def test_no_record_is_built_by_an_import() -> None:
    code = (
        "import inspect, epochal.types as types; "
        "classes = [c for c in vars(types).values() if inspect.isclass(c)]; "
        "print(sum(inspect.isfunction(vars(c).get('__repr__')) for c in classes))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
