"""Whether what stands in the order ticket can be sent, and what it would mean. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from cryptobot.domain.instrument import Instrument
from cryptobot.domain.money import decimal, plain
from cryptobot.domain.order import OrderIntent, OrderType, Side, TimeInForce


class Field(StrEnum):
    """Where a message belongs."""

    AMOUNT = "amount"
    PRICE = "price"


@dataclass(frozen=True, slots=True)
class Draft:
    """The ticket's contents as typed."""

    symbol: str
    side: Side
    type: OrderType
    amount: str
    price: str
    time_in_force: TimeInForce = TimeInForce.GTC


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said of a draft.

    Attributes:
        intent: What would be sent; ``None`` while something is wrong or missing.
        problems: One message a field; a field still empty has none.
        value: Estimated worth in quote currency, ``None`` while it cannot be known.
    """

    intent: OrderIntent | None
    problems: dict[Field, str]
    value: Decimal | None


def judge(draft: Draft, instrument: Instrument | None, reference: Decimal | None) -> Verdict:
    """Return whether ``draft`` can be sent.

    Args:
        draft: The ticket.
        instrument: The symbol's rules; without them only the numbers are read.
        reference: Price to value a market order at: the side's best price.
    """
    problems: dict[Field, str] = {}
    amount = _number(draft.amount, Field.AMOUNT, problems)
    market = draft.type is OrderType.MARKET
    price = None if market else _number(draft.price, Field.PRICE, problems)
    at = reference if market else price
    value = amount * at if amount is not None and at is not None else None
    if problems or amount is None or (price is None and not market):
        if amount is not None and instrument is not None:
            alone = OrderIntent(draft.symbol, draft.side, OrderType.MARKET, amount)
            violation = instrument.violation(alone, None)  # without a price: of the amount
            if violation is not None:
                problems[Field.AMOUNT] = _sentence(violation)
        return Verdict(None, problems, value)
    intent = OrderIntent(
        symbol=draft.symbol,
        side=draft.side,
        type=draft.type,
        amount=amount,
        price=price,
        time_in_force=draft.time_in_force if draft.type is OrderType.LIMIT else TimeInForce.GTC,
    )
    violation = instrument.violation(intent, reference) if instrument else None
    if violation is not None:
        field = Field.PRICE if violation.startswith("price") else Field.AMOUNT
        return Verdict(None, {field: _sentence(violation)}, value)
    return Verdict(intent, {}, value)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}"


def _number(typed: str, field: Field, problems: dict[Field, str]) -> Decimal | None:
    words = typed.strip().replace("\N{THIN SPACE}", "").replace(" ", "")
    if not words:
        return None
    if "," in words:
        problems[field] = "Use a point for decimals, and no commas"
        return None
    try:
        number = decimal(words)
    except ValueError:
        problems[field] = f"{typed.strip()[:20]!r} is not a number"
        return None
    if number <= 0:
        problems[field] = f"The {field} must be above 0"
        return None
    return number


def sentence(intent: OrderIntent, instrument: Instrument | None) -> str:
    """Return the order in words: ``Buy 0.01 BTC at 64,000 USDT``."""
    base = instrument.base if instrument else intent.symbol.partition("/")[0]
    quote = instrument.quote if instrument else intent.symbol.partition("/")[2]
    words = f"{intent.side.capitalize()} {plain(intent.amount)} {base}"
    return (
        f"{words} at market"
        if intent.price is None
        else f"{words} at {plain(intent.price)} {quote}"
    )


def place_params(intent: OrderIntent) -> dict[str, object]:
    """Return the parameters of ``order.place``: numbers as strings."""
    params: dict[str, object] = {
        "symbol": intent.symbol,
        "side": str(intent.side),
        "type": str(intent.type),
        "amount": plain(intent.amount),
    }
    if intent.price is not None:
        params["price"] = plain(intent.price)
    if intent.type is OrderType.LIMIT:
        params["time_in_force"] = str(intent.time_in_force)
    if intent.expected_mode is not None:
        params["expect_mode"] = str(intent.expected_mode)
    return params
