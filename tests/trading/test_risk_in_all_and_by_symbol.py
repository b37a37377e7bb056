"""The limits on prices, all positions together and the day's loss, and those of one symbol."""

from dataclasses import replace
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals

import pytest

from cryptobot.domain.clock import ManualClock
from cryptobot.domain.mode import Mode, TradingState
from cryptobot.domain.order import OrderState, Side
from cryptobot.settings.model import RiskSettings
from cryptobot.trading.risk import (
    Denial,
    Holding,
    Risk,
    RiskLimits,
    Surroundings,
    SymbolLimits,
    reduces,
)
from cryptobot.trading.risk.room import CHECKS
from telemetry.catalogue import DENIAL_REASONS

from .order_path import OrderPath, an_intent
from .scripted_venue import SYMBOL
from .test_risk import LIMITS, open_order

OTHER = "ETH/USDT"


def denial(
    limits: RiskLimits, surroundings: Surroundings | None = None, **intent: object
) -> Denial | None:
    position = D(str(intent.pop("position", "0")))
    orders = intent.pop("orders", ())
    wanted = an_intent(**intent)  # type: ignore[arg-type]
    price = wanted.price or D(100)
    return Risk(limits, ManualClock(), surroundings).denial(wanted, price, position, orders)  # type: ignore[arg-type]


def own(**limits: object) -> RiskLimits:
    return replace(LIMITS, symbols={SYMBOL: SymbolLimits(**limits)})  # type: ignore[arg-type]


def test_codes_of_all_checks_are_counted_by_name() -> None:
    assert {code for code, _ in CHECKS} <= set(DENIAL_REASONS)


def test_symbol_limits_have_every_name_that_the_settings_have() -> None:
    settings = RiskSettings.model_fields["symbols"].annotation.__args__[1]  # type: ignore[union-attr]
    assert set(settings.model_fields) == set(SymbolLimits.__slots__)


@pytest.mark.parametrize("price", ["90", "110"])
@pytest.mark.parametrize(("band", "denied"), [("0.1", False), ("0.0999", True), (None, False)])
def test_price_band_at_and_beyond_its_limit(price: str, band: str | None, denied: bool) -> None:
    limits = replace(LIMITS, price_band=None if band is None else D(band))
    found = denial(limits, Surroundings(market_price=lambda _: D(100)), price=price)
    assert (found is not None) == denied
    if found is not None:
        assert found.code == "price_band"
        assert "10 % from the market at 100, the limit is 9.99 % (risk.price_band)" in found.reason


def test_price_band_without_a_market_price_or_for_a_market_order_denies_nothing() -> None:
    limits = replace(LIMITS, price_band=D("0.1"))
    assert denial(limits, Surroundings(), price="1000", amount="0.5") is None
    market = Surroundings(market_price=lambda _: D(1))
    assert denial(limits, market, price=None) is None


@pytest.mark.parametrize(
    ("limits", "intent", "code"),
    [
        ({"max_order_notional": D(99)}, {}, "max_order_notional"),
        ({"max_position_notional": D(99)}, {}, "max_position_notional"),
        ({"max_open_orders": 1}, {"orders": (open_order("0.1"),)}, "max_open_orders"),
        ({"max_orders_per_10s": 0}, {}, "max_orders_per_10s"),
        ({"price_band": D("0.01")}, {"price": "102", "amount": "0.9"}, "price_band"),
        ({"max_daily_loss": D(5)}, {}, "max_daily_loss"),
    ],
)
def test_own_limit_of_a_symbol_denies_and_names_its_setting(
    limits: dict[str, object], intent: dict[str, object], code: str
) -> None:
    around = Surroundings(market_price=lambda _: D(100), daily_loss=lambda _: D(6))
    found = denial(own(**limits), around, **intent)
    assert found is not None
    assert found.code == code
    assert f'(risk.symbols."{SYMBOL}".{code})' in found.reason
    other = replace(LIMITS, symbols={OTHER: SymbolLimits(**limits)})  # type: ignore[arg-type]
    assert denial(other, around, **intent) is None


def test_own_limit_of_a_symbol_may_be_wider_than_everybodys() -> None:
    assert denial(own(max_order_notional=D(2_000)), amount="15") is None
    assert denial(LIMITS, amount="15") is not None


