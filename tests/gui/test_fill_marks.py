"""Fills of a side within a candle are one mark on the chart."""

from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals

from hypothesis import given
from hypothesis import strategies as st

from cryptobot.domain.order import Side
from cryptobot.gui.candles import CandleRow
from cryptobot.gui.fill_marks import fill_marks
from cryptobot.gui.reported import ReportedFill

CANDLES = [CandleRow(60.0 * number, 1, 2, 0, 1, 5) for number in range(10, 14)]


def a_fill(at: float, side: Side = Side.BUY, amount: str = "1", price: str = "100") -> ReportedFill:
    return ReportedFill(
        trade_id=f"{at}{side}{amount}{price}",
        order_id="o",
        symbol="BTC/USDT",
        side=side,
        price=D(price),
        amount=D(amount),
        fee=D("0.1"),
        fee_currency="USDT",
        liquidity="taker",
        mode="paper",
        at=at,
    )


def test_fills_of_a_side_within_a_candle_are_one_mark_at_their_average() -> None:
    fills = [
        a_fill(655, amount="3", price="101.6"),
        a_fill(601, price="100"),
        a_fill(602, Side.SELL, price="102"),
        a_fill(661, price="99"),
    ]
    marks = {(mark.candle, mark.side): mark for mark in fill_marks(fills, CANDLES)}
    assert set(marks) == {(0, Side.BUY), (0, Side.SELL), (1, Side.BUY)}
    both = marks[0, Side.BUY]
    assert (both.amount, both.price) == (D(4), D("101.2"))
    assert both.words == (
        "BUY 4 in 2 fills at 101.20 on average\n"
        "100 to 101.6\n"
        "1970-01-01 00:10:01.000 UTC to 1970-01-01 00:10:55.000 UTC\n"
        "PAPER"
    )
    assert marks[0, Side.SELL].words == (
        "SELL 1 at 102\n1970-01-01 00:10:02.000 UTC\nPAPER, taker, fee 0.1 USDT"
    )


def test_fill_before_the_first_candle_has_no_mark_and_one_after_the_last_is_in_it() -> None:
    assert fill_marks([a_fill(599)], CANDLES) == []
    assert fill_marks([a_fill(700)], []) == []
    [mark] = fill_marks([a_fill(10_000)], CANDLES)
    assert mark.candle == 3


@given(
    st.lists(
        st.tuples(st.integers(600, 900), st.sampled_from(Side), st.decimals("0.001", 10, places=3)),
        max_size=60,
    )
)
def test_marks_are_few_and_lose_nothing(drawn: list[tuple[int, Side, D]]) -> None:
    fills = [a_fill(at, side, str(amount)) for at, side, amount in drawn]
    marks = fill_marks(fills, CANDLES)
    assert len(marks) <= 2 * len(CANDLES)
    assert sum(len(mark.fills) for mark in marks) == len(fills)
    assert sum(mark.amount for mark in marks) == sum(fill.amount for fill in fills)
