"""The plot inside the chart panel. Imported late: pyqtgraph costs half a second.

Follows the newest candle until it is panned; the price scale always fits what is in sight.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, Signal

from cryptobot.domain.order import Side
from cryptobot.gui.candles import CandleRow
from cryptobot.gui.fill_marks import FillMark, fill_marks
from cryptobot.gui.reported import ReportedFill
from cryptobot.gui.theme import color, figure_font
from cryptobot.gui.tokens import Tokens
from cryptobot.gui.views.candle_item import CandleItem, Table
from cryptobot.gui.views.price_axis import PriceAxis

IN_SIGHT: Final = 120
"""Candles shown at first."""

_AHEAD: Final = 0.06
_HEADROOM: Final = 0.10
_PRICE_AXIS_WIDTH: Final = 78
_MARK_SIZE: Final = 9
_LARGEST_MARK: Final = 15
_OLD_OPACITY: Final = 0.35
_SYMBOL = {Side.BUY: "t1", Side.SELL: "t"}


class CandlePlot(pg.GraphicsLayoutWidget):  # type: ignore[misc]
    """Price above, volume below, one time axis.

    Signals:
        hovered: The ``CandleRow`` under the pointer, or ``None``.
        following_changed: Whether the newest candle is kept in sight.
    """

    hovered = Signal(object)
    following_changed = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self._rows: Sequence[CandleRow] = ()
        self._fills: Sequence[ReportedFill] = ()
        self._table: Table = np.empty((0, 6))
        self._span = 60.0
        self.following = True
        self.ci.setContentsMargins(0, 0, 0, 0)
        self.ci.layout.setSpacing(0)
        self.price = self._plot(0)
        self.volume = self._plot(1)
        self.price.hideAxis("bottom")
        self.volume.setXLink(self.price)
        self.ci.layout.setRowStretchFactor(0, 5)
        self.ci.layout.setRowStretchFactor(1, 1)
        self.candles = CandleItem()
        self.bars = CandleItem(volume=True)
        self.price.addItem(self.candles)
        self.volume.addItem(self.bars)
        self.last = pg.InfiniteLine(angle=0, movable=False)
        self.cross_x = pg.InfiniteLine(angle=90, movable=False)
        self.cross_x_low = pg.InfiniteLine(angle=90, movable=False)
        self.cross_y = pg.InfiniteLine(angle=0, movable=False)
        self.marks = pg.ScatterPlotItem(
            size=_MARK_SIZE, hoverable=True, hoverSize=_LARGEST_MARK + 2, tip=_fill_tip, pxMode=True
        )
        for item in (self.last, self.cross_x, self.cross_y, self.marks):
            self.price.addItem(item, ignoreBounds=True)
        self.volume.addItem(self.cross_x_low, ignoreBounds=True)
        self.marks.setZValue(10)
        self._show_cross(visible=False)
        self.price.vb.sigRangeChangedManually.connect(self._panned)
        self.volume.vb.sigRangeChangedManually.connect(self._panned)
        self.price.vb.sigXRangeChanged.connect(self._fit_prices)
        self.scene().sigMouseMoved.connect(self._moved)

    def _plot(self, row: int) -> pg.PlotItem:
        axes = {"right": PriceAxis("right"), "bottom": pg.DateAxisItem("bottom")}
        plot = self.addPlot(row=row, col=0, axisItems=axes)
        plot.hideAxis("left")
        plot.showAxis("right")
        plot.hideButtons()
        plot.setMenuEnabled(enableMenu=False)
        plot.vb.setMouseEnabled(x=True, y=False)
        plot.vb.disableAutoRange()
        plot.getAxis("right").setWidth(_PRICE_AXIS_WIDTH)
        plot.getAxis("right").enableAutoSIPrefix(enable=False)
        return plot

    def restyle(self, tokens: Tokens) -> None:
        """Take the colours of a theme."""
        self.setBackground(tokens.panel)
        for plot in (self.price, self.volume):
            plot.showGrid(x=True, y=True, alpha=0.10 if tokens.dark else 0.16)
            for name in ("right", "bottom"):
                axis = plot.getAxis(name)
                axis.setPen(pg.mkPen(tokens.line))
                axis.setTextPen(pg.mkPen(tokens.muted))
                axis.setTickFont(figure_font(8))
                axis.setStyle(tickLength=-4)
        ground, up, down = color(tokens.panel), color(tokens.up), color(tokens.down)
        self.candles.restyle(up, down, ground)
        self.bars.restyle(color(tokens.up, 0.55), color(tokens.down, 0.45), ground)
        for line in (self.cross_x, self.cross_x_low, self.cross_y):
            line.setPen(pg.mkPen(tokens.faint, style=Qt.PenStyle.DashLine))
        self.last.setPen(pg.mkPen(tokens.accent, style=Qt.PenStyle.DotLine))
        self._mark_pen = pg.mkPen(tokens.text)
        self._mark_brush = {Side.BUY: pg.mkBrush(tokens.up), Side.SELL: pg.mkBrush(tokens.down)}

    def show_rows(self, rows: Sequence[CandleRow], span_s: float, *, fresh: bool) -> None:
        """Draw ``rows``; ``fresh`` means another symbol or time frame: begin at the newest.

        The first rows after none begin there too: the view has no width of theirs before.
        """
        fresh = fresh or not len(self._table)  # not _rows: that list may have grown meanwhile
        candles = len(self._table), span_s, self._table[:1, 0].tolist()
        self._rows, self._span = rows, span_s
        self._table = np.array(rows, dtype=np.float64).reshape(-1, 6)
        self.candles.show_candles(self._table, span_s)
        self.bars.show_candles(self._table, span_s)
        if candles != (len(self._table), span_s, self._table[:1, 0].tolist()):
            self.show_fills(self._fills)
        self.last.setVisible(bool(rows))
        if not rows:
            return
        self.last.setPos(rows[-1].close)
        self.price.getAxis("right").show_last(rows[-1].close)
        if fresh:
            self.follow()
        elif self.following:
            self._follow_newest()
        else:
            self._fit_prices()

    def show_old(self, *, old: bool) -> None:
        """Grey the candles and the tag of the last price while they are not current."""
        for item in (self.candles, self.bars, self.last):
            item.setOpacity(_OLD_OPACITY if old else 1.0)
        self.price.getAxis("right").show_old(old=old)

    def show_fills(self, fills: Sequence[ReportedFill]) -> None:
        """Mark our trades: buys point up, sells point down, the more fills the larger."""
        self._fills = fills
        self.marks.setData(
            [
                {
                    "pos": (self._middle(mark.candle), float(mark.price)),
                    "symbol": _SYMBOL[mark.side],
                    "size": min(_MARK_SIZE + len(mark.fills) - 1, _LARGEST_MARK),
                    "brush": self._mark_brush[mark.side],
                    "pen": self._mark_pen,
                    "data": mark,
                }
                for mark in fill_marks(fills, self._rows)
            ]
        )

    def _middle(self, candle: int) -> float:
        return self._rows[candle].open_s + self._span / 2

    def follow(self) -> None:
        """Go to the newest candle with the usual number in sight, and stay there."""
        if self._rows:
            end = self._rows[-1].open_s + self._span
            width = IN_SIGHT * self._span
            self.price.vb.setXRange(end - width, end + width * _AHEAD, padding=0)
        self._set_following(following=True)

    def leaveEvent(self, event: object) -> None:
        """Take the crosshair away."""
        super().leaveEvent(event)
        self._show_cross(visible=False)
        self.hovered.emit(None)

    def _follow_newest(self) -> None:
        start, stop = self.price.vb.viewRange()[0]
        width = stop - start
        end = self._rows[-1].open_s + self._span
        new_stop = end + width * _AHEAD
        if new_stop != stop:
            self.price.vb.setXRange(new_stop - width, new_stop, padding=0)
        self._fit_prices()

    def _panned(self) -> None:
        stop = self.price.vb.viewRange()[0][1]
        newest = self._rows[-1].open_s + self._span if self._rows else stop
        self._set_following(following=stop >= newest)

    def _set_following(self, *, following: bool) -> None:
        if following != self.following:
            self.following = following
            self.following_changed.emit(following)

    def _fit_prices(self) -> None:
        start, stop = self.price.vb.viewRange()[0]
        times = self._table[:, 0]
        seen = self._table[(times + self._span >= start) & (times <= stop)]
        if not len(seen):
            return
        low, high = float(seen[:, 3].min()), float(seen[:, 2].max())
        room = (high - low) * _HEADROOM or abs(high) * 0.001 or 1.0
        self.price.vb.setYRange(low - room, high + room, padding=0)
        self.volume.vb.setYRange(0, float(seen[:, 5].max()) * 1.15 or 1.0, padding=0)

    def _moved(self, at: QPointF) -> None:
        over = next(
            (p for p in (self.price, self.volume) if p.sceneBoundingRect().contains(at)), None
        )
        if over is None or not self._rows:
            self._show_cross(visible=False)
            self.hovered.emit(None)
            return
        where = over.vb.mapSceneToView(at)
        index = int(np.searchsorted(self._table[:, 0], where.x(), side="right")) - 1
        index = min(max(index, 0), len(self._rows) - 1)
        self._show_cross(visible=True)
        self.cross_y.setVisible(over is self.price)
        for line in (self.cross_x, self.cross_x_low):
            line.setPos(self._middle(index))
        self.cross_y.setPos(where.y())
        self.hovered.emit(self._rows[index])

    def _show_cross(self, *, visible: bool) -> None:
        for line in (self.cross_x, self.cross_x_low, self.cross_y):
            line.setVisible(visible)


def _fill_tip(x: float, y: float, data: object) -> str:  # noqa: ARG001 - pyqtgraph's signature
    return data.words if isinstance(data, FillMark) else ""
