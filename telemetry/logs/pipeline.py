"""From a record to files, listeners and terminal: enqueued by the caller, written by a thread."""

import threading
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any, Final, TextIO

import orjson

from telemetry.catalogue import LostReason, LostSink
from telemetry.clock import Clock
from telemetry.logs import record as records
from telemetry.logs.background import BackgroundWorker
from telemetry.logs.console import console_line
from telemetry.logs.context import ORDER_ID, REQUEST_ID
from telemetry.logs.record import LEVELS, Record
from telemetry.logs.segments import Retention, SegmentedLog
from telemetry.metrics import Metrics
from telemetry.redaction import RedactionError, Redactor

Listener = Callable[[dict[str, Any]], None]

ORDER_LOG: Final = "order_processor"
ENGINE_LOG: Final = "engine"

_CAPACITY: Final = 50_000
_LINGER_S: Final = 0.1
"""How late a line may be. Errors are written at once."""

_CONSOLE_CAPACITY: Final = 2_000
_PATIENCE_S: Final = 3.0


class LogPipeline:
    """Takes records and gets them, redacted, to where they belong.

    A record of the order path (it carries a ``requestId`` or ``orderId``, or its logger is under
    one of ``order_loggers``) goes to ``order_processor.log``, any other to ``engine.log``; none
    goes to both, so that a shipper reads nothing twice.

    Args:
        directory: Of the files.
        redactor: Knows the secrets.
        metrics: Counts records and losses.
        clock: Stamps records.
        version: Of the program.
        level: Least level that is written.
        order_loggers: Names of loggers that belong to the order path, with what is under them.
        retention: Of each file.
        console: A terminal or pipe for people; ``None`` for none.
    """

    def __init__(
        self,
        directory: Path,
        *,
        redactor: Redactor,
        metrics: Metrics,
        clock: Clock,
        version: str = "",
        level: str = "info",
        order_loggers: tuple[str, ...] = (),
        retention: Retention | None = None,
        console: TextIO | None = None,
    ) -> None:
        self.threshold = LEVELS[level]
        self._redactor = redactor
        self._metrics = metrics
        self._clock = clock
        self._stamp = records.Stamp()
        self._version = version
        self._order_loggers = order_loggers
        self._order_prefixes = tuple(f"{name}." for name in order_loggers)
        self._files = {
            True: SegmentedLog(directory, ORDER_LOG, retention or Retention(), clock),
            False: SegmentedLog(directory, ENGINE_LOG, retention or Retention(), clock),
        }
        self._listeners: tuple[Listener, ...] = ()
        self._writing = threading.Lock()
        self._closed = False
        self._worker: BackgroundWorker[Record] = BackgroundWorker(
            "log-writer",
            self._write,
            lambda count: metrics.lost(LostSink.LOG, LostReason.ERROR, count),
            capacity=_CAPACITY,
            linger_s=_LINGER_S,
        )
        self._console = console
        self._colour = console is not None and console.isatty()
        self._console_worker: BackgroundWorker[str] | None = None
        if console is not None:
            # On a thread of its own: a paused terminal (Ctrl-S) must not stop the files.
            self._console_worker = BackgroundWorker(
                "log-console",
                self._print,
                lambda count: metrics.lost(LostSink.CONSOLE, LostReason.WRITE_FAILED, count),
                capacity=_CONSOLE_CAPACITY,
                linger_s=_LINGER_S,
            )

    def add_listener(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` with every record, redacted, on the writer's thread.

        It must be quick; if it raises, that is counted and the next record comes all the same.

        Returns:
            What ends it.
        """
        self._listeners = (*self._listeners, listener)

        def remove() -> None:
            self._listeners = tuple(each for each in self._listeners if each is not listener)

        return remove

    def emit(self, level: str, logger: str, fields: MutableMapping[str, Any]) -> None:
        """Take a record. Does no I/O, does not wait, cannot raise.

        Args:
            level: One of ``LEVELS``.
            logger: Name of the logger.
            fields: ``event`` and others; the mapping is used up.
        """
        try:
            ts = self._stamp(self._clock.now_ns())
            record, trace = records.assemble(ts, level, logger, fields, self._version)
            order_path = (
                ORDER_ID in record
                or REQUEST_ID in record
                or logger in self._order_loggers
                or logger.startswith(self._order_prefixes)
            )
            item = Record(records.serialise(record), level, order_path, trace)
        except Exception:  # noqa: BLE001 - a log call must not raise into the order path
            self._metrics.lost(LostSink.LOG, LostReason.UNSERIALISABLE)
            return
        self._metrics.process.log_record(level)
        if self._closed:
            self._write([item])  # the program is ending; nothing is waiting for this thread
        elif not self._worker.put(item, urgent=LEVELS[level] >= LEVELS["error"]):
            self._metrics.lost(LostSink.LOG, LostReason.OVERFLOW)

    def flush(self, timeout_s: float = _PATIENCE_S) -> bool:
        """Wait until everything logged so far is in the files; False if that took too long."""
        done = self._worker.flush(timeout_s)
        if self._console_worker is not None:
            self._console_worker.flush(timeout_s)
        return done

    def close(self, timeout_s: float = _PATIENCE_S) -> bool:
        """Write what is queued and close the files. Later records are written at once."""
        self._closed = True
        done = self._worker.close(timeout_s)
        if self._console_worker is not None:
            self._console_worker.close(timeout_s)
        with self._writing:
            for file in self._files.values():
                file.close()
        return done

    def _write(self, batch: list[Record]) -> None:
        lines: dict[bool, list[bytes]] = {True: [], False: []}
        for item in batch:
            line = self._clean(item)
            lines[item.order_path].append(line)
        with self._writing:
            for order_path, file in self._files.items():
                if lines[order_path]:
                    lost = file.write(lines[order_path])
                    if lost:
                        self._metrics.lost(LostSink.LOG, LostReason.WRITE_FAILED, lost)
        if self._listeners or self._console_worker is not None:
            self._show(lines)

    def _clean(self, item: Record) -> bytes:
        """Return the line to write: redacted, or a notice in its place. Fails closed."""
        try:
            line = item.line
            if item.trace is not None:
                line = records.with_traceback(line, item.trace)
            return records.shortened(self._redactor.redact_json(line))
        except Exception as error:  # noqa: BLE001 - never written raw, whatever went wrong
            self._metrics.lost(LostSink.LOG, LostReason.REDACTION)
            why = str(error) if isinstance(error, RedactionError) else type(error).__name__
            fields = {"event": "record_withheld", "reason": why}
            ts = records.Stamp()(self._clock.now_ns())
            notice, _ = records.assemble(ts, item.level, __name__, fields, self._version)
            return records.serialise(notice)

    def _show(self, lines: dict[bool, list[bytes]]) -> None:
        shown = [orjson.loads(line) for part in lines.values() for line in part]
        shown.sort(key=lambda record: str(record.get("ts")))
        for record in shown:
            if self._console_worker is not None:
                line = console_line(record, colour=self._colour)
                if not self._console_worker.put(line):
                    self._metrics.lost(LostSink.CONSOLE, LostReason.OVERFLOW)
            for listener in self._listeners:
                try:
                    listener(record)
                except Exception:  # noqa: BLE001 - a listener's fault stays its own
                    self._metrics.lost(LostSink.LISTENER, LostReason.ERROR)

    def _print(self, lines: list[str]) -> None:
        if self._console is not None:
            self._console.write("\n".join(lines) + "\n")
            self._console.flush()
