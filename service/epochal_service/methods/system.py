"""The methods of the service itself: limits, versions, readiness."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np

from ..errors import Unavailable
from ..jobs.kernel import kernel
from ..specs.system import Component, Health, Limit, Limits, Version
from .context import Context


def get_limits(context: Context) -> Limits:
    """Return the limits of one request, and those of one owner."""
    settings = context.settings
    return Limits(
        limits=[
            Limit(name=name, value=float(getattr(model, name)), description=field.description or "")
            for model in (settings.limits, settings.quotas)
            for name, field in type(model).model_fields.items()
        ]
    )


def get_version(context: Context) -> Version:
    """Return the versions of the service, of NumPy and of the kernel."""
    return Version(
        version=version("epochal-server"), api="v1", numpy=np.__version__, kernel=kernel()
    )


def readiness(context: Context) -> Health:
    """Return whether requests are served: `down` without database, `degraded` without broker."""
    components = [_database(context), _broker(context)]
    worst = max(components, key=lambda c: ("ok", "degraded", "down").index(c.status))
    return Health(status=worst.status, components=components)


def _database(context: Context) -> Component:
    try:
        with context.database.read() as connection:
            connection.exec_driver_sql("SELECT 1")
    except Unavailable as error:
        return Component(name="database", status="down", detail=error.detail)
    return Component(name="database", status="ok")


def _broker(context: Context) -> Component:
    if context.queue.pending() is None:
        detail = "jobs are accepted and start when the broker is available again"
        return Component(name="broker", status="degraded", detail=detail)
    return Component(name="broker", status="ok")
