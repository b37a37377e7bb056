"""Which candles the chart needs: asked for when chosen, asked again when nobody streams them."""

import time
from typing import Final

from PySide6.QtCore import QObject

from cryptobot.gui.session import Session
from cryptobot.gui.views.chart import ChartView

_HISTORY: Final = 1_000
_AGAIN_S: Final = 5.0
_SHORT: Final = 50
"""A history with fewer candles is asked for again: a starting engine is still reading it."""


class ChartFeed(QObject):
    """Keeps the chart's candles coming.

    Args:
        session: The session with the engine.
        chart: The chart panel.
    """

    def __init__(self, session: Session, chart: ChartView) -> None:
        super().__init__(chart)
        self._session = session
        self._chart = chart
        self._asked = 0.0
        self._short = False
        chart.wanted.connect(self._ask)
        session.resynced.connect(self._resync)
        session.beat.connect(self._beat)

    def _resync(self) -> None:
        if self._chart.chosen[0]:
            self._ask(*self._chart.chosen)

    def _beat(self) -> None:
        """Read again what is not streamed (other time frames) or was not complete yet."""
        status = self._session.state.status
        symbol, timeframe = self._chart.chosen
        if status is None or not symbol:
            return
        if timeframe == status.timeframe and not self._short:
            return
        if time.monotonic() - self._asked > _AGAIN_S and self._session.connection.is_open:
            self._ask(symbol, timeframe)

    def _ask(self, symbol: str, timeframe: str) -> None:
        self._asked = time.monotonic()

        def answered(result: object, error: Exception | None) -> None:
            if error is not None:
                self._chart.say(f"No candles of {symbol} {timeframe}: {error}")
                return
            rows = result.get("candles") if isinstance(result, dict) else None
            self._short = isinstance(rows, list) and len(rows) < _SHORT
            self._session.take_candles(result)

        self._session.call(
            "market.candles", answered, symbol=symbol, timeframe=timeframe, limit=_HISTORY
        )
