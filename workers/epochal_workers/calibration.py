"""Measure how fast this worker is, once for each software and processor."""

from __future__ import annotations

import structlog

import epochal_engine as engine
from epochal_service.errors import Unavailable
from epochal_service.jobs.kernel import kernel
from epochal_service.store import Database, calibrations

logger = structlog.get_logger(__name__)


def calibrate(database: Database) -> None:
    """Time short runs and store them, unless an equal worker has. Estimates start from them."""
    try:
        with database.read() as connection:
            if calibrations.exists(connection, kernel()):
                return
        runs = [(work.vector, seconds) for work, seconds in engine.calibrate()]
        with database.write() as connection:
            calibrations.put(connection, kernel(), runs)
    except Unavailable as error:
        logger.warning("not calibrated: the database is not available", error=error.detail)
