"""The method that suggests a job for a data set."""

from __future__ import annotations

from ..datasets import CATALOG, DatasetError
from ..errors import NotFound
from ..jobs.datasets import generate, read_uploaded
from ..jobs.suggestion import suggest
from ..specs.datasets import GeneratorSpec
from ..specs.suggestion import Suggestion
from .context import Context


def suggest_job(context: Context, id: str) -> Suggestion:
    """Suggest a job for a data set: a complete spec, and the reason for each choice.

    Network, loss, scaling, optimizer, epochs and stopping rule follow from the task, the number of
    samples and the form of the inputs. For a table, three networks and their penalties are compared
    by cross-validation on at most 2,000 rows, which takes about two seconds. Nothing is stored.

    Raises `NotFound`.
    """
    if id in CATALOG:
        return suggest(generate(GeneratorSpec(name=id)), {"name": id})
    with context.database.read() as connection:
        try:
            dataset = read_uploaded(connection, id, context.access)
        except DatasetError as error:
            raise NotFound(str(error)) from None
    return suggest(dataset, {"id": id})
