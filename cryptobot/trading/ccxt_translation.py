"""From ccxt's dictionaries and errors to ours.

ccxt runs with ``number = str``; a float appears only in websocket books, where ``repr`` gives the
wire's digits back.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import aiohttp
import ccxt

from cryptobot.domain.clock import NS_PER_MS
from cryptobot.domain.errors import (
    CryptobotError,
    NotSent,
    OrderRefused,
    OutcomeUnknown,
    VenueError,
)
from cryptobot.domain.instrument import Instrument
from cryptobot.domain.market import Book, Candle, Level, PublicTrade
from cryptobot.domain.money import ZERO
from cryptobot.domain.order import Fill, Liquidity, OrderReport, OrderState, Side
from cryptobot.trading.error_codes import BINANCE_CODES, ErrorCodes
from cryptobot.trading.network_causes import network_cause

Raw = Mapping[str, Any]

STATES: Final[Mapping[str, OrderState]] = {
    "open": OrderState.ACCEPTED,
    "closed": OrderState.FILLED,
    "canceled": OrderState.CANCELED,
    "expired": OrderState.EXPIRED,
    "rejected": OrderState.REJECTED,
}

REFUSALS: Final[Sequence[tuple[type[Exception], str]]] = (
    (ccxt.InsufficientFunds, "insufficient_funds"),
    (ccxt.OrderImmediatelyFillable, "would_take"),
    (ccxt.OrderNotFound, "order_not_found"),
    (ccxt.DuplicateOrderId, "duplicate_id"),
    (ccxt.InvalidOrder, "invalid_order"),
    (ccxt.MarketClosed, "market_closed"),
    (ccxt.PermissionDenied, "permission_denied"),
    (ccxt.AuthenticationError, "authentication"),
    (ccxt.BadSymbol, "bad_symbol"),
    (ccxt.BadRequest, "bad_request"),
    (ccxt.OperationRejected, "operation_rejected"),
)
"""Classes that prove a refusal once the request was sent; first match counts. ccxt raises them only
for what the exchange's own reply says, by its code or its text."""

ALSO_BY_STATUS: Final = (ccxt.AuthenticationError, ccxt.PermissionDenied)
"""Refusals that ccxt also raises for a bare HTTP status, which any proxy can answer: these count
only when the exchange's code came with them."""

OWN_WORDS: Final = frozenset(
    {"Rest API trading is not enabled.", "This account may not place or cancel orders."}
)
"""What Binance says with -2010 and ccxt passes on without the code: a refusal, though of a class
that any proxy's status could raise."""

NOT_EXECUTED: Final[Sequence[tuple[type[Exception], str]]] = (
    (ccxt.DDoSProtection, "rate_limited"),
    (ccxt.RateLimitExceeded, "rate_limited"),
    (ccxt.InvalidNonce, "clock_skew"),
)
"""Classes that prove the request was turned away unread, when a code or status came with them."""

_STATUS = re.compile(r"\b(418|429)\b")
_QUERY = re.compile(r"\?\S*")


def one_line(error: BaseException) -> str:
    """Return what went wrong without URLs' parameters (they hold signatures), at most 200 signs.

    Our own errors are in words for people, and what the network did is told in some; anything else
    by class and text.
    """
    text = str(error) if isinstance(error, CryptobotError) else network_cause(error)
    if text is None:
        said = _QUERY.sub("", str(error).replace("\n", " ")) or type(error).__name__
        text = f"{type(error).__name__}: {said}"
    return text.encode("utf-8", "replace").decode()[:200]  # a reply may hold half a character


def reason_of(error: BaseException, codes: ErrorCodes) -> str:
    """Return what a person reads of an error: by the exchange's code where we know what to do.

    Args:
        error: What was raised.
        codes: The exchange's.
    """
    coded = codes.found_in(str(error))
    advised = (f"{code}: {codes.advice[code]}" for code in coded if code in codes.advice)
    return next(advised, one_line(error))


def write_error(
    error: BaseException, *, sent: bool, codes: ErrorCodes = BINANCE_CODES
) -> VenueError:
    """Return what an error of an order write proves.

    The rule is evidence: bytes that never left cannot have become an order; a refusal counts only
    when the exchange itself said so; everything else is unknown.

    Args:
        error: What was raised.
        sent: Whether any byte may have left.
        codes: What the exchange's own codes prove; they count before ccxt's classes.
    """
    if isinstance(error, VenueError):
        return error
    text = reason_of(error, codes)
    if not sent:
        return NotSent(text, _not_sent_code(error))
    if codes.proves_duplicate(str(error)):
        return OutcomeUnknown(text, "duplicate_id")
    coded = codes.found_in(str(error))
    verdict = _verdict(coded, text, codes)
    if verdict is not None:
        return verdict
    for kind, code in NOT_EXECUTED:
        if isinstance(error, kind) and (coded or _STATUS.search(str(error))):
            return NotSent(text, code)
    for kind, code in REFUSALS:
        if isinstance(error, kind) and (coded or _in_its_own_words(error)):
            return OrderRefused(text, code)
    return OutcomeUnknown(text, _unknown_code(error))


