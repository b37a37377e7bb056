"""The order book as a ladder: asks above, bids below, depth as bars."""

from decimal import Decimal
from typing import Final

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from cryptobot.domain.instrument import Instrument
from cryptobot.gui import figures
from cryptobot.gui.market_age import Age
from cryptobot.gui.reported import BookView
from cryptobot.gui.theme import active, color, figure_font, ui_font

LEVELS: Final = 10
_SIDE_PAD: Final = 12
_ROW_MIN: Final = 14
_ROW_MAX: Final = 22
_Level = tuple[Decimal, Decimal]


class LadderView(QWidget):
    """Draws a book; a click on a level offers its price to the ticket.

    Signals:
        price_chosen: A price, as a ``Decimal``.
    """

    price_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._book: BookView | None = None
        self._instrument: Instrument | None = None
        self.old = ""
        self._rows: list[tuple[QRect, Decimal]] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Order book")
        self.setToolTip("Click a price to put it into the ticket")

    def sizeHint(self) -> QSize:
        """Return room for ten levels a side."""
        return QSize(280, (2 * LEVELS + 2) * 18)

    def minimumSizeHint(self) -> QSize:
        """Return room for two levels a side."""
        return QSize(200, 6 * _ROW_MIN)

    def show_book(self, book: BookView | None, instrument: Instrument | None) -> None:
        """Show ``book``."""
        self._book, self._instrument = book, instrument
        self.update()

    def show_age(self, age: Age) -> None:
        """Grey the book and say its age when it is old."""
        if age.words != self.old:
            self.old = age.words
            self.setAccessibleName(f"Order book, {self.old}" if self.old else "Order book")
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Offer the price under the pointer."""
        for rect, price in self._rows:
            if rect.contains(event.position().toPoint()):
                self.price_chosen.emit(price)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the ladder."""
        painter = QPainter(self)
        tokens = active()
        painter.fillRect(self.rect(), color(tokens.panel))
        self._rows = []
        if self._book is None or not (self._book.bids or self._book.asks):
            painter.setPen(color(tokens.faint))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            area = self.rect().adjusted(20, 0, -20, 0)
            painter.drawText(area, int(flags), "No book yet. It comes with the market stream.")
            painter.end()
            return
        self._draw(painter, self._book)
        painter.end()

    def _draw(self, painter: QPainter, book: BookView) -> None:
        tokens = active()
        asks_ink, bids_ink = (tokens.faint,) * 2 if self.old else (tokens.down, tokens.up)
        fits = (self.height() - 2) // _ROW_MIN - 2
        levels = max(1, min(LEVELS, fits // 2))
        row = max(_ROW_MIN, min(_ROW_MAX, (self.height() - 2) // (2 * levels + 2)))
        asks, bids = book.asks[:levels], book.bids[:levels]
        deepest = max(
            (sum((a for _, a in side), Decimal(0)) for side in (asks, bids)), default=Decimal(1)
        )
        self._head(painter, row)
        top = row
        for at in range(levels - 1, -1, -1):
            if at < len(asks):
                self._level(painter, top, row, asks, at, deepest, asks_ink)
            top += row
        self._spread(painter, QRect(0, top, self.width(), row), book)
        top += row
        for at in range(len(bids)):
            self._level(painter, top, row, bids, at, deepest, bids_ink)
            top += row

    def _columns(self) -> tuple[int, int]:
        width = self.width() - 2 * _SIDE_PAD
        return _SIDE_PAD + int(width * 0.36), _SIDE_PAD + int(width * 0.69)

    def _head(self, painter: QPainter, row: int) -> None:
        painter.setFont(ui_font(8))
        painter.setPen(color(active().faint))
        quote = self._instrument.quote if self._instrument else ""
        base = self._instrument.base if self._instrument else ""
        self._cells(painter, 0, row, (f"Price {quote}", f"Amount {base}", "Total"))

    def _cells(self, painter: QPainter, top: int, row: int, words: tuple[str, str, str]) -> None:
        first, second = self._columns()
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(QRect(_SIDE_PAD, top, first - _SIDE_PAD, row), left, words[0])
        painter.drawText(QRect(first, top, second - first, row), right, words[1])
        painter.drawText(
            QRect(second, top, self.width() - _SIDE_PAD - second, row), right, words[2]
        )

    def _level(  # noqa: PLR0917 - where, then what
        self,
        painter: QPainter,
        top: int,
        row: int,
        side: tuple[_Level, ...],
        at: int,
        deepest: Decimal,
        ink: str,
    ) -> None:
        price, amount = side[at]
        total = sum((size for _, size in side[: at + 1]), Decimal(0))
        share = float(total / deepest) if deepest else 0.0
        width = self.width() * min(1.0, share)
        painter.fillRect(QRectF(self.width() - width, top + 0.5, width, row - 1), color(ink, 0.16))
        painter.setFont(figure_font(8.5))
        steps = self._instrument
        first, second = self._columns()
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        painter.setPen(color(ink))
        words = figures.to_step(price, steps.price_step if steps else None)
        painter.drawText(QRect(_SIDE_PAD, top, first, row), left, words)
        painter.setPen(color(active().faint if self.old else active().text))
        size = steps.amount_step if steps else None
        painter.drawText(
            QRect(first, top, second - first, row), right, figures.to_step(amount, size)
        )
        painter.setPen(color(active().faint if self.old else active().muted))
        rest = self.width() - _SIDE_PAD - second
        painter.drawText(QRect(second, top, rest, row), right, figures.rounded(total, 3))
        self._rows.append((QRect(0, top, self.width(), row), price))

    def _spread(self, painter: QPainter, rect: QRect, book: BookView) -> None:
        tokens = active()
        painter.fillRect(rect, color(tokens.sunken))
        if not book.asks or not book.bids:
            return
        ask, bid = book.asks[0][0], book.bids[0][0]
        spread = ask - bid
        mid = (ask + bid) / 2
        step = self._instrument.price_step if self._instrument else None
        painter.setPen(color(tokens.faint if self.old else tokens.text))
        painter.setFont(figure_font(9.5, bold=True))
        area = rect.adjusted(_SIDE_PAD, 0, -_SIDE_PAD, 0)
        left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        middle = figures.to_step(mid, step)
        painter.drawText(area, left, middle)
        used = QFontMetrics(painter.font()).horizontalAdvance(middle)
        painter.setPen(color(tokens.warn if self.old else tokens.muted))
        painter.setFont(ui_font(8.5, bold=True) if self.old else ui_font(8))
        points = float(spread / mid * 10_000) if mid else 0.0
        words = self.old or f"spread {figures.to_step(spread, step)} ({points:.2f} bp)"
        room = area.width() - used - 8
        shown = QFontMetrics(painter.font()).elidedText(words, Qt.TextElideMode.ElideRight, room)
        painter.drawText(area, right, shown)
