"""What the program logs in a run: an exception in a log is a bug, whatever it came from."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import structlog

from telemetry.logs.logger import ROUTE, BoundLogger, NamedSink
from telemetry.logs.pipeline import LogPipeline
from telemetry.logs.record import LEVELS

from .incarnation import PROCESS


class _Tap:
    """Stands in the place of the pipeline that writes log files."""

    def __init__(self, say: Callable[[str], None], fail: Callable[[str], None], level: str) -> None:
        self.threshold = LEVELS[level]
        self._say = say
        self._fail = fail

    def emit(self, level: str, _: str, fields: dict[str, Any]) -> None:
        process = PROCESS.get()
        if process is not None and not process.alive:
            return
        cause = fields.pop("exc_info", None)
        if cause:
            text = traceback.format_exc(limit=-6)
            if isinstance(cause, BaseException):
                text = "".join(traceback.format_exception(cause, limit=-6))
            self._fail(f"logged {fields.get('event')}:\n{text}")
        shown = " ".join(f"{name}={value}" for name, value in fields.items())
        self._say(f"log {level} {shown}")


@contextmanager
def logs_to(
    say: Callable[[str], None], fail: Callable[[str], None], *, level: str
) -> Iterator[None]:
    """Send the program's logs to ``say``, and what was logged with an exception to ``fail``."""
    structlog.configure(
        processors=[lambda _, __, event: event],
        wrapper_class=BoundLogger,
        context_class=dict,
        logger_factory=NamedSink,
        cache_logger_on_first_use=True,
    )
    before = ROUTE.pipeline
    ROUTE.lead_to(cast("LogPipeline", _Tap(say, fail, level)))
    try:
        yield
    finally:
        ROUTE.lead_to(before)
