"""The calls of an explorer while a test runs."""

from functools import wraps

import pytest


@pytest.fixture
def computed_neurons(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The requests for which the explorer of a neuron has computed a reply."""
    # NumPy must not be imported before `pytest_configure`.
    from epochal_course.api import COURSE

    requests: list[object] = []
    method = COURSE.methods["SimulateNeuron"]
    compute = method.function

    @wraps(compute)  # its annotations are the models of the method
    def computed(request: object) -> object:
        requests.append(request)
        return compute(request)

    monkeypatch.setitem(vars(method), "function", computed)
    return requests
