"""Talks to the simulator's admin interface: asynchronous, in the window's own thread."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QByteArray, QObject, QTimer, QUrl, Signal
from PySide6.QtNetwork import (
    QNetworkAccessManager,
    QNetworkProxy,
    QNetworkReply,
    QNetworkRequest,
)

from cryptobot.gui.simulator.faults import (
    FaultOn,
    Preset,
    read_faults,
    read_ids,
    read_over,
    read_presets,
)
from cryptobot.gui.wire_values import Malformed

POLL_MS: Final = 1_000
"""Pause between two looks at what is on: others may switch too."""

PATIENCE_MS: Final = 3_000

DONE_MS: Final = 8_000
"""How long it is told that a fault is done which was over as soon as it was set."""

_FAULTS: Final = "/sim/faults"
_PRESETS: Final = "/sim/faults/presets"


class SimulatorLink(QObject):
    """Knows the presets and what is on; switches.

    Args:
        file: Where the demo writes ``HOST:PORT`` once the simulator listens.
        parent: Qt's owner.

    Attributes:
        address: Of the admin interface; empty until the demo has told it.
        trouble: One line for people while something is wrong, else empty.
        done: The preset switched on here that has lately done all it does, else empty.
        done_told: How long that is told.

    Signals:
        changed: Presets, faults or the trouble are different now.
    """

    changed = Signal()

    def __init__(self, file: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._file = file
        self.address = ""
        self.presets: tuple[Preset, ...] = ()
        self.faults: tuple[FaultOn, ...] = ()
        self.trouble = ""
        self.done = ""
        self._set: dict[str, frozenset[str]] = {}
        self.done_told = QTimer(self, interval=DONE_MS, singleShot=True)
        self.done_told.timeout.connect(self._forget_done)
        self._net = QNetworkAccessManager(self)
        self._net.setProxy(QNetworkProxy(QNetworkProxy.ProxyType.NoProxy))
        self._net.setTransferTimeout(PATIENCE_MS)
        self._poll = QTimer(self, interval=POLL_MS)
        self._poll.timeout.connect(self.look)

    def start(self) -> None:
        """Begin to look."""
        self._poll.start()
        self.look()

    def stop(self) -> None:
        """Look no more."""
        self._poll.stop()

    def look(self) -> None:
        """Ask what is on now; at first what there is, too."""
        self.address = self.address or _told_address(self._file)
        if not self.address:
            return
        if not self.presets:
            self._send("GET", _PRESETS, self._take_presets)
        self._send("GET", _FAULTS, self._take_faults)

    def switch_on(self, name: str) -> None:
        """Set the preset of that name."""

        def set_(answer: object) -> None:
            self._set[name] = read_ids(answer)
            self.look()

        self._send("POST", _FAULTS, set_, {"preset": name})

    def switch_off(self, name: str) -> None:
        """Take every fault of that name away."""
        self._set.pop(name, None)
        for fault in self.faults:
            if fault.name == name:
                self._send("DELETE", f"{_FAULTS}/{fault.fault_id}", self._switched)

    def clear(self) -> None:
        """Take every fault away, and lift bans and refusals."""
        self._set.clear()
        self._forget_done()
        self._send("DELETE", _FAULTS, self._switched)

    def _send(
        self, verb: str, path: str, take: Callable[[object], None], body: object = None
    ) -> None:
        if not self.address:
            return
        request = QNetworkRequest(QUrl(f"http://{self.address}{path}"))
        request.setHeader(QNetworkRequest.KnownHeaders.ContentTypeHeader, "application/json")
        data = QByteArray() if body is None else QByteArray(json.dumps(body).encode())
        reply = self._net.sendCustomRequest(request, QByteArray(verb.encode()), data)
        reply.finished.connect(lambda: self._answered(reply, take))

    def _answered(self, reply: QNetworkReply, take: Callable[[object], None]) -> None:
        reply.deleteLater()
        before = self._shown()
        status = reply.attribute(QNetworkRequest.Attribute.HttpStatusCodeAttribute)
        if status is None:
            self.faults = ()
            self.trouble = (
                f"The simulated exchange at {self.address} does not answer: {reply.errorString()}"
            )
        else:
            try:
                take(_read(bytes(reply.readAll().data())))
            except ValueError as error:
                self.trouble = f"The simulated exchange refused: {error}"
        if before != self._shown():
            self.changed.emit()

    def _shown(self) -> tuple[object, ...]:
        return self.presets, self.faults, self.trouble, self.done

    def _take_presets(self, answer: object) -> None:
        self.presets = read_presets(answer)

    def _take_faults(self, answer: object) -> None:
        self.faults = read_faults(answer)
        self.trouble = ""
        over = read_over(answer)
        for name in [name for name, ids in self._set.items() if ids <= over]:
            del self._set[name]
            self.done = name
            self.done_told.start()

    def _forget_done(self) -> None:
        self.done = ""
        self.changed.emit()

    def _switched(self, _answer: object) -> None:
        self.look()


def _read(body: bytes) -> object:
    answer = json.loads(body)
    if isinstance(answer, dict) and "error" in answer:
        raise Malformed(answer["error"])
    return answer


def _told_address(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
