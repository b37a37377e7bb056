"""What is known of an event at the moment something may go wrong with it."""

from collections.abc import Mapping

from cryptobot.simulator.faults.occasion import Channel, Moment, Occasion
from cryptobot.simulator.streams.names import parse

_ARRAY_OF = "24hrMiniTicker"


def told_market(stream: str, event: object) -> Occasion:
    """Return the occasion of a market stream's event."""
    name = parse(stream)
    kind = event.get("e") if isinstance(event, dict) else _ARRAY_OF
    return Occasion(
        Moment.EVENT,
        Channel.MARKET,
        symbol=(name.wire or None) if name else None,
        streams=(stream,),
        event=str(kind) if kind else str(name.kind if name else ""),
    )


def told_user(event: Mapping[str, object]) -> Occasion:
    """Return the occasion of an event of the account."""

    def text(key: str) -> str | None:
        value = event.get(key)
        return value if isinstance(value, str) and value else None

    is_report = event.get("e") == "executionReport"
    return Occasion(
        Moment.EVENT,
        Channel.USER,
        symbol=text("s") if is_report else None,
        side=text("S") if is_report else None,
        # A cancel's report has the cancel's own id in ``c`` and the order's in ``C``.
        client_order_id=(text("C") or text("c")) if is_report else None,
        event=text("e"),
        execution=text("x") if is_report else None,
        status=text("X") if is_report else None,
    )
