"""One format for all log lines, of libraries too: console text or JSON.

A line of this program is the name of an event with fields: `lease_expired job=job_… attempt=2`.
"""

import logging.config
import re
import sys
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import lru_cache, partial
from json.encoder import encode_basestring_ascii
from threading import Lock
from time import monotonic, time
from typing import Any, ClassVar

import structlog
from structlog.contextvars import get_contextvars
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


class RequestLog:
    """Logs the requests of a part of the program.

    The lines are the same as structlog's, whose chain of processors takes ten times as long as
    this: as long as to answer a request from the cache.
    """

    write: ClassVar[Callable[[str], None] | None] = None
    """Writes a line to stderr; None where colors or a missing configuration need structlog."""
    is_json: ClassVar[bool] = False

    def __init__(self, name: str) -> None:
        self._structlog = structlog.get_logger(name)
        self._logging = logging.getLogger(name)

    def __call__(self, event: str, level: int = logging.INFO, **fields: Any) -> None:
        """Log a request with the variables of its context. Fields are numbers, texts or None."""
        if not self._logging.isEnabledFor(level):
            return
        if RequestLog.write is None:
            self._structlog.log(level, event, **fields)
            return
        fields = {**fields, **get_contextvars()}
        now, name = time(), _LEVELS[level]
        if RequestLog.is_json:
            moment = f"{_second(int(now), is_json=True)}.{int(now % 1 * 1e6):06d}Z"
            start = f'{{"timestamp": "{moment}", "level": "{name}", "event": "{event}", '
            parts = [f'"{key}": {_in_json(value)}, ' for key, value in fields.items()]
            RequestLog.write(f'{start}{"".join(parts)}"logger": "{self._logging.name}"}}\n')
        else:
            start = f"{_second(int(now), is_json=False)} [{name:<9}] {event:<30}"
            parts = [f" {key}={_shown(fields[key])}" for key in sorted(fields)]
            RequestLog.write(f"{start} [{self._logging.name}]{''.join(parts)}\n")


_LEVELS = {logging.INFO: "info", logging.DEBUG: "debug"}
_quoted = re.compile(r"""[ \t=\r\n"']""").search


def _in_json(value: object) -> object:
    if isinstance(value, str):
        return encode_basestring_ascii(value)
    return "null" if value is None else value


def _shown(value: object) -> object:
    return repr(value) if isinstance(value, str) and _quoted(value) else value


@lru_cache(maxsize=2)
def _second(second: int, *, is_json: bool) -> str:
    moment = datetime.fromtimestamp(second, UTC if is_json else None)
    return moment.strftime("%Y-%m-%dT%H:%M:%S" if is_json else "%H:%M:%S")


def _write(handler: logging.Handler, line: str) -> None:
    """Write a line to the stream of a handler, between the lines of others."""
    assert isinstance(handler, logging.StreamHandler)
    with handler.lock or nullcontext():
        handler.stream.write(line)
        handler.flush()


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
    (stderr,) = logging.getLogger().handlers
    RequestLog.is_json = json
    RequestLog.write = None if sys.stderr.isatty() and not json else partial(_write, stderr)
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
