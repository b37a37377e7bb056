"""What becomes of an order under every fault of the wire, through unmodified ccxt over TLS.

A case sets faults, places one order, and looks: the state of its first answer, the state it is
settled to, the order requests that reached the exchange, what the metrics counted, and whether the
next order works without a restart. The engine and the exchange are the same for all cases.
"""

import json
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.e2e.harness.agreement import until_agreed
from tests.e2e.harness.engine_process import LOAD_SETTINGS, EngineProcess
from tests.e2e.harness.simulator_process import SimulatorProcess
from tests.e2e.harness.waiting import NotReachedError, wait_for

MARKET_BUY: Final = {"symbol": "BTC/USDT", "side": "buy", "type": "market", "amount": "0.001"}

SETTINGS: Final = (
    *LOAD_SETTINGS,
    "exchange.timeout_s=1",
    "reconciliation.not_found_patience_s=4",
    "failover.enabled=false",
    "breaker.failures=1000",
    "retry.network_s=0,0.2,0.4",
    "retry.server_s=0.2,0.4,0.8",
    "retry.rate_limit_s=0.5,1,2",
)
"""Quick, and nothing that one case does may stop the next."""

WEBSOCKET_SETTINGS: Final = (*SETTINGS, "exchange.order_entry=websocket")

_ORDER: Final = {"operation": "place_order"}


def _after(kind: str, **more: object) -> dict[str, object]:
    return {"kind": kind, "match": _ORDER, "count": 1, "when": "after", **more}


def _before(kind: str, **more: object) -> dict[str, object]:
    return {**_after(kind, **more), "when": "before"}


def _says(status: int, code: int, msg: str, **more: object) -> dict[str, object]:
    return _before("reply", status=status, code=code, msg=msg, **more)


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the matrix.

    Attributes:
        name: Of the row; where the case is one of the field's, its number comes first.
        faults: What the exchange is told.
        first: State of the first answer.
        last: State it is settled to.
        requests: Order requests for the intent that reach the exchange.
        reason: What ``order_failures_by_reason_total`` counts; ``None``: it is no failure.
        away: Whether the case begins when the order websocket is gone.
    """

    name: str
    faults: Sequence[Mapping[str, object]]
    first: str
    last: str
    requests: int = 1
    reason: str | None = None
    away: bool = False


REST: Final = ("POST", "/api/v3/order")
WEBSOCKET: Final = ("WS", "order.place")
"""What an order request is in the exchange's log."""

UNTOLD: Final = {"kind": "drop", "match": {"event": "executionReport"}, "for_s": 1.5}
"""The account's stream says nothing meanwhile; else it may tell the fill before the answer."""


def _unknown(name: str, fault: Mapping[str, object], reason: str, last: str = "filled") -> Case:
    return Case(name, [fault, UNTOLD], "unresolved", last, 1, reason)


def _refused(name: str, fault: Mapping[str, object], reason: str) -> Case:
    return Case(name, [fault], "rejected", "rejected", 1, reason)


def _again(name: str, fault: Mapping[str, object], requests: int = 2) -> Case:
    return Case(name, [fault], "filled", "filled", requests)


_CHALLENGE: Final = "unreadable_reply"

