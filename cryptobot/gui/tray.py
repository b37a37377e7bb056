"""The tray icon: the mode at a glance, the switch at hand, a word when something happens.

Only where the desktop has a tray: the window never hides into one that is not there.
"""

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QSystemTrayIcon, QWidget

from cryptobot.gui.banner_state import MEANING, Banner, Face
from cryptobot.gui.shapes import face_icon

_SHOWN_MS = 10_000


class Tray(QObject):
    """Icon, menu and notifications.

    Args:
        window: Shown and hidden from the menu.

    Signals:
        to_paper, quit_wanted: The menu's entries.
    """

    to_paper = Signal()
    quit_wanted = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._face: Face | None = None
        self._unresolved = 0
        self._icons = {face: face_icon(face) for face in Face}
        self.icon = QSystemTrayIcon(self._icons[Face.CONNECTING], self)
        self.menu = QMenu(window)
        self.mode_line = QAction(Face.CONNECTING.value, self.menu)
        self.mode_line.setEnabled(False)
        self.paper = QAction("Switch to &paper", self.menu)
        self.toggle = QAction("&Hide window", self.menu)
        self.leave = QAction("&Quit", self.menu)
        self.paper.triggered.connect(self.to_paper)
        self.toggle.triggered.connect(self._toggle)
        self.leave.triggered.connect(self.quit_wanted)
        self.menu.addAction(self.mode_line)
        self.menu.addSeparator()
        for action in (self.paper, self.toggle, self.leave):
            self.menu.addAction(action)
        self.menu.aboutToShow.connect(self._name_toggle)
        self.icon.setContextMenu(self.menu)
        self.icon.activated.connect(self._activated)
        self.icon.messageClicked.connect(self._raise)

    @staticmethod
    def available() -> bool:
        """Whether the desktop has a tray; only this call tells the truth."""
        return QSystemTrayIcon.isSystemTrayAvailable()

    def show(self) -> None:
        """Appear."""
        self.icon.show()

    def show_banner(self, banner: Banner, unresolved: int) -> None:
        """Follow the mode; say so when it changes, and when an order becomes unresolved."""
        before, self._face = self._face, banner.face
        if banner.face is not before:
            self.icon.setIcon(self._icons[banner.face])
            self.mode_line.setText(banner.face.value)
            told = f"{banner.face.value}: {MEANING[banner.face]}"
            self.icon.setToolTip(f"CryptoBot \N{EN DASH} {told}")
            if before not in {None, Face.CONNECTING, Face.ABSENT}:
                self._notify(banner.face.value, f"{banner.headline}. {banner.detail}", banner.face)
        if unresolved > self._unresolved:
            noun = "order is" if unresolved == 1 else "orders are"
            words = f"{unresolved} {noun} unresolved: the outcome is not known yet."
            self._notify("Order unresolved", words, Face.LOST)
        self._unresolved = unresolved

    def _notify(self, title: str, words: str, face: Face) -> None:
        grave = face in {Face.LOST, Face.LIVE}
        kind = (
            QSystemTrayIcon.MessageIcon.Warning
            if grave
            else QSystemTrayIcon.MessageIcon.Information
        )
        self.icon.showMessage(f"CryptoBot: {title}", words, kind, _SHOWN_MS)

    def _name_toggle(self) -> None:
        self.toggle.setText("&Hide window" if self._window.isVisible() else "&Show window")

    def _toggle(self) -> None:
        if self._window.isVisible():
            self._window.hide()
        else:
            self._raise()

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason is QSystemTrayIcon.ActivationReason.Trigger:
            self._raise()

    def _raise(self) -> None:
        self._window.show()
        self._window.raise_()
        self._window.activateWindow()
