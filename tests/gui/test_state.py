import json
import time
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptobot.control.protocol import RpcError, Topic
from cryptobot.domain.instrument import Instrument
from cryptobot.domain.order import OrderType, Side
from cryptobot.gui import figures, mode_outcome
from cryptobot.gui.banner_state import Face, banner_of, face_of
from cryptobot.gui.lines import JsonLines, LineTooLong
from cryptobot.gui.mode_outcome import Tone
from cryptobot.gui.state import EngineState, Link
from cryptobot.gui.ticket_rules import Draft, Field, judge
from cryptobot.gui.vital_signs import vital_signs
from cryptobot.gui.wire_values import Malformed
from tests.gui.conftest import Watch
from tests.gui.scripted_account import ScriptedAccount

BTC = Instrument(
    symbol="BTC/USDT",
    base="BTC",
    quote="USDT",
    price_step=Decimal("0.01"),
    amount_step=Decimal("0.00001"),
    min_amount=Decimal("0.0001"),
    min_notional=Decimal(5),
)


def test_state_with_silence_is_lost_only_after_the_limit(
    state: EngineState, watch: Watch, status: dict[str, object]
) -> None:
    assert face_of(state) is Face.CONNECTING
    state.read_status(status)
    watch.seconds += 2.4
    state.check_silence()
    assert face_of(state) is Face.LIVE
    watch.seconds += 0.2
    state.check_silence()
    assert state.link is Link.LOST
    assert face_of(state) is Face.LOST
    assert "values are old" in vital_signs(state, 0.0)[0].text
    state.read_status(status)
    assert face_of(state) is Face.LIVE


def test_state_with_a_mode_event_never_waits_for_the_next_status(
    state: EngineState, status: dict[str, object]
) -> None:
    state.read_status(status)
    state.read_event(Topic.MODE, {"mode": "paper", "fenced": True, "trading_state": "halted"})
    banner = banner_of(state, time.time())
    assert banner.face is Face.PAPER
    assert banner.marks == ("HALTED", "FENCED")


def test_state_with_an_older_order_report_keeps_the_newer(state: EngineState) -> None:
    account = ScriptedAccount()
    order = account.order("BTC/USDT", "buy", Decimal(60_000), at=1_000.0)
    newer = {**order, "state": "filled", "updated_at": "1970-01-01T00:20:00.000Z"}
    late = {**order, "updated_at": "1970-01-01T00:30:00.000Z"}
    for report in (newer, order, late):  # late: newer by the clock, yet nothing leaves "filled"
        state.read_order(report)
    assert state.orders[order["order_id"]].state == "filled"


def test_state_with_a_burst_keeps_every_fill_and_the_latest_book(state: EngineState) -> None:
    account = ScriptedAccount()
    for _ in range(100):
        order = account.order("BTC/USDT", "buy", Decimal(60_000))
        state.read_event(Topic.FILLS, account.fill(order, Decimal(60_000)))
        state.read_event(Topic.BOOK, {"symbol": "BTC/USDT", "bids": [["1", "2"]], "asks": []})
    state.read_fill(account.fills[0])
    changes = state.take_changes()
    assert len(changes.fills) == 100
    assert len(state.books) == 1
    assert not state.dirty


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(topic=st.sampled_from(Topic), data=json_values)
def test_state_with_anything_at_all_raises_only_malformed(topic: Topic, data: object) -> None:
    state = EngineState(time.monotonic, time.time)
    with suppress(Malformed):
        state.read_event(topic, data)


def test_lines_in_any_chunks_give_the_same_messages() -> None:
    text = b"".join(json.dumps({"n": n}).encode() + b"\n" for n in range(20))
    for size in (1, 3, 7, len(text)):
        lines, found = JsonLines(), []
        for start in range(0, len(text), size):
            lines.feed(text[start : start + size])
            while (message := lines.next()) is not None:
                found.append(message["n"])
        assert found == list(range(20))
    with pytest.raises(LineTooLong):
        JsonLines(100).feed(b"x" * 101)


@pytest.mark.parametrize(
    ("kind", "amount", "price", "field", "words"),
    [
        (OrderType.LIMIT, "0.000001", "60000", Field.AMOUNT, "not a multiple of 0.00001"),
        (OrderType.LIMIT, "0.00001", "60000", Field.AMOUNT, "minimum"),
        (OrderType.LIMIT, "0.0001", "10", Field.AMOUNT, "below the minimum 5 USDT"),
        (OrderType.LIMIT, "0.01", "60000.001", Field.PRICE, "multiple of 0.01"),
        (OrderType.LIMIT, "0.01", "60,000", Field.PRICE, "no commas"),
        (OrderType.LIMIT, "-1", "60000", Field.AMOUNT, "above 0"),
        (OrderType.LIMIT, "abc", "60000", Field.AMOUNT, "is not a number"),
        (OrderType.LIMIT, "NaN", "60000", Field.AMOUNT, "is not a number"),
        (OrderType.MARKET, "0.00001", "", Field.AMOUNT, "minimum"),
    ],
)
def test_ticket_with_a_bad_draft_says_what_is_wrong_where(
    kind: OrderType, amount: str, price: str, field: Field, words: str
) -> None:
    verdict = judge(Draft("BTC/USDT", Side.BUY, kind, amount, price), BTC, Decimal(60_000))
    assert verdict.intent is None
    assert words in verdict.problems[field]


def test_ticket_with_a_good_market_order_values_it_at_the_best_price() -> None:
    draft = Draft("BTC/USDT", Side.BUY, OrderType.MARKET, "0.01", "ignored")
    verdict = judge(draft, BTC, Decimal(60_000))
    assert verdict.intent is not None
    assert verdict.intent.price is None
    assert verdict.value == Decimal(600)


def test_outcome_with_a_refusal_lists_each_precondition() -> None:
    data = {"failed": [{"precondition": "keys", "detail": "none"}, {"precondition": "fence"}]}
    outcome = mode_outcome.refused_live(RpcError(-32001, "no", data))
    assert outcome.tone is Tone.BAD
    assert outcome.failed == (("keys", "none"), ("fence", ""))


def test_figures_are_written_for_people() -> None:
    assert figures.exact(Decimal("-1234.50")) == "\N{MINUS SIGN}1,234.5"
    assert figures.to_step(Decimal("1.5"), Decimal("0.001")) == "1.500"
    assert figures.milliseconds(1_250) == "1.25 s"
    assert figures.age(3_700) == "1 h 01 min"
