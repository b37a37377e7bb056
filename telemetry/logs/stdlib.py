"""Everybody else's records (aiohttp, APScheduler, asyncio, warnings) into the same pipeline."""

import logging
from collections.abc import Callable
from typing import Any, Final

from telemetry.logs.logger import ROUTE

_QUIET: Final = ("ccxt", "urllib3", "asyncio", "aiohttp", "sqlalchemy", "apscheduler")
"""Their DEBUG holds headers, bodies and signed URLs; it is never wanted."""

_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class PipelineHandler(logging.Handler):
    """Hands ``logging`` records to the pipeline."""

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a record over; fields given as ``extra`` come along."""
        pipeline = ROUTE.pipeline
        if pipeline is None or record.levelno < ROUTE.threshold:
            return
        try:
            event = record.getMessage()
        except Exception as error:  # noqa: BLE001 - a wrong format must not reach the caller
            event = f"{record.msg} (bad arguments: {error})"
        fields: dict[str, Any] = {
            name: value for name, value in record.__dict__.items() if name not in _OWN
        }
        fields |= {"event": event, "exc_info": record.exc_info}
        pipeline.emit(_level(record.levelno), record.name, fields)


def _level(number: int) -> str:
    for least, name in ((50, "critical"), (40, "error"), (30, "warning"), (20, "info")):
        if number >= least:
            return name
    return "debug"


def capture_logging(threshold: int) -> Callable[[], None]:
    """Route ``logging`` and ``warnings`` into the pipeline; returns what undoes it."""
    root = logging.getLogger()
    before = list(root.handlers), root.level
    handler = PipelineHandler()
    root.handlers[:] = [handler]
    root.setLevel(threshold)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(threshold, logging.INFO))
    logging.captureWarnings(capture=True)

    def release() -> None:
        logging.captureWarnings(capture=False)
        root.removeHandler(handler)
        for each in before[0]:
            root.addHandler(each)
        root.setLevel(before[1])

    return release
