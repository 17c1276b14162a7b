"""The method that suggests a job for a data set."""

from __future__ import annotations

from functools import cache

from ..preparation.suggestion import suggest
from ..resources.datasets import generate
from ..specs.datasets import GeneratorSpec, SuggestJobRequest
from ..specs.suggestion import Suggestion
from .context import Context
from .datasets import get_dataset, parameters_of, read


def suggest_job(context: Context, id: str, request: SuggestJobRequest) -> Suggestion:
    """Suggest a job for a data set: a complete spec, and the reason for each choice.

    Network, loss, scaling, optimizer, epochs and stopping rule follow from the task, the number of
    samples and the form of the inputs. For a table, three networks and their penalties are compared
    by cross-validation on at most 2,000 rows, which takes about two seconds. Nothing is stored.

    Raises `NotFound`; `InvalidArgument` for a parameter that the data set does not have.
    """
    metadata = get_dataset(context, id)
    parameters = parameters_of(request)
    if metadata.builtin and not parameters:
        return _of_builtin(id)
    dataset = read(context, metadata, parameters)
    return suggest(dataset, {"name": id, **parameters} if metadata.builtin else {"id": id})


@cache
def _of_builtin(name: str) -> Suggestion:
    """Return the suggestion for a built-in data set. Its cross-validation runs only once."""
    return suggest(generate(GeneratorSpec(name=name)), {"name": name})
