"""An exchange's rules for a new order, with the code of the rule that is broken."""

from dataclasses import dataclass
from decimal import Decimal

from cryptobot.domain.instrument import Instrument
from cryptobot.domain.money import plain
from cryptobot.domain.order import OrderType, Side
from cryptobot.matching.records import NewOrder
from cryptobot.matching.refusal import Refusal, RefusalCode


@dataclass(frozen=True, slots=True)
class SymbolFilters:
    """Rules beyond ``Instrument``; every one may be absent.

    Attributes:
        market_min_amount: Smallest amount of a market order, in base currency.
        market_max_amount: Largest amount of a market order, in base currency.
        market_amount_step: Step of a market order's amount; 0 or ``None`` for none.
        bid_multiplier_down: A buy's price is at least the reference price times this.
        bid_multiplier_up: A buy's price is at most the reference price times this.
        ask_multiplier_down: As above, for sells.
        ask_multiplier_up: As above, for sells.
    """

    market_min_amount: Decimal | None = None
    market_max_amount: Decimal | None = None
    market_amount_step: Decimal | None = None
    bid_multiplier_down: Decimal | None = None
    bid_multiplier_up: Decimal | None = None
    ask_multiplier_down: Decimal | None = None
    ask_multiplier_up: Decimal | None = None


NO_FILTERS = SymbolFilters()


def check_order(
    new: NewOrder, instrument: Instrument, filters: SymbolFilters, reference: Decimal | None
) -> None:
    """Refuse an order that breaks a rule.

    The rules of ``Instrument`` are those of ``Instrument.violation``, here with their codes.

    Args:
        new: The order wanted.
        instrument: The symbol's rules.
        filters: Its further rules.
        reference: Price to value a market order and to judge a limit price by; ``None`` leaves
            those rules out.

    Raises:
        Refusal: With the code of the first rule broken.
    """
    if not instrument.active:
        raise Refusal(
            RefusalCode.MARKET_CLOSED, f"{instrument.symbol} is not trading on the exchange now"
        )
    if new.trigger is not None:
        _check_trigger(new, new.trigger.price, instrument)
        if new.type is OrderType.MARKET:
            reference = new.trigger.price
    if new.type is OrderType.MARKET:
        _check_market(new, instrument, filters, reference)
    else:
        _check_limit(new, instrument, filters, reference)


def check_swept(amount: Decimal, instrument: Instrument) -> None:
    """Refuse an order by quote amount that affords too little. Raises ``Refusal``."""
    if amount < max(instrument.min_amount, instrument.amount_step):
        raise Refusal(
            RefusalCode.FILTER_LOT,
            f"amount {plain(amount)} is below the minimum {plain(instrument.min_amount)}",
        )


def _check_market(
    new: NewOrder, instrument: Instrument, filters: SymbolFilters, reference: Decimal | None
) -> None:
    if new.quote_amount is not None:
        if new.amount is not None:
            raise Refusal(RefusalCode.FILTER_LOT, "amount and quote amount exclude each other")
        _check_no_price(new)
        _check_notional(new.quote_amount, instrument)
        return
    amount = _checked_amount(new, instrument)
    _check_no_price(new)
    _check_lot(
        amount,
        filters.market_min_amount,
        filters.market_max_amount,
        filters.market_amount_step,
        RefusalCode.FILTER_MARKET_LOT,
    )
    if reference is not None:
        _check_notional(reference * amount, instrument)


def _check_no_price(new: NewOrder) -> None:
    if new.price is not None:
        raise Refusal(RefusalCode.FILTER_PRICE, "a market order takes no price")


def _check_trigger(new: NewOrder, price: Decimal, instrument: Instrument) -> None:
    if new.quote_amount is not None:
        raise Refusal(RefusalCode.FILTER_LOT, "an order with a trigger takes no quote amount")
    if new.type is OrderType.LIMIT_MAKER:
        raise Refusal(RefusalCode.FILTER_PRICE, "a post-only order takes no trigger")
    _check_price(price, instrument)


def _check_price(price: Decimal, instrument: Instrument) -> None:
    if price <= 0 or price % instrument.price_step:
        raise Refusal(
            RefusalCode.FILTER_PRICE,
            f"price {plain(price)} is not a positive multiple of {plain(instrument.price_step)}",
        )
    if (instrument.min_price is not None and price < instrument.min_price) or (
        instrument.max_price is not None and price > instrument.max_price
    ):
        raise Refusal(
            RefusalCode.FILTER_PRICE, f"price {plain(price)} is outside the exchange's range"
        )


def _check_limit(
    new: NewOrder, instrument: Instrument, filters: SymbolFilters, reference: Decimal | None
) -> None:
    if new.quote_amount is not None:
        raise Refusal(RefusalCode.FILTER_LOT, "a quote amount is for market orders")
    amount = _checked_amount(new, instrument)
    price = new.price
    if price is None:
        raise Refusal(RefusalCode.FILTER_PRICE, f"a {new.type} order needs a price")
    _check_price(price, instrument)
    if reference is not None:
        _check_percent(new.side, price, filters, reference)
    _check_notional(price * amount, instrument)


def _checked_amount(new: NewOrder, instrument: Instrument) -> Decimal:
    if new.amount is None:
        raise Refusal(RefusalCode.FILTER_LOT, "the order has no amount")
    _check_lot(
        new.amount,
        instrument.min_amount,
        instrument.max_amount,
        instrument.amount_step,
        RefusalCode.FILTER_LOT,
    )
    return new.amount


def _check_lot(
    amount: Decimal,
    minimum: Decimal | None,
    maximum: Decimal | None,
    step: Decimal | None,
    code: RefusalCode,
) -> None:
    if amount <= 0:
        raise Refusal(code, f"amount {plain(amount)} must be above 0")
    if step and amount % step:
        raise Refusal(code, f"amount {plain(amount)} is not a multiple of {plain(step)}")
    if minimum is not None and amount < minimum:
        raise Refusal(code, f"amount {plain(amount)} is below the minimum {plain(minimum)}")
    if maximum is not None and amount > maximum:
        raise Refusal(code, f"amount {plain(amount)} is above the maximum {plain(maximum)}")


def _check_percent(side: Side, price: Decimal, filters: SymbolFilters, reference: Decimal) -> None:
    down, up = (
        (filters.bid_multiplier_down, filters.bid_multiplier_up)
        if side is Side.BUY
        else (filters.ask_multiplier_down, filters.ask_multiplier_up)
    )
    if (down is not None and price < reference * down) or (
        up is not None and price > reference * up
    ):
        raise Refusal(
            RefusalCode.FILTER_PERCENT_PRICE,
            f"price {plain(price)} is too far from the market's {plain(reference)}",
        )


def _check_notional(value: Decimal, instrument: Instrument) -> None:
    low, high, quote = instrument.min_notional, instrument.max_notional, instrument.quote
    if value < low or value <= 0:
        raise Refusal(
            RefusalCode.FILTER_NOTIONAL,
            f"order value {plain(value)} {quote} is below the minimum {plain(low)} {quote}",
        )
    if high is not None and value > high:
        raise Refusal(
            RefusalCode.FILTER_NOTIONAL,
            f"order value {plain(value)} {quote} is above the maximum {plain(high)} {quote}",
        )
