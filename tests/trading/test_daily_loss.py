"""The day's loss: realized and unrealized, by the UTC day, over restarts, whatever is deposited."""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals

import pytest

from cryptobot.domain.clock import NS_PER_S, ManualClock
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import OrderState, Side
from cryptobot.journal.records import DayStart
from cryptobot.trading.exchange import Balance
from cryptobot.trading.portfolio import Portfolio
from cryptobot.trading.risk import DailyLoss

from .scripted_venue import SYMBOL, a_trade
from .test_order_tracker import an_order

NOON = 1_700_049_600 * NS_PER_S  # 2023-11-15T12:00Z
HOUR = 3600 * NS_PER_S


class Day:
    """A portfolio and its day."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOON)
        self.prices: dict[str, D] = {SYMBOL: D(100)}
        self.portfolio = Portfolio(self.prices.get)
        self.kept: list[DayStart] = []
        self.rooms = self.opened()

    def opened(self) -> DailyLoss:
        return DailyLoss(
            Mode.LIVE,
            self.clock,
            profit=lambda: self.portfolio.profit(Mode.LIVE, (SYMBOL,)),
            equity=lambda: self.portfolio.equity(Mode.LIVE, "USDT"),
            keep=self.kept.append,
        )

    def trade(self, side: Side, price: str) -> None:
        fill = replace(a_trade(price, "cb1", price=price, side=side), fee=D(0))
        self.portfolio.on_order(an_order(state=OrderState.FILLED, mode=Mode.LIVE), (fill,))


@pytest.fixture
def day() -> Day:
    return Day()


def test_loss_counts_realized_and_unrealized_since_the_day_began(day: Day) -> None:
    assert day.rooms.loss() == 0
    day.trade(Side.BUY, "100")
    day.prices[SYMBOL] = D(90)
    assert day.rooms.loss() == 10  # unrealized
    day.trade(Side.SELL, "88")
    day.prices[SYMBOL] = D(500)
    assert day.rooms.loss() == day.rooms.loss(SYMBOL) == 12  # realized
    assert day.rooms.loss("ETH/USDT") == 0


def test_loss_of_a_day_that_earned_is_below_zero(day: Day) -> None:
    day.rooms.loss()
    day.trade(Side.BUY, "100")
    day.prices[SYMBOL] = D(103)
    assert day.rooms.loss() == -3


def test_loss_of_yesterday_is_not_todays(day: Day) -> None:
    day.trade(Side.BUY, "100")
    day.rooms.loss()
    day.prices[SYMBOL] = D(90)
    day.clock.advance(12 * HOUR - 1)
    assert day.rooms.loss() == 10
    day.clock.advance(1)
    assert day.rooms.loss() == 0
    assert [start.day for start in day.kept] == [date(2023, 11, 15), date(2023, 11, 16)]


def test_loss_after_a_restart_counts_from_how_the_day_began(day: Day) -> None:
    day.rooms.loss()
    day.trade(Side.BUY, "100")
    day.prices[SYMBOL] = D(90)
    restarted = day.opened()
    restarted.restore(day.kept[-1])
    assert restarted.loss() == 10
    day.clock.advance(24 * HOUR)
    assert restarted.loss() == 0


def test_loss_with_money_put_in_or_taken_out_is_the_same(day: Day) -> None:
    day.portfolio.set_balances(Mode.LIVE, {"USDT": Balance(D(1000), D(0))}, 0)
    day.rooms.loss()
    assert day.kept[0].equity == 1000
    day.portfolio.set_balances(Mode.LIVE, {"USDT": Balance(D(400), D(0))}, 0)
    assert day.rooms.loss() == 0


def test_loss_while_a_price_is_missing_is_unknown_and_begins_no_day(day: Day) -> None:
    day.trade(Side.BUY, "100")
    del day.prices[SYMBOL]
    assert day.rooms.loss() is None
    assert day.kept == []
    day.prices[SYMBOL] = D(95)
    assert day.rooms.loss() == 0


def test_begin_anew_forgets_what_the_old_account_had_cost(day: Day) -> None:
    day.rooms.loss()
    day.trade(Side.BUY, "100")
    day.prices[SYMBOL] = D(90)
    day.rooms.begin()
    assert day.rooms.loss() == 0


def test_live_account_that_is_empty_all_of_a_sudden_is_not_believed(day: Day) -> None:
    held = {"USDT": Balance(D(5), D(0))}
    day.portfolio.set_balances(Mode.LIVE, held, 0)
    day.portfolio.set_balances(Mode.LIVE, {}, 0)
    assert day.portfolio.balances(Mode.LIVE) == held
