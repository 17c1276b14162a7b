"""Train one job in this process, as a worker does: `_attempt.py FOLDER JOB SECONDS`.

The database is the SQLite file of the data folder; a resume point is stored every `SECONDS`. Prints
the state of the job and the peak of this process's memory in bytes, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import structlog

import epochal_workers.app  # noqa: F401 - as every worker does
from epochal_service.jobs.queue import Queue
from epochal_service.settings import Settings
from epochal_service.store import Database
from epochal_workers.calibration import calibrate
from epochal_workers.run import WorkerContext, run


def peak_bytes() -> int:
    """Return the largest memory of this process so far; 0 where the system does not say."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def main(folder: str, job_id: str, checkpoint_seconds: str) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    settings = Settings(
        _env_file=None,
        data_dir=Path(folder),
        database_url=f"sqlite:///{folder}/epochal.db",
        checkpoint_seconds=float(checkpoint_seconds),
    )
    database = Database(settings.database_url, pool_size=2)
    calibrate(database)
    state = run(WorkerContext(settings, database, Queue(None), lambda: False), job_id)
    print(json.dumps({"state": state, "peak": peak_bytes()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
