"""Which faults fire: matching, counting, schedules, seeds, and how they go together."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptobot.domain.clock import NS_PER_MS, NS_PER_S, ManualClock
from cryptobot.simulator.faults.description import Fault
from cryptobot.simulator.faults.kinds import KINDS, FaultKind, When
from cryptobot.simulator.faults.occasion import Channel, Moment, Occasion
from cryptobot.simulator.faults.plan import FaultPlan
from cryptobot.simulator.faults.reading import read_faults
from cryptobot.simulator.operations.names import OperationName

ORDER = Occasion(
    Moment.REQUEST,
    Channel.REST,
    operation=OperationName.PLACE_ORDER,
    method="POST",
    path="/api/v3/order",
    symbol="BTCUSDT",
    side="BUY",
    client_order_id="x-abc",
)
FILL = Occasion(
    Moment.EVENT,
    Channel.USER,
    symbol="BTCUSDT",
    side="BUY",
    client_order_id="x-abc",
    event="executionReport",
    execution="TRADE",
    status="FILLED",
)
UPDATE = Occasion(
    Moment.EVENT,
    Channel.MARKET,
    symbol="BTCUSDT",
    streams=("btcusdt@depth@100ms",),
    event="depthUpdate",
)
SOCKET = Occasion(Moment.SOCKET, Channel.WS_API)


def read(**description: object) -> Fault:
    (fault,) = read_faults(description)
    return fault


def plan_of(*descriptions: dict[str, object], seed: int = 0) -> tuple[FaultPlan, ManualClock]:
    clock = ManualClock(1_790_000_000 * NS_PER_S)
    plan = FaultPlan(clock.now_ns, seed)
    plan.add(read_faults(list(descriptions)))
    return plan, clock


def kinds(plan: FaultPlan, occasion: Occasion = ORDER) -> list[FaultKind]:
    return [one.fault.kind for one in plan.decide(occasion).fired]


@pytest.mark.parametrize(
    ("match", "occasion", "meets"),
    [
        ({}, ORDER, True),
        ({"operation": "place_order"}, ORDER, True),
        ({"operation": "any_write"}, ORDER, True),
        ({"operation": "any_signed"}, ORDER, True),
        ({"operation": "any_read"}, ORDER, False),
        ({"operation": "cancel_order"}, ORDER, False),
        ({"operation": ["cancel_order", "place_order"]}, ORDER, True),
        ({"operation": "any"}, FILL, False),
        ({"channel": "rest"}, ORDER, True),
        ({"channel": "ws_api"}, ORDER, False),
        ({"method": "POST", "path": "/api/v3/*"}, ORDER, True),
        ({"method": "GET"}, ORDER, False),
        ({"path": "/sapi/*"}, ORDER, False),
        ({"symbol": "BTC/USDT", "side": "BUY", "client_order_id": "x-"}, ORDER, True),
        ({"symbol": "ETHUSDT"}, ORDER, False),
        ({"side": "SELL"}, ORDER, False),
        ({"client_order_id": "y-"}, ORDER, False),
        ({"event": "executionReport", "execution": "TRADE", "status": "FILLED"}, FILL, True),
        ({"execution": "NEW"}, FILL, False),
        ({"status": "PARTIALLY_FILLED"}, FILL, False),
        ({"channel": "user"}, FILL, True),
        ({"channel": "market"}, FILL, False),
        ({"stream": "*@depth*"}, UPDATE, True),
        ({"stream": "*@trade"}, UPDATE, False),
        ({"event": "depthUpdate"}, UPDATE, True),
        ({"stream": "*"}, FILL, False),
        ({"channel": "user"}, SOCKET, True),
        ({"channel": "ws_api"}, SOCKET, True),
        ({"channel": "market"}, SOCKET, False),
    ],
    ids=str,
)
def test_match_meets_what_it_names(
    match: dict[str, object], occasion: Occasion, *, meets: bool
) -> None:
    assert read(kind="reset", match=match).is_for(occasion) is meets


@pytest.mark.parametrize("kind", FaultKind)
def test_kind_is_only_for_its_moments_and_channels(kind: FaultKind) -> None:
    rule, fault = KINDS[kind], read(kind=kind)
    for moment in Moment:
        for channel in Channel:
            operations = sorted(rule.operations) if rule.operations else [None]
            occasion = Occasion(moment, channel, operation=operations[0])
            possible = moment in rule.moments and not rule.channels.isdisjoint(occasion.channels)
            assert fault.is_for(occasion) is possible


def test_kind_for_some_operations_leaves_the_others_alone() -> None:
    assert not read(kind="stale").is_for(ORDER)
    assert read(kind="ack_only").is_for(ORDER)
    closed = read(kind="market_closed", match={"symbol": "ETHUSDT"})
    assert not closed.is_for(ORDER)
    assert closed.is_for(replace(ORDER, symbol="ETHUSDT"))
    # exchangeInfo of all symbols names none
    assert closed.is_for(replace(ORDER, symbol=None, operation=OperationName.EXCHANGE_INFO))


def test_fault_skips_then_fires_its_count_then_is_over() -> None:
    plan, _ = plan_of({"kind": "hang", "skip": 2, "count": 3})
    assert [bool(kinds(plan)) for _ in range(7)] == [False, False, True, True, True, False, False]
    (line,) = plan.describe()
    assert (line["id"], line["seen"], line["fired"], line["stage"]) == ("f1", 5, 3, "over")


def test_schedule_is_on_the_plan_s_clock() -> None:
    plan, clock = plan_of({"kind": "hang", "after_s": 10, "for_s": 5})
    fired = {}
    for second in (0, 9, 10, 14, 15, 99):
        clock.set(1_790_000_000 * NS_PER_S + second * NS_PER_S)
        fired[second] = bool(kinds(plan))
    assert fired == {0: False, 9: False, 10: True, 14: True, 15: False, 99: False}


def test_schedule_by_date_is_on_the_plan_s_clock() -> None:
    start_ms = 1_790_000_000_000
    plan, clock = plan_of({"kind": "hang", "start_ms": start_ms + 5, "end_ms": start_ms + 7})
    fired = []
    for _ in range(9):
        fired.append(bool(kinds(plan)))
        clock.advance(NS_PER_MS)
    assert [number for number, one in enumerate(fired) if one] == [5, 6]


def test_of_those_that_decide_only_the_first_fires_and_is_counted() -> None:
    plan, _ = plan_of({"kind": "hang", "count": 1}, {"kind": "reset"})
    assert kinds(plan) == [FaultKind.HANG]
    assert [line["seen"] for line in plan.describe()] == [1, 0]
    assert kinds(plan) == [FaultKind.RESET]


def test_those_that_change_add_up_around_the_one_that_decides() -> None:
    plan, _ = plan_of(
        {"kind": "delay", "when": "before"},
        {"kind": "ack_only"},
        {"kind": "reset", "when": "after"},
        {"kind": "delay", "when": "after"},
    )
    decision = plan.decide(ORDER)
    assert decision.verdict is not None
    assert decision.verdict.fault.kind is FaultKind.RESET
    assert len(decision.of(FaultKind.DELAY)) == 2
    assert len(decision.of(FaultKind.DELAY, when=When.BEFORE)) == 1
    assert len(decision.of(FaultKind.ACK_ONLY, FaultKind.DELAY)) == 3


def test_removed_faults_fire_no_more() -> None:
    plan, _ = plan_of({"kind": "hang"}, {"kind": "reset"})
    assert plan.remove("f1")
    assert not plan.remove("f1")
    assert kinds(plan) == [FaultKind.RESET]
    assert plan.clear() == 1
    assert kinds(plan) == []
    assert not plan.concerns(Moment.REQUEST)
    assert plan.add([read(kind="ban")]) == ["f3"]  # ids are never used twice


def test_skews_add_up_while_they_last() -> None:
    plan, clock = plan_of(
        {"kind": "clock_skew", "skew_ms": 700, "for_s": 5},
        {"kind": "clock_skew", "skew_ms": -200},
    )
    assert plan.skew_ms() == 500
    clock.advance(5 * NS_PER_S)
    assert plan.skew_ms() == -200


def test_begun_faults_are_asked_once_about_every_open_socket() -> None:
    plan, clock = plan_of({"kind": "close", "after_s": 5, "for_s": 0, "count": 2})
    sockets = [replace(SOCKET, channel=channel) for channel in (Channel.MARKET,) * 3]
    assert plan.decide_begun(lambda: sockets) == []
    clock.advance(9 * NS_PER_S)  # it began and ended since the last call
    assert [len(fired) for fired in plan.decide_begun(lambda: sockets)] == [1, 1, 0]
    assert plan.decide_begun(lambda: sockets) == []


descriptions = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["hang", "reset", "delay", "ack_only", "patch"]),
            "match": st.sampled_from(
                [{}, {"operation": "place_order"}, {"side": "SELL"}, {"channel": "rest"}]
            ),
            "probability": st.floats(0, 1),
            "skip": st.integers(0, 3),
            "count": st.one_of(st.none(), st.integers(1, 5)),
            "seed": st.one_of(st.none(), st.integers(0, 9)),
            "after_s": st.integers(0, 5),
            "for_s": st.one_of(st.none(), st.integers(0, 10)),
        }
    ),
    max_size=5,
)
steps = st.lists(
    st.tuples(
        st.sampled_from([ORDER, replace(ORDER, side="SELL"), FILL, UPDATE]), st.integers(0, 3)
    ),
    max_size=40,
)


def played(
    wanted: list[dict[str, object]], seed: int, played_steps: list[tuple[Occasion, int]]
) -> tuple[list[list[tuple[str, float]]], FaultPlan]:
    plan, clock = plan_of(*wanted, seed=seed)
    decisions = []
    for occasion, seconds in played_steps:
        clock.advance(seconds * NS_PER_S)
        fired = plan.decide(occasion).fired
        decisions.append([(one.fault_id, one.draw) for one in fired])
    return decisions, plan


@given(descriptions, st.integers(0, 2**32), steps)
def test_same_seed_and_occasions_give_the_same_decisions(
    wanted: list[dict[str, object]], seed: int, played_steps: list[tuple[Occasion, int]]
) -> None:
    assert played(wanted, seed, played_steps)[0] == played(wanted, seed, played_steps)[0]


@given(descriptions, st.integers(0, 2**32), steps)
def test_no_fault_fires_beyond_its_count_or_without_its_occasion(
    wanted: list[dict[str, object]], seed: int, played_steps: list[tuple[Occasion, int]]
) -> None:
    decisions, plan = played(wanted, seed, played_steps)
    faults = read_faults(wanted)
    for (occasion, _), fired in zip(played_steps, decisions, strict=True):
        named = [faults[int(fault_id[1:]) - 1] for fault_id, _ in fired]
        assert all(fault.is_for(occasion) for fault in named)
        assert sum(fault.kind in {FaultKind.HANG, FaultKind.RESET} for fault in named) <= 1
    for line, fault in zip(plan.describe(), faults, strict=True):
        total = sum(fault_id == line["id"] for fired in decisions for fault_id, _ in fired)
        assert line["fired"] == total
        assert fault.count is None or total <= fault.count
        seen = line["seen"]
        assert isinstance(seen, int)
        assert total <= max(0, seen - fault.skip)


def test_probability_is_met_over_many_occasions_and_seeds_differ() -> None:
    def fired(seed: int) -> list[bool]:
        plan, _ = plan_of({"kind": "hang", "probability": 0.3}, seed=seed)
        return [bool(kinds(plan)) for _ in range(2_000)]

    assert 500 < sum(fired(1)) < 700
    assert fired(1) == fired(1)
    assert fired(1) != fired(2)
