"""What becomes of an order by websocket when the wire fails or the exchange says no."""

import asyncio
import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from cryptobot.domain.errors import NotSent, OrderRefused, OutcomeUnknown, Silenced, VenueError
from cryptobot.domain.order import OrderState, Side
from cryptobot.trading.traffic import PRECEDENCE, Precedence
from tests.venues.conftest import Trading, trading
from tests.venues.test_venue_contract import limit, market, place

ORDER = {"operation": "place_order"}
BY_WEBSOCKET, NEVER = ["ws-api"], list[object]()


def _after(kind: str, **more: object) -> dict[str, object]:
    return {"kind": kind, "match": ORDER, "count": 1, "when": "after", **more}


def _before(kind: str, **more: object) -> dict[str, object]:
    return {**_after(kind, **more), "when": "before"}


UNKNOWN = {
    "taken, no answer": (_after("hang"), "timeout", BY_WEBSOCKET),
    "taken, answered too late": (_after("delay", delay_ms=1800), "timeout", BY_WEBSOCKET),
    "taken, reset": (_after("reset"), "network", BY_WEBSOCKET),
    "taken, closed": (_after("close"), "network", BY_WEBSOCKET),
    "taken, no JSON": (_after("reply", body="<html>"), "unreadable_reply", BY_WEBSOCKET),
    "taken, half a JSON": (_after("truncate"), "unreadable_reply", BY_WEBSOCKET),
    "taken, no object": (_after("reply", body="[7]"), "unreadable_reply", BY_WEBSOCKET),
    "taken, does not say to what": (
        _after("reply", body='{"status":200,"result":{"orderId":1}}'),
        "unreadable_reply",
        BY_WEBSOCKET,
    ),
    "taken, to what no request asked": (
        _after("reply", body='{"id":"777","status":200,"result":{"orderId":1}}'),
        "timeout",
        BY_WEBSOCKET,
    ),
    "taken, id of another kind": (
        _after("reply", body='{"id":["1"],"status":200,"result":{"orderId":1}}'),
        "unreadable_reply",
        BY_WEBSOCKET,
    ),
    "taken, no status": (
        _after("reply", body='{"id":"1","result":{"orderId":1}}'),
        "unreadable_reply",
        BY_WEBSOCKET,
    ),
    "taken, no result": (_after("reply", body=[7]), "unreadable_reply", BY_WEBSOCKET),
    "taken, no order in it": (_after("reply", body={"x": 1}), "unreadable_reply", BY_WEBSOCKET),
    "lost before, reset": (_before("reset"), "network", NEVER),
    "lost before, no answer": (_before("hang"), "timeout", NEVER),
}


@pytest.mark.parametrize(("fault", "code", "came"), UNKNOWN.values(), ids=UNKNOWN)
async def test_order_whose_answer_is_lost_or_makes_no_sense_is_unknown_and_not_sent_again(
    tmp_path: Path, fault: dict[str, object], code: str, came: list[object]
) -> None:
    timeout_s = 1.0 if code == "timeout" else 20.0
    async with trading(tmp_path, order_by_websocket=True, timeout_s=timeout_s) as at:
        await at.order_entry("connected")
        at.fault(**fault)  # type: ignore[arg-type]
        request = market(Side.BUY, "0.1")
        with pytest.raises(OutcomeUnknown) as unknown:
            await place(at.client, request)
        assert unknown.value.code == code
        assert at.came(request.client_order_id) == came
        assert len(at.placed()) == 1
        found = await at.client.find_order("BTC/USDT", request.client_order_id)
        assert (found is not None) == bool(came)
        # And the next one is as any other.
        after = market(Side.BUY, "0.1")
        assert (await place(at.client, after)).client_order_id == after.client_order_id


