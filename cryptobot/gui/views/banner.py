"""The banner: where orders go, by word, colour and sign."""

from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from cryptobot.gui.banner_state import Banner, Face
from cryptobot.gui.shapes import draw_face
from cryptobot.gui.theme import ui_font
from cryptobot.gui.tokens import FACE_FILL, HAZARD
from cryptobot.gui.views.words import ElidedLabel

_HEIGHT: Final = 68
_SIGN: Final = 34
_SIGN_LEFT: Final = 22
_STRIPE: Final = 14
_HAZARD_BAND: Final = 7
SHORTCUT: Final = "Ctrl+Shift+P"


class BannerView(QWidget):
    """The strip across the top.

    Signals:
        to_paper, go_live, start_engine: The buttons.
    """

    to_paper = Signal()
    go_live = Signal()
    start_engine = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._face = Face.CONNECTING
        self.setFixedHeight(_HEIGHT)
        self.word = QLabel()
        self.word.setFont(ui_font(21, bold=True))
        self.headline = ElidedLabel()
        self.headline.setFont(ui_font(10.5, bold=True))
        self.detail = ElidedLabel()
        self.venue = QLabel()
        self.venue.setFont(ui_font(9.5, bold=True))
        self.marks = _Chips()
        self.paper_button = _button(f"Switch to &paper   {SHORTCUT}", "toPaper")
        self.paper_button.setToolTip(
            "At once, without a question. No live order leaves afterwards."
        )
        self.live_button = _button("Go &live...", "onBanner")
        self.start_button = _button("Start &engine", "onBanner")
        self.paper_button.setFont(ui_font(10, bold=True))
        self.paper_button.clicked.connect(self.to_paper)
        self.live_button.clicked.connect(self.go_live)
        self.start_button.clicked.connect(self.start_engine)
        self._lay_out()
        self._white()
        self.show_banner(Banner(Face.CONNECTING, "", "", ""))

    @property
    def face(self) -> Face:
        """What is shown now."""
        return self._face

    def show_banner(self, banner: Banner) -> None:
        """Show ``banner``."""
        self._face = banner.face
        self.word.setText(banner.face.value)
        self.headline.setText(banner.headline)
        self.detail.setText(banner.detail)
        self.venue.setText(banner.venue)
        self.marks.show_words(banner.marks)
        self.live_button.setVisible(banner.face is Face.PAPER)
        self.paper_button.setVisible(banner.face is not Face.PAPER)
        self.start_button.setVisible(banner.startable)
        self.setAccessibleName(f"Mode: {banner.face.value}. {banner.headline}")
        self.update()

    def set_busy(self, *, busy: bool) -> None:
        """Show that a switch to paper is under way."""
        self.paper_button.setEnabled(not busy)
        text = "Switching to paper..." if busy else f"Switch to &paper   {SHORTCUT}"
        self.paper_button.setText(text)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the ground, the sign, and stripes when the engine is lost."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(FACE_FILL[self._face]))
        ink = QColor("#FFFFFF")
        if self._face is Face.LOST:
            ink = QColor(HAZARD)
            self._draw_stripes(painter)
        top = (self.height() - _SIGN) / 2
        draw_face(painter, QRectF(_SIGN_LEFT, top, _SIGN, _SIGN), self._face, ink)
        painter.end()

    def _draw_stripes(self, painter: QPainter) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for top in (0, self.height() - _HAZARD_BAND):
            painter.setClipRect(0, top, self.width(), _HAZARD_BAND)
            painter.setPen(QPen(QColor(HAZARD), _STRIPE / 2))
            for x in range(-_HAZARD_BAND, self.width() + _STRIPE, _STRIPE):
                painter.drawLine(
                    QPointF(x, top + _HAZARD_BAND + 3), QPointF(x + _HAZARD_BAND + 6, top - 3)
                )
        painter.restore()

    def _lay_out(self) -> None:
        lines = QVBoxLayout()
        lines.setSpacing(1)
        lines.addStretch()
        lines.addWidget(self.headline)
        lines.addWidget(self.detail)
        lines.addStretch()
        where = QVBoxLayout()
        where.setSpacing(4)
        where.addStretch()
        where.addWidget(self.venue, 0, Qt.AlignmentFlag.AlignRight)
        where.addWidget(self.marks, 0, Qt.AlignmentFlag.AlignRight)
        where.addStretch()
        row = QHBoxLayout(self)
        row.setContentsMargins(_SIGN_LEFT + _SIGN + 16, 0, 16, 0)
        row.setSpacing(22)
        row.addWidget(self.word)
        row.addLayout(lines, 1)
        row.addLayout(where)
        row.addWidget(self.start_button)
        row.addWidget(self.live_button)
        row.addWidget(self.paper_button)

    def _white(self) -> None:
        for widget, alpha in (
            (self.word, 255),
            (self.headline, 255),
            (self.detail, 225),
            (self.venue, 240),
        ):
            palette = QPalette(widget.palette())
            palette.setColor(QPalette.ColorRole.WindowText, QColor(255, 255, 255, alpha))
            widget.setPalette(palette)
            widget.setStyleSheet(f"color: rgba(255, 255, 255, {alpha}); background: transparent;")


class _Chips(QWidget):
    """Warnings in capitals, black on yellow: HALTED, FENCED, EXCHANGE DOWN."""

    def __init__(self) -> None:
        super().__init__()
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(6)
        self._words: tuple[str, ...] = ()
        self.hide()

    def show_words(self, words: tuple[str, ...]) -> None:
        """Show one chip a word."""
        if words == self._words:
            return
        self._words = words
        while (item := self._row.takeAt(0)) is not None:
            chip = item.widget()
            if chip is not None:
                chip.deleteLater()
        for word in words:
            chip = QLabel(word)
            chip.setFont(ui_font(8, bold=True))
            chip.setStyleSheet(
                f"background: {HAZARD}; color: #14171C; border-radius: 3px; padding: 1px 7px;"
            )
            self._row.addWidget(chip)
        self.setVisible(bool(words))


def _button(text: str, name: str) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    return button
