"""What unmodified ccxt makes of the faults seen in the field, with production's error classes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import ccxt.async_support as ccxt_errors
import pytest

from cryptobot.simulator.faults.reading import read_faults
from cryptobot.simulator.market.generated import GeneratedMarket
from cryptobot.simulator.server.app import Simulator, build_simulator
from tests.simulator.ccxt_exchange import connected, watched
from tests.simulator.scripted_market import ScriptedMarket

pytestmark = pytest.mark.e2e

BTC = "BTC/USDT"
Call = Callable[[Any], Awaitable[Any]]


@pytest.fixture
async def simulator() -> Simulator:
    return build_simulator(ScriptedMarket())


@pytest.fixture
async def binance(simulator: Simulator) -> AsyncIterator[Any]:
    async with connected(simulator) as exchange:
        yield exchange


@pytest.fixture
async def moving() -> AsyncIterator[tuple[Any, Simulator]]:
    """A market that moves by itself."""
    simulator = build_simulator(GeneratedMarket(9))
    async with connected(simulator) as exchange:
        yield exchange, simulator


def set_fault(simulator: Simulator, description: dict[str, Any]) -> None:
    simulator.plan.add(read_faults(description))


def fault(preset: str, **more: Any) -> dict[str, Any]:
    return {"preset": preset, **more}


def order_match(**more: Any) -> dict[str, Any]:
    return {"match": {"operation": "place_order"}, "count": 1, **more}


async def buy(binance: Any) -> Any:
    return await binance.create_order(
        BTC, "market", "buy", "0.001", None, {"newClientOrderId": "mine"}
    )


async def rest(binance: Any) -> Any:
    ask = float((await binance.fetch_order_book(BTC))["asks"][0][0])
    price = binance.price_to_precision(BTC, ask * 0.9)
    return await binance.create_order(
        BTC, "limit", "buy", "0.001", price, {"newClientOrderId": "mine"}
    )


E = ccxt_errors
ORDERS: list[tuple[str, dict[str, Any], type[Exception] | None, bool]] = [
    ("A1", fault("lost_reply"), E.RequestTimeout, True),
    ("A1 lost request", fault("lost_request"), E.RequestTimeout, False),
    ("A2", fault("reply_reset"), E.ExchangeNotAvailable, True),
    ("A2 closed", {"kind": "close", **order_match()}, E.ExchangeNotAvailable, True),
    ("A3", fault("reply_cut"), E.ExchangeError, True),
    ("A3 length", {"kind": "wrong_length", **order_match()}, E.RequestTimeout, True),
    ("A4", fault("reply_truncated"), None, True),
    ("A6", fault("reply_html"), None, True),
    ("A6 empty", fault("reply_empty"), None, True),
    ("A7", fault("reply_corrupt"), E.ExchangeError, True),
    *(
        (f"A9 {status}", fault("bad_gateway", status=status), E.ExchangeNotAvailable, True)
        for status in (500, 502, 503, 520, 522, 530)
    ),
    ("A10", fault("gateway_timeout"), E.RequestTimeout, True),
    ("A12", fault("unknown_error"), E.OperationFailed, True),
    ("A13", fault("status_unknown"), E.RequestTimeout, True),
    ("C1", fault("rate_limit"), E.DDoSProtection, False),
    ("C2", fault("ban"), E.DDoSProtection, False),
    ("C4", fault("queue_full"), E.RateLimitExceeded, False),
    ("C5", fault("too_many_orders"), E.DDoSProtection, False),
    ("C5 400", fault("too_many_orders", status=400), E.RateLimitExceeded, False),
    ("C7", fault("restricted_location"), E.ExchangeNotAvailable, False),
    ("C8", fault("bad_key"), E.AuthenticationError, False),
    ("C10", fault("clock_ahead"), E.InvalidNonce, False),
    ("C11", fault("clock_behind"), E.InvalidNonce, False),
    ("C13", fault("bad_signature"), E.AuthenticationError, False),
    ("D1", fault("no_funds"), E.InsufficientFunds, False),
    ("D3", fault("filter_notional"), E.BadRequest, False),
    ("D4", fault("filter_percent_price"), E.InvalidOrder, False),
    ("D5", fault("market_closed"), E.MarketClosed, False),
    ("D13", fault("maintenance"), E.OnMaintenance, False),
    ("D13 orders", fault("trading_disabled"), E.PermissionDenied, False),
]


@pytest.mark.parametrize(
    ("described", "expected", "exists"), [row[1:] for row in ORDERS], ids=[r[0] for r in ORDERS]
)
async def test_order_under_a_fault_gives_the_class_of_production(
    binance: Any,
    simulator: Simulator,
    described: dict[str, Any],
    expected: type[Exception] | None,
    *,
    exists: bool,
) -> None:
    binance.timeout = 700
    set_fault(simulator, described)
    if expected is None:
        # It raises nothing and returns an order of which nothing is known.
        order = await buy(binance)
        assert (order["id"], order["status"]) == (None, None)
    else:
        with pytest.raises(E.BaseError) as error:
            await buy(binance)
        assert type(error.value) is expected
    assert bool(simulator.exchange.venue.engine.orders(BTC)) is exists


async def test_acknowledged_order_has_an_id_and_no_state(
    binance: Any, simulator: Simulator
) -> None:
    set_fault(simulator, fault("ack_only"))
    order = await buy(binance)
    assert order["id"] is not None
    assert order["status"] is None


async def test_retries_inside_ccxt_buy_twice(binance: Any, simulator: Simulator) -> None:
    binance.options["maxRetriesOnFailure"] = 2
    set_fault(simulator, fault("reply_reset"))
    await buy(binance)
    orders = simulator.exchange.venue.engine.orders(BTC)
    assert [order.client_order_id for order in orders] == ["mine", "mine"]


async def test_order_sent_again_while_the_first_is_open_is_a_duplicate(
    binance: Any, simulator: Simulator
) -> None:
    set_fault(simulator, fault("reply_reset"))
    with pytest.raises(E.ExchangeNotAvailable):
        await rest(binance)
    with pytest.raises(E.InvalidOrder, match="Duplicate order sent"):
        await rest(binance)


async def test_cancel_of_a_filled_order_is_not_found(binance: Any) -> None:
    order = await buy(binance)
    with pytest.raises(E.OrderNotFound):
        await binance.cancel_order(order["id"], BTC)


async def test_cancel_with_a_lost_reply_is_done(binance: Any, simulator: Simulator) -> None:
    order = await rest(binance)
    set_fault(simulator, fault("cancel_lost_reply"))
    with pytest.raises(E.RequestTimeout):
        await binance.cancel_order(order["id"], BTC)
    assert (await binance.fetch_order(order["id"], BTC))["status"] == "canceled"


@pytest.mark.parametrize(("order_id", "amount"), [(None, "99"), ("77", "0.001")])
async def test_replacement_that_half_fails_is_a_bad_response(
    binance: Any, order_id: str | None, amount: str
) -> None:
    order = await rest(binance)
    with pytest.raises(E.BadResponse) as error:
        await binance.edit_order(
            order_id or order["id"], BTC, "limit", "buy", amount, order["price"]
        )
    assert ("-2021" if order_id is None else "-2022") in str(error.value)


async def test_stale_reads_do_not_know_a_new_order(binance: Any, simulator: Simulator) -> None:
    set_fault(simulator, fault("stale_reads", lag_ms=600_000))
    order = await buy(binance)
    with pytest.raises(E.OrderNotFound):
        await binance.fetch_order(order["id"], BTC)


READS: list[tuple[str, str, Call, Callable[[Any], bool]]] = [
    ("E1", "empty_account", lambda b: b.fetch_balance(), lambda found: found["total"] == {}),
    ("E3", "no_symbols", lambda b: b.load_markets(reload=True), lambda found: found == {}),
    ("E6", "no_candles", lambda b: b.fetch_ohlcv(BTC, "1m"), lambda found: found == []),
    (
        "E6 html",
        "html_candles",
        lambda b: b.fetch_ohlcv(BTC, "1m"),
        lambda found: found[0][0] is None,
    ),
    (
        "E8",
        "empty_book",
        lambda b: b.fetch_order_book(BTC),
        lambda found: found["bids"] == found["asks"] == [],
    ),
    (
        "D6",
        "zero_price",
        lambda b: b.fetch_ticker(BTC),
        lambda found: not float(found["last"] or 0),
    ),
    ("D13", "maintenance", lambda b: b.fetch_status(), lambda found: found["status"] != "ok"),
]


@pytest.mark.parametrize(
    ("preset", "call", "lies"), [row[1:] for row in READS], ids=[row[0] for row in READS]
)
async def test_read_that_lies_raises_nothing(
    binance: Any, simulator: Simulator, preset: str, call: Call, lies: Callable[[Any], bool]
) -> None:
    await buy(binance)  # a symbol that never traded has no ticker
    set_fault(simulator, fault(preset))
    assert lies(await call(binance))


# Websockets


async def watched_on(watch: Callable[[str], Any]) -> None:
    """Watch until it raises."""
    while True:
        await watched(watch(BTC))


async def test_closed_socket_fails_the_one_who_waits(
    moving: tuple[Any, Simulator],
) -> None:
    binance, simulator = moving
    await watched(binance.watch_trades(BTC))
    set_fault(simulator, fault("socket_closed"))
    with pytest.raises(E.NetworkError, match="1001"):
        await watched_on(binance.watch_trades)


async def test_gap_in_the_depth_is_a_checksum_error(
    moving: tuple[Any, Simulator],
) -> None:
    binance, simulator = moving
    await watched(binance.watch_order_book(BTC))
    # More than one: ccxt forgets the error of a gap that comes while nobody waits.
    set_fault(simulator, fault("depth_gap", count=None, probability=0.5))
    with pytest.raises(E.ChecksumError):
        await watched_on(binance.watch_order_book)


async def test_subscription_that_is_refused_raises(binance: Any, simulator: Simulator) -> None:
    set_fault(simulator, fault("subscribe_refused"))
    with pytest.raises(E.BaseError):
        await watched(binance.watch_trades(BTC))


async def test_order_by_socket_that_dies_exists(binance: Any, simulator: Simulator) -> None:
    set_fault(simulator, fault("ws_order_cut"))
    with pytest.raises(E.NetworkError):
        await watched(binance.create_order_ws(BTC, "market", "buy", "0.001"))
    assert len(simulator.exchange.venue.engine.orders(BTC)) == 1