SAID = [
    (400, -2010, "Account has insufficient balance for requested action."),
    (400, -2010, "Rest API trading is not enabled."),
    (400, -2010, "This account may not place or cancel orders."),
    (400, -2010, "Duplicate order sent."),
    (400, -2010, "Order would immediately match and take."),
    (400, -1013, "Filter failure: NOTIONAL"),
    (400, -1013, "Filter failure: LOT_SIZE"),
    (400, -1013, "Filter failure: PRICE_FILTER"),
    (400, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    (400, -1013, "Market is closed."),
    (400, -1003, "Too many requests queued."),
    (400, -1004, "Server is busy, please wait and try again."),
    (400, -1021, "Timestamp for this request is outside of the recvWindow."),
    (400, -1022, "Signature for this request is not valid."),
    (400, -1112, "No orders on book for symbol."),
    (400, -1121, "Invalid symbol."),
    (400, -1131, "recvWindow must be less than 60000"),
    (400, -2022, "Order cancel-replace failed."),
    (400, -2026, "Order was archived."),
    (400, -9999, "Nobody knows this one."),
    (401, -2015, "Invalid API-key, IP, or permissions for action."),
    (403, -1000, "Forbidden"),
    (409, -2021, "Order cancel-replace partially failed."),
    (418, -1003, "Way too much request weight used; IP banned"),
    (429, -1003, "Too much request weight used"),
    (429, -1015, "Too many new orders"),
    (500, -1000, "An unknown error occurred while processing the request."),
    (500, -1001, "Internal error; unable to process your request. Please try again."),
    (503, -1008, "Server is currently overloaded with other requests."),
    (503, -2010, "Account has insufficient balance for requested action."),
    (504, -1007, "Timeout waiting for response from backend server. Send status unknown."),
    (200, -2010, "Account has insufficient balance for requested action."),
]


async def test_answer_by_websocket_proves_what_the_same_answer_by_rest_proves(
    tmp_path: Path,
) -> None:
    proven: list[dict[str, object]] = []
    for by_websocket in (False, True):
        async with trading(tmp_path, order_by_websocket=by_websocket) as at:
            if by_websocket:
                await at.order_entry("connected")
            at.client.traffic.budget = replace(at.client.traffic.budget, orders_per_10s=1000)
            verdicts: dict[str, object] = {
                f"{said}, new key": await _verdict(at, said) for said in SAID
            }
            worked = market(Side.BUY, "0.1")
            await place(at.client, worked)
            assert at.came(worked.client_order_id) == ["ws-api" if by_websocket else "rest"]
            verdicts |= {f"{said}, key that worked": await _verdict(at, said) for said in SAID}
            proven.append(verdicts)
    assert proven[0] == proven[1]


async def _verdict(at: Trading, said: tuple[int, int, str]) -> tuple[object, ...]:
    status, code, words = said
    at.fault(**_before("reply", status=status, code=code, msg=words))  # type: ignore[arg-type]
    request = limit(Side.BUY, "0.01", "60000")
    with pytest.raises(VenueError) as verdict:
        await place(at.client, request)
    assert at.came(request.client_order_id) == NEVER
    silent_s = round(at.client.traffic.silent_s())
    at.client.traffic._silences.clear()
    return type(verdict.value), getattr(verdict.value, "code", None), at.placed()[-1], silent_s


@pytest.mark.parametrize(
    ("said", "kind", "code"),
    [
        (SAID[0], OrderRefused, "insufficient_funds"),
        (SAID[3], OutcomeUnknown, "duplicate_id"),
        (SAID[5], OrderRefused, "bad_request"),
        (SAID[12], NotSent, "clock_skew"),
        (SAID[19], OutcomeUnknown, "unclassified"),
        (SAID[23], NotSent, "rate_limited"),
        (SAID[24], NotSent, "rate_limited"),
        (SAID[27], OutcomeUnknown, "unclassified"),
        (SAID[30], OutcomeUnknown, "timeout"),
    ],
    ids=str,
)
async def test_error_by_websocket_is_refused_turned_away_or_unknown(
    by_websocket: Trading, said: tuple[int, int, str], kind: type[VenueError], code: str
) -> None:
    status, number, words = said
    by_websocket.fault(**_before("reply", status=status, code=number, msg=words))  # type: ignore[arg-type]
    with pytest.raises(kind) as verdict:
        await place(by_websocket.client, limit(Side.BUY, "0.01", "60000"))
    assert type(verdict.value) is kind
    assert getattr(verdict.value, "code", None) == code


@pytest.mark.parametrize(
    ("fault", "at_least_s"),
    [
        (_before("rate_limit", retry_after_s=30), 29),
        (_before("ban", ban_s=300), 299),
        (_before("reply", status=429, code=-1003, msg="Too much"), 59),
        (_before("reply", status=418, code=-1003, msg="Banned"), 119),
    ],
    ids=["429 for 30 s", "418 for 300 s", "429 that does not say", "418 that does not say"],
)
async def test_ban_by_websocket_silences_websocket_and_rest(
    by_websocket: Trading, fault: dict[str, object], at_least_s: float
) -> None:
    client = by_websocket.client
    by_websocket.fault(**fault)  # type: ignore[arg-type]
    with pytest.raises(NotSent) as turned_away:
        await place(client, market(Side.BUY, "0.1"))
    assert turned_away.value.code == "rate_limited"
    assert at_least_s <= client.traffic.silent_s() <= at_least_s + 1
    silent = market(Side.BUY, "0.1")
    with pytest.raises(Silenced):
        await place(client, silent)
    assert client._order_socket is not None
    client._order_socket._leave()  # by REST it is as silent
    with pytest.raises(Silenced):
        await place(client, silent)
    assert by_websocket.came(silent.client_order_id) == []


async def test_ban_by_rest_silences_orders_by_websocket(by_websocket: Trading) -> None:
    by_websocket.fault("rate_limit", match={"operation": "cancel_order"}, retry_after_s=30)
    with pytest.raises(NotSent):
        await by_websocket.client.cancel_order("BTC/USDT", "cbnothing")
    request = market(Side.BUY, "0.1")
    with pytest.raises(Silenced):
        await place(by_websocket.client, request)
    assert by_websocket.came(request.client_order_id) == []


async def test_usage_that_an_answer_tells_counts_against_the_budget(by_websocket: Trading) -> None:
    by_websocket.simulator.exchange.limits.spend_weight(3000)  # others on our address
    await place(by_websocket.client, market(Side.BUY, "0.1"))
    assert by_websocket.client.traffic.used_ratio() >= 0.5


async def test_order_waits_for_the_limiter_at_an_orders_precedence(by_websocket: Trading) -> None:
    traffic = by_websocket.client.traffic
    traffic.budget = replace(traffic.budget, orders_per_10s=1)
    await place(by_websocket.client, market(Side.BUY, "0.1"))
    late = market(Side.BUY, "0.1")
    waiting = asyncio.create_task(place(by_websocket.client, late))
    PRECEDENCE.set(Precedence.CANCEL)
    await traffic.throttle(1.0)  # a turn of the loop in which the order could have gone
    await by_websocket.client.book("BTC/USDT")
    assert by_websocket.came(late.client_order_id) == []
    assert [entry[0] for entry in traffic._waiting] == [Precedence.ORDER]
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_answer_that_comes_twice_is_no_answer_to_the_next(by_websocket: Trading) -> None:
    by_websocket.fault("duplicate", match=ORDER, count=1)
    for _ in range(3):
        request = limit(Side.BUY, "0.01", "60000")
        report = await place(by_websocket.client, request)
        assert report.client_order_id == request.client_order_id
        assert by_websocket.came(request.client_order_id) == BY_WEBSOCKET


async def test_answers_that_overtake_each_other_find_their_orders(by_websocket: Trading) -> None:
    by_websocket.fault("delay", match=ORDER, count=1, when="after", delay_ms=300)
    slow, quick = limit(Side.BUY, "0.01", "60000"), limit(Side.BUY, "0.02", "60000")
    tasks = [asyncio.create_task(place(by_websocket.client, each)) for each in (slow, quick)]
    first, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    assert [task.result().client_order_id for task in first] == [quick.client_order_id]
    assert (await tasks[0]).client_order_id == slow.client_order_id


async def test_frame_that_nobody_can_read_leaves_every_order_in_flight_unknown(
    by_websocket: Trading,
) -> None:
    by_websocket.fault("hang", match=ORDER, count=1, when="after")
    by_websocket.fault("reply", match=ORDER, count=1, when="after", body="\x00")
    orders = [market(Side.BUY, "0.1") for _ in range(2)]
    ends = await asyncio.gather(
        *(place(by_websocket.client, each) for each in orders), return_exceptions=True
    )
    assert [getattr(end, "code", end) for end in ends] == ["unreadable_reply"] * 2
    assert [by_websocket.came(each.client_order_id) for each in orders] == [BY_WEBSOCKET] * 2
    assert await by_websocket.order_entry("disconnected") == "malformed"


async def test_answer_with_ids_only_is_an_acknowledgement(by_websocket: Trading) -> None:
    by_websocket.fault("ack_only", match=ORDER, count=1)
    report = await place(by_websocket.client, market(Side.BUY, "0.1"))
    assert (report.acknowledged_only, report.state) == (True, OrderState.ACCEPTED)


async def test_client_that_is_closed_leaves_an_order_in_flight_unknown(
    by_websocket: Trading,
) -> None:
    by_websocket.fault("hang", match=ORDER, when="after")
    request = market(Side.BUY, "0.1")
    waiting = asyncio.create_task(place(by_websocket.client, request))
    async with asyncio.timeout(10):
        while not by_websocket.came(request.client_order_id):
            await by_websocket.client.book("BTC/USDT")
    await by_websocket.client.close()
    with pytest.raises(OutcomeUnknown):
        await waiting


ODD: list[object] = [None, "", "200", True, 1.5, -1, 10**15, [], [7], {}, {"code": {}}]
GOOD = {"status": 200, "result": {"orderId": 1}, "rateLimits": [], "error": None}


async def test_answer_with_odd_parts_is_a_report_or_a_verdict_and_the_order_is_sent_once(
    by_websocket: Trading,
) -> None:
    ccxt = by_websocket.client._orders
    url = ccxt.urls["api"]["ws"]["ws-api"]["spot"]
    answers = [{**GOOD, part: odd} for part in GOOD for odd in ODD]
    answers += [{**GOOD, "status": 429, "error": {"code": odd, "msg": odd}} for odd in ODD]
    answers += [{**GOOD, "status": 400, "error": {"data": {"retryAfter": odd}}} for odd in ODD]
    answers += [{**GOOD, "rateLimits": [odd]} for odd in ODD]
    for answer in answers:
        assert by_websocket.client._order_socket is not None
        await by_websocket.client._order_socket.up()
        number = str(ccxt.options["requestId"].get(url, 0) + 1)
        body = json.dumps({"id": number, **answer})
        by_websocket.fault(**_after("reply", body=body))  # type: ignore[arg-type]
        request = limit(Side.BUY, "0.001", "60000")
        with suppress(VenueError):
            await place(by_websocket.client, request)
        assert by_websocket.came(request.client_order_id) == BY_WEBSOCKET, answer
        by_websocket.client.traffic._silences.clear()
        by_websocket.client.traffic._orders.clear()
