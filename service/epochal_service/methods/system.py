"""The methods of the service itself: limits and versions."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np

from ..jobs.kernel import kernel
from ..specs.system import Limit, Limits, Version
from .context import Context


def get_limits(context: Context) -> Limits:
    """Return the limits of one request and of one owner. A quota that is not set is absent."""
    settings = context.settings
    return Limits(
        limits=[
            Limit(name=name, value=float(value), description=field.description or "")
            for model in (settings.limits, settings.quotas)
            for name, field in type(model).model_fields.items()
            if (value := getattr(model, name)) is not None
        ]
    )


def get_version(context: Context) -> Version:
    """Return the versions of the service, of NumPy and of the kernel."""
    return Version(
        version=version("epochal-server"), api="v1", numpy=np.__version__, kernel=kernel()
    )
