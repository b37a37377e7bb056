from dataclasses import replace
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals

import pytest

from cryptobot.domain.instrument import Instrument
from cryptobot.domain.order import OrderIntent, OrderType, Side

BTC = Instrument(
    "BTC/USDT",
    "BTC",
    "USDT",
    price_step=D("0.01"),
    amount_step=D("0.001"),
    min_amount=D("0.002"),
    max_amount=D(9),
    min_price=D(10),
    max_price=D(1_000_000),
    min_notional=D(5),
    max_notional=D(9_000),
)


def violation(
    amount: str = "1",
    price: str | None = "100",
    *,
    of: Instrument = BTC,
    kind: OrderType = OrderType.LIMIT,
    reference: str | None = None,
) -> str | None:
    intent = OrderIntent("BTC/USDT", Side.BUY, kind, D(amount), None if price is None else D(price))
    return of.violation(intent, None if reference is None else D(reference))


@pytest.mark.parametrize(
    ("amount", "price"),
    [("1", "100"), ("0.05", "100"), ("9", "1000"), ("0.002", "2500"), ("0.5", "10"),
     ("0.009", "1000000")],
)  # fmt: skip
def test_order_at_the_rules_edges_is_taken(amount: str, price: str) -> None:
    assert violation(amount, price) is None


@pytest.mark.parametrize(
    ("amount", "price", "said"),
    [
        ("0", "100", "must be above 0"),
        ("-1", "100", "must be above 0"),
        ("0.0025", "100", "not a multiple of 0.001"),
        ("0.001", "100", "below the minimum 0.002"),
        ("9.001", "100", "above the maximum 9"),
        ("1", "100.001", "not a positive multiple of 0.01"),
        ("1", "0", "not a positive multiple"),
        ("1", "-100", "not a positive multiple"),
        ("1", "9.99", "outside the exchange's range"),
        ("0.002", "1000000.01", "outside the exchange's range"),
        ("0.049", "100", "value 4.9 USDT is below the minimum 5 USDT"),
        ("9", "1000.01", "above the maximum 9000 USDT"),
        ("1", None, "needs a price"),
    ],
)
def test_order_beyond_a_rule_is_told_which(amount: str, price: str | None, said: str) -> None:
    found = violation(amount, price)
    assert found is not None
    assert said in found


def test_market_order_is_valued_at_the_reference_price() -> None:
    kind = OrderType.MARKET
    assert violation("1", None, kind=kind) is None
    assert violation("1", None, kind=kind, reference="100") is None
    assert "below the minimum" in str(violation("0.002", None, kind=kind, reference="100"))
    assert violation("1", "100", kind=kind) == "a market order takes no price"


def test_symbol_that_is_not_trading_takes_nothing() -> None:
    assert "not trading" in str(violation(of=replace(BTC, active=False)))


def test_instrument_without_limits_checks_steps_only() -> None:
    bare = Instrument("BTC/USDT", "BTC", "USDT", D("0.01"), D("0.001"), D(0))
    assert violation("1000000", "0.01", of=bare) is None


@pytest.mark.parametrize(("amount", "price"), [("1E+35", "100"), ("1", "1E+35")])
def test_order_of_absurd_size_is_a_violation_and_no_error(amount: str, price: str) -> None:
    assert violation(amount, price) is not None


@pytest.mark.parametrize("amount", [0.5, "NaN", "1e9999"])
def test_intent_with_an_amount_that_is_no_exact_number_cannot_be_made(amount: object) -> None:
    value = D(amount) if isinstance(amount, str) else amount
    with pytest.raises(ValueError, match=r"^not a"):
        OrderIntent("BTC/USDT", Side.BUY, OrderType.MARKET, value)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^not a"):
        OrderIntent("BTC/USDT", Side.BUY, OrderType.LIMIT, D(1), value)  # type: ignore[arg-type]
