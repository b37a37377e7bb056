"""A key that worked and then is refused: revoked, or this machine's address is not allowed."""

import asyncio
from pathlib import Path
from unittest.mock import patch

import pytest

from cryptobot.domain.errors import OrderRefused, ReadFailed
from cryptobot.domain.order import Side
from cryptobot.trading import ccxt_streams
from cryptobot.trading.retry import CANCEL, PLACE, cause_of
from telemetry.testing import capture_logs
from tests.venues.conftest import Trading, trading
from tests.venues.test_venue_contract import limit, market, place

SAYS = {"status": 401, "code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
WHY = "-2015: the exchange refuses the API key: check there"
SUBSCRIBE = {"method": "userDataStream.subscribe.signature"}


def _refuse_the_key(at: Trading, match: dict[str, str], **more: object) -> None:
    at.fault("reply", match=match, when="before", **SAYS, **more)


async def test_order_with_a_key_that_is_refused_is_rejected_once_and_says_what_to_do(
    tmp_path: Path,
) -> None:
    async with trading(tmp_path) as at:
        await place(at.client, market(Side.BUY, "0.1"))
        _refuse_the_key(at, {"operation": "place_order"})
        request = market(Side.BUY, "0.1")
        with pytest.raises(OrderRefused, match=WHY) as refused:
            await place(at.client, request)
        assert refused.value.code == "authentication"
        assert cause_of(PLACE, refused.value) is None
        assert at.came(request.client_order_id) == []


async def test_cancel_and_read_with_a_key_that_is_refused_say_so_and_are_not_tried_again(
    tmp_path: Path,
) -> None:
    async with trading(tmp_path) as at:
        request = limit(Side.BUY, "0.1", "60000")
        await place(at.client, request)
        _refuse_the_key(at, {"operation": "any_signed"})
        with pytest.raises(OrderRefused, match=WHY) as refused:
            await at.client.cancel_order("BTC/USDT", request.client_order_id)
        assert refused.value.code == "authentication"
        assert cause_of(CANCEL, refused.value) is None
        with pytest.raises(ReadFailed, match=f"balances: {WHY}") as failed:
            await at.client.balances()
        assert failed.value.code == "authentication"
        assert cause_of("balances", failed.value) is None


async def test_own_stream_whose_subscription_is_refused_says_why_and_begins_anew(
    tmp_path: Path,
) -> None:
    async with trading(tmp_path) as at:
        await at.client.balances()  # the key works
        _refuse_the_key(at, SUBSCRIBE, count=1)
        reports = at.client.watch_order_reports()
        with patch.dict(ccxt_streams.RETRY_REFUSED_S, authentication=0.0), capture_logs() as logs:
            first = asyncio.ensure_future(anext(reports))
            async with asyncio.timeout(10):
                while not first.done():  # what happens before it listens is not told
                    await place(at.client, limit(Side.BUY, "0.001", "60000"))
                    await asyncio.wait({first}, timeout=0.2)
            assert (await first).side is Side.BUY
            await reports.aclose()  # type: ignore[attr-defined]
            lines = logs.of("stream_disconnected")
        [refused] = [line for line in lines if line["channel"] == "orders"]
        assert refused["reason"] == "error"
        assert refused["detail"].startswith(WHY)
