"""The methods of the service itself: limits, usage and versions."""

from __future__ import annotations

from importlib.metadata import version
from typing import cast

import numpy as np

from epochal_engine import chosen_engine

from ..jobs.kernel import kernel
from ..jobs.quotas import STORED
from ..specs.keys import Action
from ..specs.system import Limit, Limits, QuotaUsage, Usage, Version
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


def get_usage(context: Context) -> Usage:
    """Return the owner and the scope of the API key, and the owner's use of each quota.

    Streams and requests are counts of the API process that answers. Requests without an API key are
    neither counted nor limited.
    """
    quotas, rate = context.settings.quotas, context.rate
    with context.database.read() as connection:
        used = {name: stored.count(connection, context.owner) for name, stored in STORED.items()}
    access = context.access
    used["max_open_streams"] = context.hub.streams(context.owner)
    limits = quotas.model_dump()
    if rate is None:
        limits["max_requests_per_minute"] = None
    used["max_requests_per_minute"] = rate.limit - rate.remaining if rate else 0
    return Usage(
        owner=context.owner,
        scope=context.scope,
        actions=cast(list[Action], [*context.actions]),
        jobs=[*access.jobs],
        labels=dict(access.labels),
        quotas=[]
        if access.is_narrow
        else [
            QuotaUsage(
                name=name,
                used=used[name],
                limit=limits[name],
                description=field.description or "",
            )
            for name, field in type(quotas).model_fields.items()
        ],
    )


def get_version(context: Context) -> Version:
    """Return the versions of the service, of NumPy and of the kernel."""
    return Version(
        version=version("epochal-server"),
        api="v1",
        numpy=np.__version__,
        kernel=kernel(),
        engine=chosen_engine(),
    )