def _verdict(coded: Sequence[str], text: str, codes: ErrorCodes) -> VenueError | None:
    """Return what the exchange's codes prove; one that says nothing outweighs all others."""
    if not codes.unknown.isdisjoint(coded):
        return OutcomeUnknown(text, "unclassified")
    for code in coded:
        if code in codes.refused:
            return OrderRefused(text, codes.refused[code])
        if code in codes.not_executed:
            return NotSent(text, codes.not_executed[code])
    return None


READ_CODES: Final[Sequence[tuple[type[Exception], str]]] = (
    (ccxt.RateLimitExceeded, "rate_limited"),
    (ccxt.DDoSProtection, "rate_limited"),
    (ccxt.InvalidNonce, "clock_skew"),
    (ccxt.OnMaintenance, "maintenance"),
    (ccxt.AuthenticationError, "authentication"),
    (ccxt.RequestTimeout, "timeout"),
    (ccxt.ExchangeNotAvailable, "server"),
    (ccxt.NetworkError, "network"),
    (ccxt.OrderNotFound, "order_not_found"),
    (ccxt.BadSymbol, "bad_symbol"),
    (ccxt.BadRequest, "bad_request"),
)
"""What a failed read is called, by ccxt's class; first match counts, anything else is unreadable.
An exchange that was not reached at all is ``network``."""

_RESTRICTED = re.compile(r"\b451\b")


def read_code(error: BaseException, codes: ErrorCodes = BINANCE_CODES) -> str:
    """Return a short stable name of why a read failed; it decides what is tried again.

    Args:
        error: What was raised.
        codes: The exchange's; those that prove a refusal count before ccxt's classes.
    """
    if isinstance(error, NotSent):
        return error.code
    for code in codes.found_in(str(error)):
        if code in codes.refused:
            return codes.refused[code]
    if isinstance(error, ccxt.ExchangeNotAvailable):
        if _RESTRICTED.search(str(error)):
            return "restricted"
        if isinstance(error.__cause__, aiohttp.ClientError | OSError):
            return "network"
    return next((code for kind, code in READ_CODES if isinstance(error, kind)), "unreadable")


def _in_its_own_words(error: BaseException) -> bool:
    """Whether a refusal without a code is the exchange's own and not made of a bare status.

    ccxt puts the URL into what it makes of a status, and only the message into what it recognises.
    """
    return not isinstance(error, ALSO_BY_STATUS) or (
        "://" not in str(error) and str(error).removeprefix("binance ") in OWN_WORDS
    )


def _unknown_code(error: BaseException) -> str:
    if isinstance(error, ccxt.RequestTimeout):
        return "timeout"
    return "network" if isinstance(error, ccxt.NetworkError) else "unclassified"


def _not_sent_code(error: BaseException) -> str:
    if isinstance(error.__cause__, aiohttp.ClientConnectorError | OSError):
        return "connection_failed"
    if isinstance(error, ccxt.NetworkError):
        return "network"
    return "not_sent"


def amount(value: object) -> Decimal:
    """Return ccxt's number exactly; ``None`` is zero. Raises ``ValueError`` if it is not finite."""
    if value is None:
        return ZERO
    number = Decimal(value if isinstance(value, str | int) else repr(value))
    if not number.is_finite():
        raise ValueError(f"not a finite number: {value!r}")
    return number


def _given(value: object) -> Decimal:
    """Return ccxt's number exactly; here ``None`` is none: a trade for nothing would be a lie."""
    if value is None:
        raise ValueError("a number is missing")
    return amount(value)


def _optional(value: object) -> Decimal | None:
    return None if value is None else amount(value)


def instrument(market: Raw) -> Instrument:
    """Return the rules of a ccxt market structure (tick-size precision)."""
    limits = market["limits"]
    return Instrument(
        symbol=market["symbol"],
        base=market["base"],
        quote=market["quote"],
        price_step=amount(market["precision"]["price"]),
        amount_step=amount(market["precision"]["amount"]),
        min_amount=amount(limits["amount"]["min"]),
        max_amount=_optional(limits["amount"]["max"]),
        min_price=_optional(limits["price"]["min"]),
        max_price=_optional(limits["price"]["max"]),
        min_notional=amount(limits["cost"]["min"]),
        max_notional=_optional(limits["cost"]["max"]),
        active=market.get("active") is not False,
    )


