"""What our trades say an account should hold is what every venue says it holds, fees and all."""

from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals

from cryptobot.domain.clock import SystemClock
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import OrderState, Side
from cryptobot.journal.records import BalanceBaseline
from cryptobot.trading.balance_book import BalanceBook
from cryptobot.trading.exchange import Exchange
from tests.trading.test_order_tracker import an_order

from .test_venue_contract import SYMBOL, limit, market, place


async def test_balances_after_trades_are_explained_by_them_to_the_last_digit(
    venue: Exchange,
) -> None:
    kept: list[BalanceBaseline] = []
    book = BalanceBook(SystemClock(), kept.append)
    book.rebase(await venue.balances())
    await place(venue, market(Side.BUY, "1.5"))
    await place(venue, market(Side.SELL, "0.7"))
    await place(venue, limit(Side.BUY, "0.01", "60000"))  # it rests: bound, and still held
    order = an_order(state=OrderState.FILLED, mode=Mode.LIVE)
    fills = await venue.my_trades(SYMBOL)
    book.on_order(order, tuple(fills[:-1]))
    assert {item.subject for item in book.differences(await venue.balances())} == {"BTC", "USDT"}
    book.on_order(order, tuple(fills[-1:]))
    assert book.differences(await venue.balances()) == []
    assert D(0) < sum(fill.fee for fill in fills)
