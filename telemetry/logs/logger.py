"""structlog's face of the pipeline: what ``structlog.get_logger(name)`` gives anywhere."""

from typing import Any

import structlog

from telemetry.logs.pipeline import LogPipeline
from telemetry.logs.record import LEVELS


class Route:
    """Where records go now. Loggers are cached by structlog, so they ask here each time."""

    def __init__(self) -> None:
        self.pipeline: LogPipeline | None = None
        self.threshold = LEVELS["critical"] + 1

    def lead_to(self, pipeline: LogPipeline | None) -> None:
        """Send records to ``pipeline`` from now on; ``None`` drops them."""
        self.pipeline = pipeline
        self.threshold = LEVELS["critical"] + 1 if pipeline is None else pipeline.threshold


ROUTE = Route()


class NamedSink:
    """What structlog calls a logger: a name, and methods that take the finished event."""

    __slots__ = ("name",)

    def __init__(self, name: str = "root") -> None:
        self.name = name

    def debug(self, **fields: Any) -> None:
        """Emit at this level."""
        self._emit("debug", fields)

    def info(self, **fields: Any) -> None:
        """Emit at this level."""
        self._emit("info", fields)

    def warning(self, **fields: Any) -> None:
        """Emit at this level."""
        self._emit("warning", fields)

    def error(self, **fields: Any) -> None:
        """Emit at this level."""
        self._emit("error", fields)

    def critical(self, **fields: Any) -> None:
        """Emit at this level."""
        self._emit("critical", fields)

    def _emit(self, level: str, fields: dict[str, Any]) -> None:
        if ROUTE.pipeline is not None:
            ROUTE.pipeline.emit(level, self.name, fields)


class BoundLogger(structlog.BoundLoggerBase):
    """A logger with bound fields. A level below the pipeline's costs one comparison."""

    def debug(self, event: str | None = None, *args: Any, **fields: Any) -> None:
        """Log for those who hunt a fault."""
        if ROUTE.threshold <= LEVELS["debug"]:
            self._log("debug", event, args, fields)

    def info(self, event: str | None = None, *args: Any, **fields: Any) -> None:
        """Log what happened."""
        if ROUTE.threshold <= LEVELS["info"]:
            self._log("info", event, args, fields)

    def warning(self, event: str | None = None, *args: Any, **fields: Any) -> None:
        """Log what somebody should look at some day."""
        if ROUTE.threshold <= LEVELS["warning"]:
            self._log("warning", event, args, fields)

    def error(self, event: str | None = None, *args: Any, **fields: Any) -> None:
        """Log what failed."""
        if ROUTE.threshold <= LEVELS["error"]:
            self._log("error", event, args, fields)

    def critical(self, event: str | None = None, *args: Any, **fields: Any) -> None:
        """Log what somebody must look at now."""
        if ROUTE.threshold <= LEVELS["critical"]:
            self._log("critical", event, args, fields)

    def exception(self, event: str | None = None, *args: Any, **fields: Any) -> None:
        """Log what failed, with the exception being handled."""
        fields.setdefault("exc_info", True)
        self.error(event, *args, **fields)

    def _log(
        self, level: str, event: str | None, args: tuple[Any, ...], fields: dict[str, Any]
    ) -> None:
        try:
            self._proxy_to_logger(level, event % args if event and args else event, **fields)
        except Exception as error:  # noqa: BLE001 - a log call must not raise into its caller
            NamedSink(__name__).error(event="log_call_failed", of=str(event), error=repr(error))