def test_own_rate_of_a_symbol_counts_only_its_orders() -> None:
    risk = Risk(own(max_orders_per_10s=1), ManualClock())
    risk.sent(OTHER)
    assert risk.denial(an_intent(), D(100), D(0), ()) is None
    risk.sent(SYMBOL)
    found = risk.denial(an_intent(), D(100), D(0), ())
    assert found is not None
    assert found.code == "max_orders_per_10s"


@pytest.mark.parametrize(
    ("position", "side", "others", "code"),
    [
        ("0", Side.BUY, "9", None),
        ("0", Side.BUY, "9.001", "max_total_notional"),
        ("0", Side.SELL, "-9.001", "max_total_notional"),
        ("2", Side.SELL, "20", None),  # smaller is always allowed
    ],
)
def test_total_notional_counts_every_symbol_long_or_short(
    position: str, side: Side, others: str, code: str | None
) -> None:
    limits = replace(LIMITS, max_total_notional=D(1_000))
    around = Surroundings(holdings=lambda: {OTHER: Holding(D(others), D(100))})
    found = denial(limits, around, position=position, side=side)
    assert (None if found is None else found.code) == code


def test_total_notional_counts_open_and_unknown_orders_of_other_symbols_as_filled() -> None:
    limits = replace(LIMITS, max_total_notional=D(1_000))
    around = Surroundings(market_price=lambda _: D(100))
    unknown = open_order("9.5", symbol=OTHER, state=OrderState.UNRESOLVED)
    found = denial(limits, around, orders=(unknown,))
    assert found is not None
    assert found.code == "max_total_notional"


@pytest.mark.parametrize(
    ("loss", "denied"), [("99.99", False), ("100", True), ("-500", False), (None, False)]
)
def test_daily_loss_below_and_at_its_limit(loss: str | None, denied: bool) -> None:
    limits = replace(LIMITS, max_daily_loss=D(100))
    around = Surroundings(daily_loss=lambda _: None if loss is None else D(loss))
    found = denial(limits, around)
    assert (found is not None) == denied
    if found is not None:
        assert found.code == "max_daily_loss"
        assert "the day's loss is 100, the limit is 100 (risk.max_daily_loss)" in found.reason


def test_daily_loss_at_its_limit_still_lets_a_position_get_smaller() -> None:
    limits = replace(LIMITS, max_daily_loss=D(100))
    around = Surroundings(daily_loss=lambda _: D(100))
    assert denial(limits, around, position="1", side=Side.SELL) is None
    assert denial(limits, around, position="0.9", side=Side.SELL) is not None


@pytest.mark.parametrize(
    ("position", "side", "pending", "smaller"),
    [
        ("1", Side.SELL, "0", True),
        ("1", Side.BUY, "0", False),
        ("-1", Side.BUY, "0", True),
        ("-1", Side.SELL, "0", False),
        ("0", Side.SELL, "0", False),
        ("0", Side.BUY, "0", False),
        ("0.9", Side.SELL, "0", False),  # it would turn short
        ("1.5", Side.SELL, "0.5", True),
        ("1.5", Side.SELL, "0.6", False),  # with what is open it would turn short
    ],
)
async def test_reducing_takes_only_what_makes_a_position_smaller(
    path: OrderPath, position: str, side: Side, pending: str, smaller: bool
) -> None:
    orders = (open_order(pending, side=side),) if D(pending) else ()
    assert reduces(an_intent(side=side), D(position), orders) is smaller
    if orders:
        await path.place(pending, side=side)
    path.account.held[Mode.LIVE, SYMBOL] = D(position)
    path.halted(TradingState.REDUCING)
    order = await path.place(side=side)
    assert (order.state is OrderState.ACCEPTED) is smaller


def test_order_without_a_current_book_may_only_make_a_position_smaller() -> None:
    around = Surroundings(no_book=lambda symbol: f"{symbol} is being rebuilt")
    found = denial(LIMITS, around, side=Side.BUY)
    assert found is not None
    assert found.code == "no_book"
    assert f"{SYMBOL} is being rebuilt" in found.reason
    assert denial(LIMITS, around, side=Side.SELL, position="10") is None