def order_report(raw: Raw, client_order_id: str | None, now_ns: int) -> OrderReport:
    """Return a report of a unified order.

    Args:
        raw: The unified order.
        client_order_id: Ours, where the caller knows it (a cancel's reply carries another).
        now_ns: The time to use where the exchange gave none.

    Raises:
        OutcomeUnknown: It has no id: the reply could not be read.
    """
    exchange_id = raw.get("id")
    if not exchange_id:
        raise OutcomeUnknown("the reply had no order id", "unreadable_reply")
    info = _info(raw)
    # ccxt leaves out what Kraken's stream says of the filled amount and of our id.
    filled = amount(info.get("cum_qty") if raw.get("filled") is None else raw["filled"])
    stamp = raw.get("lastUpdateTimestamp") or raw.get("timestamp")
    known_id = client_order_id or info.get("cl_ord_id") or raw.get("clientOrderId")
    return OrderReport(
        symbol=raw["symbol"],
        client_order_id=known_id,
        exchange_order_id=str(exchange_id),
        state=_state(raw, filled),
        filled=filled,
        cost=_optional(raw.get("cost")),
        at_ns=int(stamp) * NS_PER_MS if stamp else now_ns,
        fills=tuple(
            fill(trade, raw, known_id) for trade in raw.get("trades") or () if _told(trade)
        ),
        acknowledged_only=not raw.get("status"),
        side=Side(raw["side"]) if raw.get("side") else None,
        amount=_optional(raw.get("amount")),
    )


def _info(raw: Raw) -> Raw:
    """Return the exchange's own words, where ccxt passes them on as a table."""
    info = raw.get("info")
    return info if isinstance(info, Mapping) else {}


def _state(raw: Raw, filled: Decimal) -> OrderState:
    """Return where an order stands.

    An order that ended with a part filled was cancelled: ccxt calls Bybit's
    ``PartiallyFilledCanceled`` closed, and Bybit says ``Rejected`` of such orders too.
    """
    state = STATES.get(raw.get("status") or "open", OrderState.ACCEPTED)
    if state is OrderState.ACCEPTED and filled:
        return OrderState.PARTIALLY_FILLED
    wanted = _optional(raw.get("amount"))
    part = wanted is not None and ZERO < filled < wanted
    ended = state in {OrderState.FILLED, OrderState.REJECTED}
    return OrderState.CANCELED if ended and part else state


def _told(trade: Raw) -> bool:
    """Return whether a trade is told and not merely named: Kraken's orders list trades by id."""
    return trade_id(trade) is not None and (
        trade.get("price") is not None or trade.get("amount") is not None
    )


def trade_id(raw: Raw) -> str | None:
    """Return a trade's id; the fills inside Binance's order reply call it ``tradeId``."""
    found = raw.get("id") or _info(raw).get("tradeId")
    return None if found is None else str(found)


def fill(raw: Raw, order: Raw | None = None, client_order_id: str | None = None) -> Fill:
    """Return a unified trade of ours; ``order`` fills the gaps of trades inside an order reply."""
    order = order or {}
    fee = raw.get("fee") or {}
    stamp = raw.get("timestamp") or order.get("lastUpdateTimestamp") or order.get("timestamp") or 0
    return Fill(
        trade_id=str(trade_id(raw)),
        exchange_order_id=str(raw.get("order") or order.get("id")),
        client_order_id=client_order_id,
        symbol=raw.get("symbol") or order["symbol"],
        side=Side(raw.get("side") or order["side"]),
        price=_given(raw["price"]),
        amount=_given(raw["amount"]),
        fee=_fee(raw, fee),
        fee_currency=fee.get("currency") or "",
        liquidity=Liquidity.MAKER if raw.get("takerOrMaker") == "maker" else Liquidity.TAKER,
        at_ns=int(stamp) * NS_PER_MS,
    )


def _fee(raw: Raw, fee: Raw) -> Decimal:
    """Return what was charged.

    OKX writes charges as negative numbers; ccxt turns them round in its replies but not in its
    stream of orders, which alone has ``fillFee``.
    """
    charged = amount(fee.get("cost"))
    return -charged if "fillFee" in _info(raw) else charged


def book(raw: Raw, depth: int, now_ns: int) -> Book:
    """Return the best ``depth`` levels a side of a unified order book."""
    return Book(
        symbol=raw["symbol"],
        bids=_levels(raw["bids"], depth),
        asks=_levels(raw["asks"], depth),
        at_ns=now_ns,
        sequence=raw.get("nonce"),
    )


def _levels(side: Sequence[Sequence[object]], depth: int) -> tuple[Level, ...]:
    return tuple(Level(amount(row[0]), amount(row[1])) for row in side[:depth])


def public_trade(raw: Raw) -> PublicTrade:
    """Return a unified public trade."""
    return PublicTrade(
        symbol=raw["symbol"],
        trade_id=str(raw["id"]),
        side=Side(raw["side"]),
        price=_given(raw["price"]),
        amount=_given(raw["amount"]),
        at_ns=int(raw["timestamp"]) * NS_PER_MS,
    )


def candle(symbol: str, timeframe: str, row: Sequence[object]) -> Candle | None:
    """Return a unified candle row, or ``None`` for one with holes (an unreadable reply)."""
    if any(value is None for value in row[:6]):
        return None
    open_ms, opened, high, low, close, volume = (amount(value) for value in row[:6])
    return Candle(symbol, timeframe, int(open_ms), opened, high, low, close, volume)
