"""Others are served while one client attacks. `make adversaries` measures how fast."""

import pytest
from benchmarks.adversaries import MEMORY_MB, Client, Turn, run, slow_readers, wrong_bodies

pytestmark = pytest.mark.long


def few_slow_readers(client: Client, turn: Turn) -> None:
    """As many as would keep more than `MEMORY_MB`, if the API kept all of their replies."""
    slow_readers(client, turn, count=120)


def test_others_are_served_during_an_attack() -> None:
    figures = run([wrong_bodies, few_slow_readers], seconds=1)
    # Generous, for a busy machine; the memory does not depend on it.
    assert max(row.healthz_ms for row in figures) < 5_000
    assert max(row.silence for row in figures) < 30
    assert max(row.first_epoch for row in figures) < 60
    assert max(row.memory_mb for row in figures) < MEMORY_MB
