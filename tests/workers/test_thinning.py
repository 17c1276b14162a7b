"""A job may ask for fewer early checkpoints; other jobs keep all."""

from typing import Any

import pytest
from tests.workers.in_process import AT_ONCE, DIGITS, NEVER, XOR, Killed, Service, at_call
from tests.workers.record import record

from epochal_service.curves.thinning import remaining, superseded

THINNED: dict[str, Any] = {
    **XOR,
    "epochs": 50,
    "snapshots": {"weights_every": 1, "thin_weights_after": 4},
}


def die() -> None:
    raise Killed


def stored(every: int, after: int | None, epochs: int) -> list[int]:
    """The checkpoints after this number of epochs, by the rule applied epoch by epoch."""
    stay: set[int] = set()
    for epoch in range(every, epochs + 1, every):
        stay.add(epoch)
        stay.discard(superseded(epoch, every, after) or 0)
    return sorted(stay)


def test_the_latest_stay_and_earlier_ones_at_doubling_distances() -> None:
    assert stored(1, 4, 18) == [1, 2, 4, 8, 15, 16, 17, 18]
    assert stored(10, 2, 100) == [10, 20, 40, 80, 90, 100]
    assert stored(3, 1, 20) == [3, 6, 12, 18]
    assert stored(1, None, 9) == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert len(stored(1, 10, 100_000)) == 17 + 10
    for epochs in range(1, 70):
        for after in (1, 2, 5, None):
            assert len(stored(1, after, epochs)) == remaining(epochs, after)


@pytest.mark.parametrize("flush_seconds", [AT_ONCE, NEVER])
def test_a_job_that_asks_for_it_has_few_early_checkpoints(
    service: Service, flush_seconds: float
) -> None:
    job_id = service.create(THINNED)
    assert service.run(job_id, flush_seconds=flush_seconds) == "succeeded"
    assert [*record(service.database, job_id).checkpoints] == [
        *(0, 1, 2, 4, 8, 16, 32, 47, 48, 49, 50)
    ]


def test_all_checkpoints_of_another_job_stay(service: Service) -> None:
    job_id = service.create({**THINNED, "snapshots": {"weights_every": 1}})
    assert service.run(job_id, flush_seconds=AT_ONCE) == "succeeded"
    assert [*record(service.database, job_id).checkpoints] == list(range(51))


@pytest.mark.parametrize("call", [9, 20, 33])
def test_an_interrupted_job_has_the_same_checkpoints(service: Service, call: int) -> None:
    undisturbed = service.undisturbed(THINNED)
    job_id = service.create(THINNED)
    for number in (call, 5):
        with pytest.raises(Killed):
            service.run(job_id, at_call(number, die), flush_seconds=AT_ONCE)
        service.lose_worker(job_id)
    assert service.run(job_id) == "succeeded"
    assert record(service.database, job_id) == undisturbed


def test_the_best_epoch_is_stored_at_the_end_although_it_was_superseded(service: Service) -> None:
    """`record` checks that the best epoch has a checkpoint."""
    spec = {
        **DIGITS,
        "optimizer": {"type": "adam", "learning_rate": 0.03},
        "snapshots": {"weights_every": 1, "thin_weights_after": 1},
    }
    job_id = service.create(spec)
    assert service.run(job_id, flush_seconds=AT_ONCE) == "succeeded"
    result = record(service.database, job_id)
    assert result.best is not None
    cancelled = service.create(spec)
    with pytest.raises(Killed):
        service.run(cancelled, at_call(25, die), flush_seconds=AT_ONCE, checkpoint_seconds=AT_ONCE)
    service.cancel(cancelled)
    service.lose_worker(cancelled)
    assert record(service.database, cancelled).state == "cancelled"
