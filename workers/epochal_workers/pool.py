"""The processes of a worker."""

from celery.concurrency.prefork import TaskPool


class Pool(TaskPool):  # type: ignore[misc]
    """Celery's pool, except that a process may die while the pool starts.

    Celery would end the whole worker. Here another process takes the place, as at any other time;
    a worker with processes that die again and again still ends.
    """

    def did_start_ok(self) -> bool:
        self.maintain_pool()
        return True
