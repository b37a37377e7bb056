"""Sets logging up for a process, once."""

import atexit
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import structlog

from telemetry.clock import Clock, SystemClock
from telemetry.logs.logger import ROUTE, BoundLogger, NamedSink
from telemetry.logs.pipeline import Listener, LogPipeline
from telemetry.logs.segments import Retention
from telemetry.logs.stdlib import capture_logging
from telemetry.metrics import Metrics
from telemetry.redaction import Redactor


@dataclass(frozen=True, slots=True)
class Logging:
    """The logging of this process."""

    pipeline: LogPipeline
    _end: Callable[[], None]

    def add_listener(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` with every record on the writer's thread; returns what ends it."""
        return self.pipeline.add_listener(listener)

    def flush(self, timeout_s: float = 3.0) -> bool:
        """Wait until everything logged so far is in the files; False if that took too long."""
        return self.pipeline.flush(timeout_s)

    def close(self) -> None:
        """Write what is queued and let go of ``logging``; may be called twice."""
        self._end()


def configure_logging(
    directory: Path,
    *,
    redactor: Redactor,
    metrics: Metrics,
    version: str = "",
    level: str = "info",
    order_loggers: tuple[str, ...] = (),
    retention: Retention | None = None,
    console: TextIO | None = None,
    clock: Clock | None = None,
) -> Logging:
    """Send every record of this process, structlog's and ``logging``'s, to ``directory``.

    What is queued is written at the latest when the interpreter exits, also after an uncaught
    exception.

    Args:
        directory: Of ``order_processor.log`` and ``engine.log``; created if missing.
        redactor: Knows the secrets.
        metrics: Counts records and losses.
        version: Of the program; a field of every record.
        level: Least level that is written: debug, info, warning, error or critical.
        order_loggers: Loggers whose every record belongs to the order path.
        retention: When segments begin and go.
        console: A stream for people at a terminal.
        clock: Stamps records.

    Raises:
        KeyError: If ``level`` is none of these.
    """
    pipeline = LogPipeline(
        directory,
        redactor=redactor,
        metrics=metrics,
        clock=clock or SystemClock(),
        version=version,
        level=level,
        order_loggers=order_loggers,
        retention=retention,
        console=console,
    )
    structlog.configure(
        processors=[_as_fields],
        wrapper_class=BoundLogger,
        context_class=dict,
        logger_factory=NamedSink,
        cache_logger_on_first_use=True,
    )
    ROUTE.lead_to(pipeline)
    release = capture_logging(pipeline.threshold)

    def end() -> None:
        atexit.unregister(end)
        pipeline.close()
        release()
        if ROUTE.pipeline is pipeline:
            ROUTE.lead_to(None)

    atexit.register(end)
    return Logging(pipeline, end)


def _as_fields(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Hand the event on as it is: everything else happens in the pipeline, once."""
    return event
