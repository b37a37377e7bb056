"""The window's own trouble: every exception and Qt message ends up on stderr and in the log pane.

Nothing here touches Qt objects: hooks run in any thread, at any moment.
"""

import faulthandler
import sys
import threading
import traceback
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final, TextIO

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

_KEPT: Final = 1_000
_QT_LEVELS = {
    QtMsgType.QtDebugMsg: "debug",
    QtMsgType.QtInfoMsg: "info",
    QtMsgType.QtWarningMsg: "warning",
    QtMsgType.QtCriticalMsg: "error",
    QtMsgType.QtFatalMsg: "critical",
}


class Incidents:
    """A thread-safe, bounded list of (level, words), emptied by whoever shows them."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, str]] = deque(maxlen=_KEPT)

    def report(self, level: str, words: str) -> None:
        """Add one line and write it to stderr."""
        self._waiting.append((level, words))
        _to_stderr(f"cryptobot window: {level}: {words}\n")

    def report_exception(self, error: BaseException, where: str) -> None:
        """Add an exception; its traceback goes to stderr, the pane shows the last line of it."""
        _to_stderr("".join(traceback.format_exception(error)))
        frames = traceback.extract_tb(error.__traceback__)
        at = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
        self.report("error", f"{where}: {type(error).__name__}: {error}{at}")

    def take(self) -> Iterable[tuple[str, str]]:
        """Return what waits, oldest first, and forget it."""
        while self._waiting:
            yield self._waiting.popleft()


def install_hooks(incidents: Incidents, crash_dir: Path | None = None) -> None:
    """Catch what would otherwise vanish in a slot, a thread, a finaliser or Qt.

    Args:
        incidents: Where it is reported.
        crash_dir: Hard crashes (segmentation faults) leave their stacks here when it exists,
            else on stderr.
    """

    def from_slot(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            incidents.report_exception(error, "error in the window")

    def from_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            name = args.thread.name if args.thread else "a thread"
            incidents.report_exception(args.exc_value, f"error in {name}")

    def from_finaliser(args: "sys.UnraisableHookArgs") -> None:
        if args.exc_value is not None:
            incidents.report_exception(args.exc_value, args.err_msg or "error in a finaliser")

    def from_qt(kind: QtMsgType, _where: QMessageLogContext, words: str) -> None:
        incidents.report(_QT_LEVELS.get(kind, "warning"), f"Qt: {words}")

    sys.excepthook = from_slot
    threading.excepthook = from_thread
    sys.unraisablehook = from_finaliser
    qInstallMessageHandler(from_qt)
    stream = _crash_file(crash_dir)
    if stream is not None:
        faulthandler.enable(stream)


def _crash_file(crash_dir: Path | None) -> TextIO | None:
    if crash_dir is not None and crash_dir.is_dir():
        try:
            return (crash_dir / "window.stacks").open("a")
        except OSError:
            return sys.stderr
    return sys.stderr


def _to_stderr(words: str) -> None:
    if sys.stderr is not None:  # a window started without a console has none
        sys.stderr.write(words)
        sys.stderr.flush()
