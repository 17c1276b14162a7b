"""Work that waits until its result is needed: to import NumPy, and to build a dataclass.

The modules of the SDK import both names from here. NumPy takes 0.1 s to import. A dataclass takes
almost a millisecond to build; the SDK has two hundred, and a program uses a few.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

__all__ = ["dataclass", "np"]

if TYPE_CHECKING:
    from dataclasses import dataclass

    import numpy as np
else:
    import dataclasses

    class _NumPy:
        """The module `numpy`, imported when an attribute is first read."""

        def __getattr__(self, name):
            import numpy

            vars(self).update(vars(numpy))
            return getattr(numpy, name)

    np = _NumPy()

    # Members that `dataclasses.dataclass` adds to a class.
    _ADDED = ["__init__", "__repr__", "__match_args__", "__dataclass_fields__"]
    _ADDED += ["__dataclass_params__", *(["__replace__"] if sys.version_info >= (3, 13) else [])]
    _COMPARED = ["__eq__", "__hash__"]

    class _Pending:
        """An attribute of a dataclass that is not built yet. Reading it builds them all.

        They are built on a copy of the class, so that no thread finds one missing. Two threads
        may build at the same time, and write the same.
        """

        def __init__(self, cls, name, eq):
            self.cls, self.name, self.eq = cls, name, eq

        def __get__(self, instance, owner=None):
            cls = self.cls
            pending = {name for name, value in vars(cls).items() if isinstance(value, _Pending)}
            absent = {*pending, "__dict__", "__weakref__", "__setattr__", "__delattr__"}
            body = {name: value for name, value in vars(cls).items() if name not in absent}
            twin = type(cls)(cls.__name__, cls.__bases__, body)
            built = vars(dataclasses.dataclass(frozen=True, eq=self.eq)(twin))
            for name in pending:
                setattr(cls, name, built[name])
            value = built[self.name]
            get = getattr(type(value), "__get__", None)
            return value if get is None else get(value, instance, owner)

    def _repr_html_(self):
        from .notebook import table

        return table(self)

    def _refuse(self, name, *value):
        verb = "assign to" if value else "delete"
        raise dataclasses.FrozenInstanceError(f"cannot {verb} field {name!r}")

    def dataclass(*, frozen, eq=True):
        """Return a decorator as `dataclasses.dataclass` does, for fields without defaults.

        A notebook shows a record as a table.
        """
        assert frozen

        def decorate(cls):
            for name in [*_ADDED, *(_COMPARED if eq else [])]:
                if name not in vars(cls):
                    setattr(cls, name, _Pending(cls, name, eq))
            cls.__setattr__ = cls.__delattr__ = _refuse
            if not hasattr(cls, "_repr_html_"):
                cls._repr_html_ = _repr_html_
            return cls

        return decorate
