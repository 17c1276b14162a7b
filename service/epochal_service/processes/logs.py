"""One format for all log lines, of libraries too: console text or JSON.

A line of this program is the name of an event with fields: `lease_expired job=job_… attempt=2`.
"""

import logging.config
import sys
from threading import Lock
from time import monotonic

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from epochal_service.settings import Settings

QUIET_SECONDS = 30.0
"""Seconds during which an event with the same error is logged once."""
MAX_ERRORS = 1000
"""The number of different errors to remember."""


class RepeatedErrors:
    """A processor that logs an event with the same `error` once in a while, and counts the others.

    Many threads meet the same database that is away, again and again.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._logged: dict[tuple[str, str], tuple[float, int]] = {}

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
        if "error" not in event:
            return event
        key, now = (event["event"], event["error"]), monotonic()
        with self._lock:
            logged_at, repeats = self._logged.get(key, (-QUIET_SECONDS, 0))
            if now - logged_at < QUIET_SECONDS:
                self._logged[key] = logged_at, repeats + 1
                raise structlog.DropEvent
            if len(self._logged) >= MAX_ERRORS:
                self._logged.clear()
            self._logged[key] = now, 0
        return {**event, "repeats": repeats} if repeats else event


def _main_fields_first(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    return {key: event.get(key) for key in ("timestamp", "level", "event")} | dict(event)


def configure(settings: Settings) -> None:
    """Send all log lines of this process to stderr in `log_format`, from `log_level` up."""
    json = settings.log_format == "json"
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso" if json else "%H:%M:%S", utc=json),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[Processor]
    if json:
        last = [
            structlog.processors.format_exc_info,
            _main_fields_first,
            structlog.processors.JSONRenderer(),
        ]
    else:
        last = [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": shared,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"line": formatter},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"handlers": ["stderr"], "level": settings.log_level.upper()},
            # The worker logs the same with the id of the job.
            "loggers": {
                name: {"level": "WARNING"}
                for name in ("celery.app.trace", "celery.worker.strategy")
            },
        }
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            RepeatedErrors(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
