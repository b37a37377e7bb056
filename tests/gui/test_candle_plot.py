"""The chart's view: where it looks when candles come."""

import pytest
from pytestqt.qtbot import QtBot

from cryptobot.gui.candles import CandleRow
from cryptobot.gui.views.candle_plot import IN_SIGHT, CandlePlot

MINUTE_S = 60.0


def test_plot_with_candles_after_none_shows_the_usual_number(qtbot: QtBot) -> None:
    plot = CandlePlot()
    qtbot.addWidget(plot)
    rows = [CandleRow(60.0 * number, 1.0, 2.0, 0.5, 1.5, 1.0) for number in range(300)]
    plot.show_rows([], MINUTE_S, fresh=True)
    plot.show_rows(rows[:1], MINUTE_S, fresh=False)
    plot.show_rows(rows, MINUTE_S, fresh=False)
    start, stop = plot.price.vb.viewRange()[0]
    assert stop >= rows[-1].open_s
    assert stop - start == pytest.approx(IN_SIGHT * MINUTE_S, rel=0.2)


def test_plot_with_a_list_that_grows_begins_at_the_newest_candle(qtbot: QtBot) -> None:
    plot = CandlePlot()
    qtbot.addWidget(plot)
    growing: list[CandleRow] = []
    plot.show_rows(growing, MINUTE_S, fresh=True)
    growing.append(CandleRow(18_000.0, 1.0, 2.0, 0.5, 1.5, 1.0))  # as the series does
    plot.show_rows(growing, MINUTE_S, fresh=False)
    start, stop = plot.price.vb.viewRange()[0]
    assert stop - start == pytest.approx(IN_SIGHT * MINUTE_S, rel=0.2)
