"""Every fault of HTTP, as it comes over the wire, before and after the exchange did the work."""

import gzip
import json
import zlib
from typing import Any

import pytest

from tests.simulator.exchange_client import ExchangeClient
from tests.simulator.faults.raw_http_client import (
    ORDER,
    Heard,
    connection,
    fired,
    orders,
    place,
    set_fault,
    set_faults,
    signed_query,
)

PLACE = {"operation": "place_order"}
both = pytest.mark.parametrize(("when", "taken"), [("before", []), ("after", ["raw-1"])])


async def placed_under(client: ExchangeClient, when: str, **fault: Any) -> Heard:
    await set_fault(client, when=when, match=PLACE, count=1, **fault)
    heard = await place(client)
    assert await fired(client) == [1]
    return heard


async def line_of_order(client: ExchangeClient) -> dict[str, Any]:
    found = (await client.get("/sim/requests")).body
    return next(line for line in found if line["path"] == "/api/v3/order")


@both
async def test_hang_answers_nothing_until_the_client_leaves(
    client: ExchangeClient, when: str, taken: list[str]
) -> None:
    await set_fault(client, kind="hang", when=when, match=PLACE)
    async with connection(client) as raw:
        await raw.say("POST", "/api/v3/order", signed_query(client, **ORDER))
        while await fired(client) != [1] or await orders(client) != taken:
            pass
        # A later request on another connection is answered: only this one hangs.
        assert (await client.get("/api/v3/ping")).status == 200
        assert (await line_of_order(client))["status"] is None
        raw.writer.write_eof()
        assert await raw.hear_the_rest() == b""
    while (await line_of_order(client))["status"] != 0:
        pass
    assert await orders(client) == taken


@both
async def test_hang_with_an_end_closes_then(
    client: ExchangeClient, when: str, taken: list[str]
) -> None:
    heard = await placed_under(client, when, kind="hang", hold_s=0.01)
    assert (heard.how, heard.body) == ("eof", b"")
    assert await orders(client) == taken


@both
@pytest.mark.parametrize(("kind", "how"), [("reset", "reset"), ("close", "eof")])
async def test_connection_ends_without_an_answer(
    client: ExchangeClient, when: str, taken: list[str], kind: str, how: str
) -> None:
    heard = await placed_under(client, when, kind=kind)
    assert (heard.how, heard.status, heard.body) == (how, 0, b"")
    assert await orders(client) == taken
    assert (await line_of_order(client))["status"] == 0


@both
async def test_short_body_ends_before_its_length(
    client: ExchangeClient, when: str, taken: list[str]
) -> None:
    heard = await placed_under(client, when, kind="short_body", keep=0.25)
    assert (heard.status, heard.how) == (200, "eof")
    assert len(heard.body) == heard.length // 4 > 0
    assert await orders(client) == taken


@both
async def test_wrong_length_above_lets_the_client_wait(
    client: ExchangeClient, when: str, taken: list[str]
) -> None:
    await set_fault(client, kind="wrong_length", by=7, when=when, match=PLACE)
    async with connection(client) as raw:
        await raw.say("POST", "/api/v3/order", signed_query(client, **ORDER))
        head = (await raw.reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].split("\r\n")[0])
        body = await raw.reader.readexactly(length - 7)
        json.loads(body)  # whole, and yet not what was announced
        raw.writer.write_eof()
        assert await raw.hear_the_rest() == b""
    assert await orders(client) == taken


@both
async def test_wrong_length_below_leaves_bytes_behind(
    client: ExchangeClient, when: str, taken: list[str]
) -> None:
    await set_fault(client, kind="wrong_length", by=-5, when=when, match=PLACE)
    async with connection(client) as raw:
        await raw.say("POST", "/api/v3/order", signed_query(client, **ORDER))
        heard = await raw.hear()
        rest = await raw.hear_the_rest()
    assert (heard.how, len(rest)) == ("whole", 5)
    json.loads(heard.body + rest)
    assert await orders(client) == taken


