"""Jobs that are trained here and now, by the worker's own code."""

from typing import Any

from epochal_service.methods.context import Context
from epochal_service.specs.jobs import JobState
from epochal_workers.run import WorkerContext, run


def train(context: Context, job_id: str) -> JobState | None:
    """Take the job as far as it goes."""
    shop = WorkerContext(context.settings, context.database, context.queue, lambda: False)
    return run(shop, job_id)


def deep(layers: int, epochs: int) -> dict[str, Any]:
    """A job with epochs that fill large frames: statistics of many layers after every epoch."""
    hidden = [{"type": "dense", "units": 1, "activation": "tanh"}] * (layers - 1)
    network = {"input_shape": [2], "layers": [*hidden, {"type": "dense", "units": 1}]}
    return {"network": network, "dataset": {"name": "xor"}, "loss": "mse", "epochs": epochs}
