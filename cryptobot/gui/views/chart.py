"""The chart panel: what to show, the read-out, and the plot once it is loaded."""

from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from cryptobot.gui import figures
from cryptobot.gui.candles import CandleRow
from cryptobot.gui.late_import import LateImport
from cryptobot.gui.market_age import Age
from cryptobot.gui.reported import ReportedFill
from cryptobot.gui.theme import active, figure_font, ui_font
from cryptobot.gui.views.choice_box import ChoiceBox
from cryptobot.gui.views.words import ElidedLabel, label, set_role

if TYPE_CHECKING:
    from cryptobot.gui.views.candle_plot import CandlePlot

TIMEFRAMES: Final = {"1m": 60, "5m": 300, "15m": 900, "1h": 3_600, "4h": 14_400, "1d": 86_400}
"""What may be chosen, with its length in seconds."""

_MARKED: Final = 2_000


class ChartView(QWidget):
    """Symbol and time frame, OHLC read-out, plot.

    Signals:
        wanted: Symbol and time frame now chosen.
    """

    wanted = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.plot: CandlePlot | None = None
        self._rows: list[CandleRow] = []
        self._fills: list[ReportedFill] = []
        self._shown: tuple[str, str] | None = None
        self._hovered: CandleRow | None = None
        self.old = ""
        self.symbol = ChoiceBox()
        self.symbol.setAccessibleName("Chart symbol")
        self.symbol.setMinimumWidth(128)
        self.symbol.setFont(ui_font(10.5, bold=True))
        self.timeframe = ChoiceBox()
        self.timeframe.setAccessibleName("Time frame")
        self.timeframe.addItems(list(TIMEFRAMES))
        self.last = QLabel()
        self.last.setFont(figure_font(14, bold=True))
        self.readout = ElidedLabel()
        self.readout.setFont(figure_font(8.5))
        self.readout.setProperty("role", "muted")
        self.age = label(role="warn")
        self.age.setFont(ui_font(9.5, bold=True))
        self.age.hide()
        self.newest = QPushButton("&Newest")
        self.newest.setProperty("role", "link")
        self.newest.setToolTip("Go to the newest candle and follow it")
        self.newest.hide()
        self.hint = QLabel("Loading the chart...")
        self.hint.setProperty("role", "faint")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.symbol.currentTextChanged.connect(self._choose)
        self.timeframe.currentTextChanged.connect(self._choose)
        self.late = LateImport("cryptobot.gui.views.candle_plot", self._loaded, self)
        self._lay_out()

    def load(self) -> None:
        """Begin to load the plot; call it once the window is drawn."""
        self.late.start()

    @property
    def chosen(self) -> tuple[str, str]:
        """The symbol and time frame chosen."""
        return self.symbol.currentText(), self.timeframe.currentText()

    def choose_symbol(self, symbol: str) -> None:
        """Show ``symbol``."""
        if self.symbol.findText(symbol) >= 0:
            self.symbol.setCurrentText(symbol)

    def show_choices(self, symbols: tuple[str, ...], timeframe: str) -> None:
        """Offer ``symbols``; the engine's own ``timeframe`` is chosen the first time."""
        names = [self.symbol.itemText(at) for at in range(self.symbol.count())]
        if list(symbols) == names:
            return
        first = not names
        before = self.chosen
        with QSignalBlocker(self.symbol), QSignalBlocker(self.timeframe):
            self.symbol.clear()
            self.symbol.addItems(list(symbols))
            if before[0] in symbols:
                self.symbol.setCurrentText(before[0])
            if first:
                self.timeframe.setCurrentText(timeframe)
        if self.chosen != before:
            self._choose()

    def show_candles(self, key: tuple[str, str], rows: list[CandleRow]) -> None:
        """Draw ``rows`` of the symbol and time frame ``key``."""
        fresh = key != self._shown
        self._shown, self._rows = key, rows
        if fresh:
            self._hovered = None
        elif self._hovered is not None:
            at = self._hovered.open_s
            self._hovered = next((row for row in rows[-2:] if row.open_s == at), self._hovered)
        self.last.setText(figures_price(rows[-1].close) if rows else "")
        self._say(self._hovered)
        self.age.setVisible(bool(self.old and rows))
        if not rows:
            self.hint.setText(f"No candles of {key[0]} yet. They come with the market stream.")
        if self.plot is not None:
            self.hint.setVisible(not rows)
            self.plot.setVisible(bool(rows))
            self.plot.show_rows(rows, TIMEFRAMES.get(key[1], 60), fresh=fresh)

    def show_age(self, age: Age) -> None:
        """Grey the prices and say how old they are when they are old."""
        if age.words == self.old:
            return
        self.old = age.words
        set_role(self.last, "faint" if self.old else "")
        self.age.setText(self.old)
        self.age.setVisible(bool(self.old and self._rows))
        self._say(self._hovered)
        if self.plot is not None:
            self.plot.show_old(old=bool(self.old))

    def show_fills(self, fills: Iterable[ReportedFill]) -> None:
        """Mark our fills of the symbol shown."""
        self._fills = list(fills)[-_MARKED:]
        if self.plot is not None:
            self.plot.show_fills(self._fills)

    def say(self, words: str) -> None:
        """Say in place of the chart why there is none."""
        self.hint.setText(words)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self.plot is not None:
            self.plot.restyle(active())
            self.plot.show_fills(self._fills)

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setContentsMargins(10, 6, 10, 6)
        bar.setSpacing(8)
        bar.addWidget(self.symbol)
        bar.addWidget(self.timeframe)
        bar.addSpacing(6)
        bar.addWidget(self.last)
        bar.addSpacing(4)
        bar.addWidget(self.age)
        bar.addSpacing(6)
        bar.addWidget(self.readout, 1)
        bar.addWidget(self.newest)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addLayout(bar)
        self._column.addWidget(self.hint, 1)

    def _choose(self) -> None:
        if self.chosen[0]:
            self.hint.setText(f"Reading candles of {self.chosen[0]}...")
            self.wanted.emit(*self.chosen)

    def _loaded(self, module: ModuleType | None, error: Exception | None) -> None:
        if module is None:
            self.hint.setText(f"The chart could not be loaded: {error}")
            return
        self.plot = module.CandlePlot()
        self.plot.restyle(active())
        self.plot.show_old(old=bool(self.old))
        self.plot.hovered.connect(self._say)
        self.plot.following_changed.connect(lambda following: self.newest.setVisible(not following))
        self.newest.clicked.connect(self.plot.follow)
        self._column.addWidget(self.plot, 1)
        shown, self._shown = self._shown, None
        self.plot.hide()
        if shown is None:
            self.hint.setText("No market data yet. The chart comes with the engine.")
        else:
            self.show_candles(shown, self._rows)
            self.plot.show_fills(self._fills)

    def _say(self, hovered: CandleRow | None) -> None:
        self._hovered = hovered
        row = hovered or (self._rows[-1] if self._rows else None)
        said = row is not None and (hovered is not None or not self.old)
        self.readout.setText(readout(row, timed=hovered is not None) if row and said else "")


def readout(row: CandleRow, *, timed: bool) -> str:
    """Return a candle in words and figures, its change told by sign.

    ``timed`` is one of the past: it says when, and its close, which for the newest stands large
    beside it.
    """
    change = (row.close / row.open - 1) * 100 if row.open else 0.0
    sign = figures.MINUS if change < 0 else "+"
    price = figures_price
    at = f"{figures.clock(row.open_s)[:5]}  " if timed else ""
    close = f"  C {price(row.close)}" if timed else ""
    return (
        f"{at}{sign}{abs(change):.2f}%  O {price(row.open)}  H {price(row.high)}  "
        f"L {price(row.low)}{close}  V {row.volume:,.2f}"
    )


def figures_price(value: float) -> str:
    """Return a price with as many places as its size needs."""
    return f"{value:,.2f}" if abs(value) >= 1 else f"{value:.6f}"
