"""Measure how fast this worker is, once for each software, engine and processor."""

from __future__ import annotations

import structlog

import epochal_engine as engine
from epochal_service.errors import Unavailable
from epochal_service.jobs.kernel import kernel
from epochal_service.store import Database, calibrations

logger = structlog.get_logger(__name__)

METHOD = "whole runs"
"""How the runs are timed. Measurements by another method, of an earlier version, are not used."""


def calibrate(database: Database) -> None:
    """Time short runs and store them, unless an equal worker has. Estimates start from them."""
    try:
        key = f"{kernel()}; {METHOD}, {engine.chosen_engine()} engine"
        with database.read() as connection:
            if calibrations.exists(connection, key):
                return
        runs = [(work.vector, seconds) for work, seconds in engine.calibrate()]
        with database.write() as connection:
            calibrations.put(connection, key, runs)
    except Unavailable as error:
        logger.warning("not_calibrated", error=str(error))