CASES: Final[Sequence[Case]] = (
    Case("no fault", [], "filled", "filled"),
    # The order is taken, its answer is lost or unreadable.
    _unknown("A1 taken, no answer", _after("hang"), "timeout"),
    _unknown("A2 taken, reset", _after("reset"), "network"),
    _unknown("taken, closed", _after("close"), "network"),
    _unknown("A3 taken, body too short", _after("short_body"), "unclassified"),
    _unknown("taken, wrong length", _after("wrong_length", by=7), "timeout"),
    _unknown("A4 taken, half a JSON", _after("truncate"), _CHALLENGE),
    _unknown("taken, empty body", _after("empty_body"), _CHALLENGE),
    _unknown("A6 taken, a web page", _after("html"), _CHALLENGE),
    _unknown("A7 taken, damaged gzip", _after("corrupt_gzip"), "unclassified"),
    *(
        _unknown(f"A9 taken, HTML {status}", _after("html", status=status), reason)
        for status, reason in (
            (500, "network"), (502, "network"), (503, "network"), (504, "timeout"),
            (520, "network"), (522, "network"), (530, "network"), (403, "network"),
            (404, "network"),
        )
    ),
    _unknown(
        "A12 taken, 503 -1000",
        _after("reply", status=503, code=-1000, msg="Unknown error"),
        "unclassified",
    ),
    _unknown(
        "A13 taken, 504 -1007",
        _after("reply", status=504, code=-1007, msg="Send status unknown"),
        "timeout",
    ),
    Case("A15 taken, ids only", [_after("ack_only"), UNTOLD], "accepted", "filled"),
    # The order never arrives.
    _unknown("lost before, no answer", _before("hang"), "timeout", "rejected"),
    _unknown("lost before, reset", _before("reset"), "network", "rejected"),
    _unknown("502 before", _before("html", status=502), "network", "rejected"),
    # Refused: the exchange said so.
    _refused(
        "D1 no funds",
        _says(400, -2010, "Account has insufficient balance for requested action."),
        "insufficient_funds",
    ),
    _refused("D3 NOTIONAL", _says(400, -1013, "Filter failure: NOTIONAL"), "bad_request"),
    _refused(
        "D4 PERCENT_PRICE",
        _says(400, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        "invalid_order",
    ),
    _refused("D5 market closed", _says(400, -1013, "Market is closed."), "market_closed"),
    _refused(
        "D13 trading disabled",
        _says(400, -2010, "Rest API trading is not enabled."),
        "permission_denied",
    ),
    _refused(
        "C13 bad signature",
        _says(400, -1022, "Signature for this request is not valid."),
        "authentication",
    ),
    _refused(
        "C8 key refused that has worked",
        _says(401, -2015, "Invalid API-key, IP, or permissions for action."),
        "authentication",
    ),
    # Turned away unread: the same order is sent again.
    _again(
        "C4 queue full",
        _says(400, -1003, "Too many requests queued."),
    ),
    _again(
        "C1 429 with Retry-After",
        _says(429, -1003, "Too much request weight used", retry_after_s=1),
    ),
    _again("C5 too many orders", _says(429, -1015, "Too many new orders", retry_after_s=1)),
    _again(
        "C2 banned for a second",
        _says(418, -1003, "Way too much request weight used; IP banned", retry_after_s=1),
    ),
    _again(
        "C10 time stamp refused",
        _says(400, -1021, "Timestamp for this request is outside of the recvWindow."),
    ),
    # The answer is fine, what the stream says is not.
    Case(
        "W3 fills never told",
        [{"kind": "drop", "match": {"event": "executionReport"}, "count": 4}],
        "filled",
        "filled",
    ),
    Case(
        "fills told twice",
        [{"kind": "duplicate", "match": {"event": "executionReport"}, "count": 8}],
        "filled",
        "filled",
    ),
    Case(
        "W5 malformed event",
        [{"kind": "malformed", "match": {"channel": "user"}, "count": 1}],
        "filled",
        "filled",
    ),
    Case(
        "W1 the account's socket closed",  # of a market's: test_broken_streams.py
        [{"kind": "close", "match": {"channel": "user"}, "for_s": 0}],
        "filled",
        "filled",
    ),
    # Both at once: the look-up lies too.
    Case(
        "A1 and reads that lag 3 s",
        [_after("hang"), UNTOLD, {"kind": "stale", "lag_ms": 3000, "for_s": 5}],
        "unresolved",
        "filled",
        1,
        "timeout",
    ),
    Case(
        "A1 and look-ups that fail",
        [
            _after("hang"),
            UNTOLD,
            {
                "kind": "html",
                "match": {"operation": "query_order"},
                "status": 502,
                "count": 3,
                "when": "before",
            },
        ],
        "unresolved",
        "filled",
        1,
        "timeout",
    ),
)  # fmt: skip


_WS_API: Final = {"channel": "ws_api"}
_NO_TO_WHAT: Final = '{"status":200,"result":{"orderId":1}}'

WEBSOCKET_CASES: Final[Sequence[Case]] = (
    Case("no fault", [], "filled", "filled"),
    _unknown("taken, no answer", _after("hang"), "timeout"),
    _unknown("taken, answered too late", _after("delay", delay_ms=1500), "timeout"),
    _unknown("taken, reset", _after("reset"), "network"),
    _unknown("taken, closed", _after("close"), "network"),
    _unknown("taken, a web page", _after("reply", body="<html>"), _CHALLENGE),
    _unknown("taken, half a JSON", _after("truncate"), _CHALLENGE),
    _unknown("taken, answer without id", _after("reply", body=_NO_TO_WHAT), _CHALLENGE),
    _unknown("taken, answer without order", _after("reply", body={}), _CHALLENGE),
    _unknown(
        "taken, 503 -1000",
        _after("reply", status=503, code=-1000, msg="Unknown error"),
        "unclassified",
    ),
    _unknown(
        "taken, 504 -1007",
        _after("reply", status=504, code=-1007, msg="Send status unknown"),
        "timeout",
    ),
    Case("taken, ids only", [_after("ack_only"), UNTOLD], "accepted", "filled"),
    Case("taken, answered twice", [_after("duplicate")], "filled", "filled"),
    Case("taken, answered slowly", [_after("delay", delay_ms=200)], "filled", "filled"),
    _unknown("lost before, no answer", _before("hang"), "timeout", "rejected"),
    _unknown("lost before, reset", _before("reset"), "network", "rejected"),
    *(case for case in CASES if case.faults and case.faults[0].get("kind") == "reply"
      and case.faults[0]["when"] == "before"),
    # Nothing was written there: the order goes by REST, once.
    Case(
        "connection refused",
        [
            {"kind": "refuse_connect", "match": _WS_API, "status": 503},
            {"kind": "reset", "match": _WS_API, "for_s": 0},
        ],
        "filled",
        "filled",
        away=True,
    ),
    Case(
        "connection never answered",
        [
            {"kind": "hang", "match": _WS_API, "when": "before"},
            {"kind": "reset", "match": _WS_API, "for_s": 0},
        ],
        "filled",
        "filled",
        away=True,
    ),
)  # fmt: skip
"""What an order by websocket becomes. Errors that the exchange names are those of REST."""


@dataclass(slots=True)
class Row:
    """What was seen of a case.

    Attributes:
        seconds: From placing to the last state.
        wrong: What is not as it must be; empty when all is well.
    """

    case: Case
    first: str
    last: str
    requests: int
    counted: dict[str, int]
    seconds: float
    wrong: list[str] = field(default_factory=list)


@dataclass(slots=True)
class MatrixProof:
    """All rows."""

    rows: list[Row]

    def figures(self) -> dict[str, object]:
        """Return the table and its count of violations."""
        return {
            "cases": len(self.rows),
            "table": [
                f"{row.case.name} | {row.first} | {row.last} | {row.requests} | "
                f"{', '.join(row.counted) or '-'} | {row.seconds:.1f} s | "
                f"{'right' if not row.wrong else '; '.join(row.wrong)}"
                for row in self.rows
            ],
            "violations": sum(bool(row.wrong) for row in self.rows),
        }


def prove_fault_matrix(
    home: Path, *, rounds: int, seed: int, progress: Callable[[int], None]
) -> MatrixProof:
    """Run every case ``rounds`` times, with order entry by REST and by websocket."""
    rows = []
    for entry, settings, cases in (
        ("rest", SETTINGS, CASES),
        ("websocket", WEBSOCKET_SETTINGS, WEBSOCKET_CASES),
    ):
        place = home / entry
        with (
            SimulatorProcess(place / "simulator", seed=seed) as simulator,
            EngineProcess(simulator, place, settings=settings) as engine,
        ):
            engine.until_trading()
            for number in range(rounds):
                rows += [run_case(engine, simulator, case, entry) for case in cases]
                progress(number + 1)
    return MatrixProof(rows)


def run_case(
    engine: EngineProcess, simulator: SimulatorProcess, case: Case, entry: str = "rest"
) -> Row:
    """Run one case and return what was seen.

    Args:
        engine: The engine.
        simulator: Its exchange.
        case: The case.
        entry: The engine's ``exchange.order_entry``.
    """
    if entry == "websocket":
        wait_for("an order by websocket", lambda: _by_websocket(engine, simulator), deadline_s=60)
    failures = _failures(engine)
    set_faults(simulator, case.faults)
    if case.away:
        wait_for("the order websocket away", lambda: not _is_up(engine), deadline_s=10)
    began, since = time.monotonic(), time.time_ns()
    placed = engine.call("order.place", **MARKET_BUY)
    settled = wait_for(
        f"{case.name}: the order settled",
        lambda: _settled(engine, placed["order_id"]),
        deadline_s=30,
        detail=lambda: engine.call("order.get", order_id=placed["order_id"]),
    )
    seconds = time.monotonic() - began
    clear_faults(simulator)
    sent = [
        order
        for order in simulator.orders()
        if order["client_order_id"] == placed["client_order_id"]
    ]
    wire = REST if entry == "rest" or case.away else WEBSOCKET
    asked = Counter((line["method"], line["path"]) for line in simulator.requests(since))
    # It is counted when its record is on disk, which may be a moment after the answer.
    expected = int(case.reason is not None)
    with suppress(NotReachedError):
        wait_for("the count", lambda: _counted(engine, failures) or not expected, deadline_s=5)
    counted = _counted(engine, failures)
    row = Row(case, placed["state"], settled["state"], asked[wire], counted, seconds)
    _judge(row, len(sent))
    elsewhere = asked[REST] + asked[WEBSOCKET] - asked[wire]
    if elsewhere:
        row.wrong.append(f"{elsewhere} order requests not by {wire[0]}")
    _recovers(engine, simulator, row)
    return row


def _judge(row: Row, sent: int) -> None:
    case = row.case
    for what, seen, wanted in (
        ("first state", row.first, case.first),
        ("last state", row.last, case.last),
        ("requests", row.requests, case.requests),
        ("counted", row.counted, {case.reason: 1} if case.reason else {}),
    ):
        if seen != wanted:
            row.wrong.append(f"{what}: {seen}, not {wanted}")
    if sent > case.requests:
        row.wrong.append(f"{sent} orders with one id")


def _recovers(engine: EngineProcess, simulator: SimulatorProcess, row: Row) -> None:
    """The next order works without a restart, and all three tell the same story."""
    try:
        after = wait_for("an order that works afterwards", lambda: _works(engine), deadline_s=30)
        until_agreed(engine, simulator, {after["order_id"]: after})
    except NotReachedError as error:
        row.wrong.append(" ".join(str(error).split()))


def _by_websocket(engine: EngineProcess, simulator: SimulatorProcess) -> bool:
    """Place an order; return whether it went by websocket, which then has brought an answer."""
    order = _works(engine)
    return order is not None and any(
        seen["client_order_id"] == order["client_order_id"] and seen["via"] == "ws-api"
        for seen in simulator.orders()
    )


def _is_up(engine: EngineProcess) -> bool:
    return bool(engine.status()["exchange"]["streams"]["order_entry"]["connected"])


def _works(engine: EngineProcess) -> dict[str, Any] | None:
    order = engine.call("order.place", **MARKET_BUY)
    return order if order["state"] == "filled" else None


def _settled(engine: EngineProcess, order_id: str) -> dict[str, Any] | None:
    order: dict[str, Any] = engine.call("order.get", order_id=order_id)
    return order if order["state"] in {"filled", "rejected", "denied", "canceled"} else None


def _failures(engine: EngineProcess) -> dict[str, int]:
    return {
        dict(labels)["reason"]: int(float(value))
        for (name, labels), value in engine.metrics().items()
        if name == "cryptobot_order_failures_by_reason_total"
    }


def _counted(engine: EngineProcess, before: Mapping[str, int]) -> dict[str, int]:
    return {
        reason: count - before.get(reason, 0)
        for reason, count in _failures(engine).items()
        if count != before.get(reason, 0)
    }


def set_faults(simulator: SimulatorProcess, faults: Sequence[Mapping[str, object]]) -> None:
    """Switch faults on, by the exchange's admin interface."""
    for fault in faults:
        _ask(simulator, "POST", fault)


def clear_faults(simulator: SimulatorProcess) -> None:
    """Switch every fault off."""
    _ask(simulator, "DELETE", None)


def _ask(simulator: SimulatorProcess, method: str, body: object) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{simulator.port}/sim/faults",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310 - as above
        pass
