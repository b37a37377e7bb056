from dataclasses import replace
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals

import pytest

from cryptobot.domain.mode import Mode
from cryptobot.domain.order import (
    OPEN,
    TERMINAL,
    TRANSITIONS,
    Order,
    OrderState,
    OrderType,
    Side,
    TimeInForce,
)

S = OrderState
ALLOWED = {
    S.INITIALIZED: "submitted denied",
    S.SUBMITTED: "accepted partially_filled filled canceled expired rejected unresolved denied",
    S.UNRESOLVED: "accepted partially_filled filled canceled expired rejected denied",
    S.ACCEPTED: "partially_filled filled canceled expired rejected",
    S.PARTIALLY_FILLED: "filled canceled expired",
    S.FILLED: "",
    S.CANCELED: "",
    S.EXPIRED: "",
    S.REJECTED: "",
    S.DENIED: "",
}
"""The law, written down a second time and independently."""

ORDER = Order(
    order_id="a" * 32,
    request_id="b" * 32,
    client_order_id="cb1",
    symbol="BTC/USDT",
    side=Side.BUY,
    type=OrderType.LIMIT,
    amount=D(2),
    price=D(100),
    time_in_force=TimeInForce.GTC,
    origin="manual",
    mode=Mode.LIVE,
    state=S.INITIALIZED,
    created_ns=1,
    updated_ns=1,
)


@pytest.mark.parametrize("before", S)
@pytest.mark.parametrize("after", S)
def test_moved_with_every_pair_of_states_follows_the_table(before: S, after: S) -> None:
    order = replace(ORDER, state=before, reason="old")
    if str(after) in ALLOWED[before].split():
        moved = order.moved(after, 9, "new")
        assert (moved.state, moved.updated_ns, moved.reason) == (after, 9, "new")
    else:
        with pytest.raises(ValueError, match=f"{before} cannot become {after}"):
            order.moved(after, 9)


def test_table_with_every_state_has_a_row_and_no_state_is_both_open_and_closed() -> None:
    assert set(TRANSITIONS) == set(S)
    assert not OPEN & TERMINAL
    assert set(S) - OPEN - TERMINAL == {S.INITIALIZED}
    assert {state for state, after in TRANSITIONS.items() if not after} == TERMINAL


def test_unresolved_with_the_table_is_reached_from_submitted_only() -> None:
    assert [state for state in S if S.UNRESOLVED in TRANSITIONS[state]] == [S.SUBMITTED]


def test_order_with_fills_tells_average_and_remaining() -> None:
    order = replace(ORDER, filled=D("0.5"), cost=D("50.5"))
    assert (order.average, order.remaining) == (D(101), D("1.5"))
    assert ORDER.average is None


def test_wire_with_exact_numbers_gives_plain_strings_and_iso_times() -> None:
    order = replace(
        ORDER,
        amount=D("0.00100"),
        price=D("1E+5"),
        fees={"BNB": D("0.000000010")},
        created_ns=1_700_000_000_123_456_789,
    )
    wire = order.to_wire()
    assert (wire["amount"], wire["price"], wire["fee"]) == (
        "0.001",
        "100000",
        {"BNB": "0.00000001"},
    )
    assert wire["created_at"] == "2023-11-14T22:13:20.123Z"
    assert wire["average"] is None
    assert wire["failed"] is False
    assert replace(order, failed=True).to_wire()["failed"] is True
