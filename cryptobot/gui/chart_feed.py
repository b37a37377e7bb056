"""Which candles the chart needs: asked for when chosen, asked again when nobody streams them."""

import time
from typing import Final

from PySide6.QtCore import QObject

from cryptobot.gui.session import Session
from cryptobot.gui.views.chart import ChartView

_HISTORY: Final = 1_000
_AGAIN_S: Final = 5.0


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
        chart.wanted.connect(self._ask)
        session.resynced.connect(self._resync)
        session.beat.connect(self._beat)

    def _resync(self) -> None:
        if self._chart.chosen[0]:
            self._ask(*self._chart.chosen)

    def _beat(self) -> None:
        """Other time frames than the engine's own are not streamed: read them again."""
        status = self._session.state.status
        symbol, timeframe = self._chart.chosen
        if status is None or not symbol or timeframe == status.timeframe:
            return
        if time.monotonic() - self._asked > _AGAIN_S and self._session.connection.is_open:
            self._ask(symbol, timeframe)

    def _ask(self, symbol: str, timeframe: str) -> None:
        self._asked = time.monotonic()

        def answered(result: object, error: Exception | None) -> None:
            if error is not None:
                self._chart.say(f"No candles of {symbol} {timeframe}: {error}")
                return
            self._session.take_candles(result)

        self._session.call(
            "market.candles", answered, symbol=symbol, timeframe=timeframe, limit=_HISTORY
        )
