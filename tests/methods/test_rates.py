"""An owner's requests of one minute: used up, refilled, and forgotten."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from epochal_service.errors import QuotaExceeded
from epochal_service.methods.rates import MAX_FULL_OWNERS, Rate, Rates


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def accepted(rates: Rates, requests: int, owner: str = "me") -> int:
    count = 0
    for _ in range(requests):
        try:
            rates.take(owner)
        except QuotaExceeded:
            continue
        count += 1
    return count


def test_a_minute_of_requests_may_come_at_once_and_no_more() -> None:
    rates = Rates(30, Clock())
    assert rates.rate("me") == Rate(30, 30, 0)
    assert accepted(rates, 31) == 30
    assert rates.rate("me") == Rate(30, 0, 60)
    assert accepted(rates, 31, "you") == 30


def test_the_allowance_refills_evenly() -> None:
    clock = Clock()
    rates = Rates(30, clock)
    accepted(rates, 30)
    clock.now += 1.5
    with pytest.raises(QuotaExceeded, match="30 of 30: wait 1 s") as refused:
        rates.take("me")
    assert refused.value.retry_after == 1
    clock.now += 0.5
    assert accepted(rates, 2) == 1
    clock.now += 20
    assert rates.rate("me") == Rate(30, 10, 40)
    clock.now += 500
    assert accepted(rates, 31) == 30


@pytest.mark.parametrize("limit", [1, 7, 6000])
def test_waiting_as_long_as_a_refusal_says_is_enough(limit: int) -> None:
    clock = Clock()
    rates = Rates(limit, clock)
    accepted(rates, limit)
    for _ in range(3):
        with pytest.raises(QuotaExceeded) as refused:
            rates.take("me")
        assert refused.value.retry_after is not None
        clock.now += refused.value.retry_after
        accepted(rates, limit)


def test_owners_whose_allowance_is_full_are_forgotten() -> None:
    clock = Clock()
    rates = Rates(600, clock)
    for number in range(5 * MAX_FULL_OWNERS):
        clock.now += 0.1
        rates.take(f"{number}")
    assert len(rates) <= MAX_FULL_OWNERS + 1


def test_threads_share_the_allowance() -> None:
    rates = Rates(500, Clock())
    with ThreadPoolExecutor(8) as threads:
        counts = list(threads.map(lambda _: accepted(rates, 100), range(8)))
    assert sum(counts) == 500
