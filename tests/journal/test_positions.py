from decimal import Decimal

import pytest

from cryptobot.domain.mode import Mode
from cryptobot.domain.order import Fill, Side
from cryptobot.journal.journal import Journal
from cryptobot.journal.positions import Position, positions

from .samples import a_fill, an_order


def _fill(side: Side, amount: str, price: str, fee: str = "0", currency: str = "BNB") -> Fill:
    return a_fill(
        side=side,
        amount=Decimal(amount),
        price=Decimal(price),
        fee=Decimal(fee),
        fee_currency=currency,
    )


@pytest.mark.parametrize(
    ("fills", "amount", "cost", "realized"),
    [
        ([_fill(Side.BUY, "2", "100")], "2", "200", "0"),
        ([_fill(Side.BUY, "2", "100"), _fill(Side.BUY, "1", "130")], "3", "330", "0"),
        ([_fill(Side.BUY, "2", "100"), _fill(Side.SELL, "1", "110")], "1", "100", "10"),
        ([_fill(Side.BUY, "2", "100"), _fill(Side.SELL, "2", "90")], "0", "0", "-20"),
        ([_fill(Side.BUY, "2", "100"), _fill(Side.SELL, "3", "110")], "-1", "-110", "20"),
        ([_fill(Side.SELL, "1", "100"), _fill(Side.BUY, "1", "90")], "0", "0", "10"),
        ([_fill(Side.BUY, "1", "100", "0.1", "BTC")], "0.9", "100", "0"),
        ([_fill(Side.BUY, "1", "100", "2", "USDT")], "1", "102", "0"),
        # A fee that nothing held can pay is spent at the price: it must not look like a short's.
        (
            [_fill(Side.SELL, "1", "100"), _fill(Side.BUY, "1", "90", "0.1", "BTC")],
            "-0.1",
            "-9",
            "1",
        ),
        (
            [_fill(Side.SELL, "2", "100"), _fill(Side.BUY, "1", "90", "0.1", "BTC")],
            "-1.1",
            "-109",
            "1",
        ),
        (
            [_fill(Side.BUY, "1", "100", "2", "USDT"), _fill(Side.SELL, "1", "110", "3", "USDT")],
            "0",
            "0",
            "5",
        ),
    ],
)
def test_positions_follow_average_cost(
    fills: list[Fill], amount: str, cost: str, realized: str
) -> None:
    held = positions(fills)["BTC/USDT"]
    assert (held.amount, held.cost, held.realized) == (
        Decimal(amount),
        Decimal(cost),
        Decimal(realized),
    )


def test_position_that_went_flat_has_earned_exactly_what_was_paid_and_got() -> None:
    fills = [_fill(Side.BUY, "0.3", "1"), _fill(Side.BUY, "0.3", "2")]
    fills += [_fill(Side.SELL, "0.2", "7")] * 3
    held = positions(fills)["BTC/USDT"]
    assert held.amount == held.cost == 0
    assert abs(held.realized - Decimal("3.3")) < Decimal("1e-50")
    assert held.average is None


def test_position_sums_fees_by_currency() -> None:
    held = Position("BTC/USDT")
    for fee, currency in (("0.1", "BNB"), ("0.2", "BNB"), ("1", "USDT")):
        held = held.after(_fill(Side.BUY, "1", "5", fee, currency))
    assert held.fees == {"BNB": Decimal("0.3"), "USDT": Decimal(1)}
    assert held.average == Decimal(16) / 3


async def test_positions_of_the_journal_are_by_mode_and_in_order_of_time(
    journal: Journal,
) -> None:
    sold = a_fill("1", side=Side.SELL, amount=Decimal(1), price=Decimal(12), at_ns=20)
    bought = a_fill("2", amount=Decimal(2), price=Decimal(10), at_ns=10)
    await journal.record(an_order(), venue="x", fills=[sold, bought])
    await journal.record(
        an_order(mode=Mode.PAPER), venue="x", fills=[a_fill("3", amount=Decimal(9))]
    )
    held = (await journal.positions(Mode.LIVE))["BTC/USDT"]
    assert (held.amount, held.cost, held.realized) == (Decimal(1), Decimal(10), Decimal(2))
    assert (await journal.positions(Mode.PAPER))["BTC/USDT"].amount == 9