@both
async def test_truncated_body_has_the_right_length(
    client: ExchangeClient, when: str, taken: list[str]
) -> None:
    heard = await placed_under(client, when, kind="truncate")
    assert (heard.status, heard.how, len(heard.body)) == (200, "whole", heard.length)
    with pytest.raises(json.JSONDecodeError):
        json.loads(heard.body)
    assert await orders(client) == taken


@both
async def test_empty_body_is_empty(client: ExchangeClient, when: str, taken: list[str]) -> None:
    heard = await placed_under(client, when, kind="empty_body")
    assert (heard.status, heard.how, heard.body) == (200, "whole", b"")
    assert await orders(client) == taken


@both
@pytest.mark.parametrize("status", [200, 403, 500, 502, 503, 504, 520, 522, 530])
async def test_html_comes_with_any_status(
    client: ExchangeClient, when: str, taken: list[str], status: int
) -> None:
    heard = await placed_under(client, when, kind="html", status=status)
    assert (heard.status, heard.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert heard.body.startswith(b"<!DOCTYPE html>")
    assert await orders(client) == taken


@both
async def test_corrupt_gzip_says_gzip_and_is_none(
    client: ExchangeClient, when: str, taken: list[str]
) -> None:
    heard = await placed_under(client, when, kind="corrupt_gzip")
    assert (heard.status, heard.headers["content-encoding"]) == (200, "gzip")
    with pytest.raises((zlib.error, EOFError, gzip.BadGzipFile)):
        gzip.decompress(heard.body)
    assert await orders(client) == taken


@both
@pytest.mark.parametrize(
    ("status", "code", "msg"),
    [
        (504, -1007, "Timeout waiting for response from backend server."),
        (503, -1000, "Unknown error"),
        (503, -1008, "Request throttled by system-level protection."),
        (429, -1003, "Too many requests"),
        (451, 0, "Service unavailable from a restricted location"),
        (401, -2015, "Invalid API-key, IP, or permissions for action."),
        (400, -1021, "Timestamp for this request is outside of the recvWindow."),
        (400, -1022, "Signature for this request is not valid."),
        (400, -2010, "Account has insufficient balance for requested action."),
    ],
)
async def test_reply_has_any_status_code_and_message(  # noqa: PLR0917 - one per column
    client: ExchangeClient, when: str, taken: list[str], status: int, code: int, msg: str
) -> None:
    heard = await placed_under(
        client, when, kind="reply", status=status, code=code, msg=msg, retry_after_s=7
    )
    assert (heard.status, json.loads(heard.body)) == (status, {"code": code, "msg": msg})
    assert heard.headers["retry-after"] == "7"
    assert await orders(client) == taken
    line = await line_of_order(client)
    assert (line["status"], line["code"], line["faults"]) == (status, code, ["f1"])


@pytest.mark.parametrize(
    ("more", "status", "body"),
    [
        ({"body": {}}, 200, b"{}"),
        ({"body": []}, 200, b"[]"),
        ({"body": "not json"}, 200, b"not json"),
        ({"body": "", "status": 204 + 1}, 205, b""),
        ({}, 503, None),
        ({"code": -1100}, 400, None),
    ],
    ids=str,
)
async def test_reply_has_any_body(
    client: ExchangeClient, more: dict[str, Any], status: int, body: bytes | None
) -> None:
    heard = await placed_under(client, "after", kind="reply", headers={"X-Cache": "no"}, **more)
    assert (heard.status, heard.headers["x-cache"]) == (status, "no")
    if body is None:
        assert json.loads(heard.body)["code"] == more.get("code", -1000)
    else:
        assert heard.body == body


@both
async def test_delay_holds_the_request_or_the_answer(
    client: ExchangeClient, when: str, taken: list[str]
) -> None:
    await set_fault(client, kind="delay", when=when, match=PLACE, delay_ms=3_600_000)
    async with connection(client) as raw:
        await raw.say("POST", "/api/v3/order", signed_query(client, **ORDER))
        while await fired(client) != [1] or await orders(client) != taken:
            pass
        assert (await line_of_order(client))["status"] is None


async def test_delayed_answer_comes_whole(client: ExchangeClient) -> None:
    await set_fault(client, kind="delay", when="before", match=PLACE, delay_ms=1, jitter_ms=2)
    await set_fault(client, kind="delay", match=PLACE, delay_ms=1)
    heard = await place(client)
    assert (heard.status, await fired(client), await orders(client)) == (200, [1, 1], ["raw-1"])


async def test_ack_only_answers_ids_and_the_order_is_whole(client: ExchangeClient) -> None:
    await set_fault(client, kind="ack_only")
    heard = await place(client)
    assert json.loads(heard.body).keys() == {
        "symbol", "orderId", "orderListId", "clientOrderId", "transactTime",
    }  # fmt: skip
    found = await client.signed("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="raw-1")
    assert found.body["status"] == "NEW"


async def test_patch_changes_fields_of_objects_and_of_lists_of_them(
    client: ExchangeClient,
) -> None:
    await set_faults(
        client,
        [
            {"kind": "patch", "match": {"operation": "depth"}, "fields": {"bids": []}},
            {"kind": "patch", "match": {"operation": "exchange_info"}, "fields": {"symbols": []}},
            {"kind": "patch", "match": {"operation": "open_orders"}, "fields": {"price": "0"}},
        ],
    )
    depth = (await client.get("/api/v3/depth", symbol="BTCUSDT")).body
    assert (depth["bids"], len(depth["asks"])) == ([], 3)
    assert (await client.get("/api/v3/exchangeInfo")).body["symbols"] == []
    await place(client)
    (order,) = (await client.signed("GET", "/api/v3/openOrders")).body
    assert (order["price"], order["origQty"]) == ("0", "0.10000000")


async def test_faults_are_met_by_requests_for_them_only(client: ExchangeClient) -> None:
    await set_fault(
        client, kind="reply", match={"side": "SELL", "symbol": "BTC/USDT"}, when="before"
    )
    assert (await client.limit("BUY", "0.1", "60000", newClientOrderId="b")).status == 200
    assert (await client.limit("SELL", "0.1", "70000")).status == 503
    named = {"symbol": "BTCUSDT", "origClientOrderId": "b"}
    # What a query is about is looked up: this one asks for a BUY.
    assert (await client.signed("GET", "/api/v3/order", **named)).status == 200
    await set_fault(client, kind="reply", match={"client_order_id": "b"}, when="before")
    assert (await client.signed("DELETE", "/api/v3/order", **named)).status == 503
    number = (await client.get("/sim/orders")).body[0]["order_id"]
    by_id = {"symbol": "BTCUSDT", "orderId": number}
    assert (await client.signed("GET", "/api/v3/order", **by_id)).status == 503
    assert (await client.get("/api/v3/ping")).status == 200


async def test_unknown_path_and_torn_query_meet_faults_too(client: ExchangeClient) -> None:
    await set_fault(client, kind="reply", status=503, match={"path": "/nowhere"})
    assert (await client.get("/nowhere")).status == 404  # after: the exchange has no such path
    await client.request("DELETE", "/sim/faults")
    await set_fault(client, kind="reply", status=503, when="before")
    assert (await client.get("/nowhere")).status == 503
    twice = await client.request("GET", "/api/v3/depth", query="symbol=A&symbol=B")
    assert twice.status == 503


async def test_admin_meets_no_faults(client: ExchangeClient) -> None:
    await set_fault(client, kind="reset", when="before")
    assert (await client.get("/sim/state")).status == 200
    assert (await client.request("DELETE", "/sim/faults")).body == {"removed": 1}
    assert (await client.get("/api/v3/ping")).status == 200
