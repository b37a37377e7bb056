"""The columns of the order blotter."""

from enum import IntEnum

from cryptobot.domain.mode import Mode
from cryptobot.domain.order import Side
from cryptobot.gui import figures
from cryptobot.gui.models.columns import Column
from cryptobot.gui.reported import ReportedOrder
from cryptobot.gui.tokens import FACE_FILL, Tokens

ARROW = {Side.BUY: "\N{BLACK UP-POINTING TRIANGLE}", Side.SELL: "\N{BLACK DOWN-POINTING TRIANGLE}"}
"""Sides are told by shape and word, then by colour."""


class OrderColumn(IntEnum):
    """Columns by position."""

    TIME = 0
    MODE = 1
    SYMBOL = 2
    SIDE = 3
    TYPE = 4
    STATE = 5
    AMOUNT = 6
    PRICE = 7
    FILLED = 8
    AVERAGE = 9
    FEE = 10
    LATENCY = 11
    ID = 12
    ORIGIN = 13
    REASON = 14


def side_ink(side: Side, tokens: Tokens) -> str:
    """Return the colour of a side."""
    return tokens.up if side is Side.BUY else tokens.down


def side_text(side: Side) -> str:
    """Return a side as shape and word."""
    return f"{ARROW[side]} {side.capitalize()}"


def _fee(order: ReportedOrder) -> str:
    return " + ".join(f"{figures.exact(amount)} {currency}" for currency, amount in order.fee)


def _average(order: ReportedOrder) -> str:
    return figures.exact(None if order.average is None else round(order.average, 8))


def _reason(order: ReportedOrder) -> str:
    return " ".join(order.reason.split()) if order.reason else figures.NONE


def _origin(order: ReportedOrder) -> str:
    return order.origin.removeprefix("strategy:")


def _mode_ink(order: ReportedOrder, tokens: Tokens) -> str | None:
    if order.mode is not Mode.LIVE:
        return tokens.accent
    if order.simulated:
        return "#B494F0" if tokens.dark else FACE_FILL["SIMULATED"]
    return "#FF8A6B" if tokens.dark else FACE_FILL["LIVE"]


ORDER_COLUMNS: tuple[Column[ReportedOrder], ...] = (
    Column(
        "Time", lambda o: figures.clock(o.created), "00:00:00", lambda o: o.created, figures=True
    ),
    Column("Mode", lambda o: o.mode_word, "SIMULATED", lambda o: o.mode, ink=_mode_ink, rank=1),
    Column("Symbol", lambda o: o.symbol, "DOGE/USD", lambda o: o.symbol),
    Column(
        "Side",
        lambda o: side_text(o.side),
        "\N{BLACK UP-POINTING TRIANGLE} Sell",
        lambda o: o.side,
        ink=lambda o, t: side_ink(o.side, t),
    ),
    Column(
        "Type",
        lambda o: o.type.replace("_", " ").capitalize(),
        "Limit make",
        lambda o: o.type,
        rank=3,
    ),
    Column("State", lambda o: o.state, "PARTIALLY FILLED", lambda o: o.state),
    Column(
        "Amount", lambda o: figures.exact(o.amount), "0.00000", lambda o: o.amount, figures=True
    ),
    Column(
        "Price",
        lambda o: "Market" if o.price is None else figures.exact(o.price),
        "100,000.00",
        lambda o: o.price or 0,
        figures=True,
    ),
    Column(
        "Filled", lambda o: figures.exact(o.filled), "0.00000", lambda o: o.filled, figures=True
    ),
    Column("Average", _average, "100,000.00", lambda o: o.average or 0, figures=True, rank=2),
    Column(
        "Fee", _fee, "0.00001234 USDT", lambda o: o.fee[0][1] if o.fee else 0, figures=True, rank=6
    ),
    Column(
        "Latency",
        lambda o: figures.milliseconds(o.latency_ms),
        "1,000 ms",
        lambda o: o.latency_ms or 0.0,
        figures=True,
        rank=4,
    ),
    Column(
        "Order id",
        lambda o: o.order_id[:8],
        "0123abcd",
        lambda o: o.order_id,
        figures=True,
        rank=7,
    ),
    Column("Origin", _origin, "moving_averag", lambda o: o.origin, rank=5),
    Column("Reason", _reason, "banned: too many requests", _reason, rank=8),
)


def order_tooltip(order: ReportedOrder) -> str:
    """Return the whole story of an order, as plain text."""
    told = [
        ("Order", order.order_id),
        ("Client id", order.client_order_id),
        ("Exchange id", order.exchange_order_id or figures.NONE),
        ("Request", order.request_id),
        ("Time in force", order.time_in_force or figures.NONE),
        ("Type", order.type.replace("_", " ")),
        ("Origin", order.origin or figures.NONE),
        ("Average", _average(order)),
        ("Fee", _fee(order) or figures.NONE),
        ("Latency", figures.milliseconds(order.latency_ms)),
        ("Remaining", figures.exact(order.amount - order.filled)),
        ("Created", figures.utc(order.created)),
        ("Updated", figures.utc(order.updated)),
    ]
    if order.reason:
        told.insert(0, ("Reason", order.reason))
    return "\n".join(f"{name}: {value}" for name, value in told)
