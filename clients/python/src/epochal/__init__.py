"""Train neural networks on an Epochal service and see every epoch.

with epochal.Client() as client:
    job = client.jobs.create(client.preset("xor")).wait()
    job.predict([[0, 1]])
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .errors import *  # noqa: F403
    from .public import *  # noqa: F403
    from .public import __all__ as __all__
else:
    # The command line imports this package, and needs only some modules of it.

    def __getattr__(name):
        """Import every public name when the first one is used."""
        from importlib import import_module

        public = import_module(".public", __name__)
        values = {word: getattr(public, word) for word in ["__all__", *public.__all__]}
        globals().update(values)
        if name in globals():
            return globals()[name]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return sorted({*globals(), *__getattr__("__all__")})
