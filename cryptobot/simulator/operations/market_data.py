"""Public market data."""

from collections.abc import Callable

from cryptobot.domain.market import Level
from cryptobot.domain.money import ZERO
from cryptobot.simulator.intervals import INTERVALS
from cryptobot.simulator.operations.context import Call, Exchange, Operation
from cryptobot.simulator.operations.names import OperationName
from cryptobot.simulator.params import Params
from cryptobot.simulator.symbol_market import SymbolMarket
from cryptobot.simulator.wire import market_shapes
from cryptobot.simulator.wire.listing_shapes import exchange_info
from cryptobot.simulator.wire.numbers import eight
from cryptobot.simulator.wire_error import WireError

_AVERAGE_MINUTES = 5
_MAX_ROWS = 1_000
_MAX_DEPTH = 5_000


def _ping(_: Call) -> object:
    return {}


def _time(call: Call) -> object:
    return {"serverTime": call.exchange.gatekeeper.server_ms()}


def _exchange_info(call: Call) -> object:
    exchange = call.exchange
    names = call.params.symbols()
    markets = (
        exchange.venue.markets.values()
        if names is None
        else [exchange.market(name) for name in names]
    )
    return exchange_info(
        exchange.gatekeeper.server_ms(),
        exchange.limits.rules(),
        [market.listing for market in markets],
    )


def _depth(call: Call) -> object:
    market = call.exchange.market(call.params.symbol())
    bids, asks = call.exchange.venue.engine.book(market.symbol, call.params.limit(100, _MAX_DEPTH))
    return market_shapes.depth(market.update_id, bids, asks)


def _trades(call: Call) -> object:
    market = call.exchange.market(call.params.symbol())
    limit = call.params.limit(500, _MAX_ROWS)
    first = call.params.integer("fromId")
    chosen = market.tape.latest(limit) if first is None else market.tape.from_id(first, limit)
    return [market_shapes.trade(trade) for trade in chosen]


def _aggregate_trades(call: Call) -> object:
    params = call.params
    market = call.exchange.market(params.symbol())
    limit = params.limit(500, _MAX_ROWS)
    first = params.integer("fromId")
    if first is not None:
        chosen = market.tape.from_id(first, limit)
    else:
        chosen = market.tape.between(params.integer("startTime"), params.integer("endTime"), limit)
    return [market_shapes.aggregate_trade(trade) for trade in chosen]


def _klines(call: Call) -> object:
    params = call.params
    market = call.exchange.market(params.symbol())
    interval = params.required("interval")
    if interval not in INTERVALS:
        raise WireError(-1120, "Invalid interval.")
    series = market.bars(interval)
    series.roll(call.exchange.venue.clock.now_ms())
    bars = series.select(
        params.integer("startTime"), params.integer("endTime"), params.limit(500, _MAX_ROWS)
    )
    return [market_shapes.kline_row(interval, bar) for bar in bars]


def _average_price(call: Call) -> object:
    market = call.exchange.market(call.params.symbol())
    series = market.bars("1m")
    now_ms = call.exchange.venue.clock.now_ms()
    series.roll(now_ms)
    bars = series.select(None, None, _AVERAGE_MINUTES)
    volume = sum((bar.volume for bar in bars), ZERO)
    cost = sum((bar.quote_volume for bar in bars), ZERO)
    price = cost / volume if volume else market.last_price() or ZERO
    return {"mins": _AVERAGE_MINUTES, "price": eight(price), "closeTime": now_ms}


def best_levels(exchange: Exchange, market: SymbolMarket) -> tuple[Level, Level]:
    """Return the best bid and ask, zeros for an empty side."""
    bids, asks = exchange.venue.engine.book(market.symbol, 1)
    return (
        bids[0] if bids else market_shapes.NO_LEVEL,
        asks[0] if asks else market_shapes.NO_LEVEL,
    )


def _day(exchange: Exchange, market: SymbolMarket, *, mini: bool) -> dict[str, object]:
    now_ms = exchange.venue.clock.now_ms()
    market.bars("1m").roll(now_ms)
    day = market.day.statistics(now_ms)
    if day is None:
        raise WireError(-1121, "Invalid symbol.")
    if mini:
        return market_shapes.mini_day_ticker(market.wire, day, now_ms)
    last = market.tape.last
    best = best_levels(exchange, market)
    return market_shapes.day_ticker(market.wire, day, last.amount if last else ZERO, best, now_ms)


def _day_full(exchange: Exchange, market: SymbolMarket) -> dict[str, object]:
    return _day(exchange, market, mini=False)


def _day_mini(exchange: Exchange, market: SymbolMarket) -> dict[str, object]:
    return _day(exchange, market, mini=True)


def _price(_: Exchange, market: SymbolMarket) -> dict[str, object]:
    return {"symbol": market.wire, "price": eight(market.last_price() or ZERO)}


def _book_ticker(exchange: Exchange, market: SymbolMarket) -> dict[str, object]:
    return market_shapes.book_ticker(market.wire, *best_levels(exchange, market))


def _per_symbol(call: Call, shape: Callable[[Exchange, SymbolMarket], dict[str, object]]) -> object:
    """Answer one object for ``symbol``, an array for ``symbols`` or for all."""
    exchange = call.exchange
    names = call.params.symbols()
    if call.params.has("symbol") and names:
        return shape(exchange, exchange.market(names[0]))
    markets = (
        exchange.venue.markets.values()
        if names is None
        else [exchange.market(name) for name in names]
    )
    return [shape(exchange, market) for market in markets if market.last_price() is not None]


def _day_ticker(call: Call) -> object:
    kind = call.params.text("type") or "FULL"
    if kind not in {"FULL", "MINI"}:
        raise WireError(-1130, "Data sent for parameter 'type' is not valid.")
    return _per_symbol(call, _day_mini if kind == "MINI" else _day_full)


def _price_ticker(call: Call) -> object:
    return _per_symbol(call, _price)


def _book_tickers(call: Call) -> object:
    return _per_symbol(call, _book_ticker)


def _system_status(_: Call) -> object:
    return {"status": 0, "msg": "normal"}


_DEPTH_WEIGHTS = ((100, 5), (500, 25), (1_000, 50))


def _depth_weight(params: Params) -> int:
    limit = params.limit(100, _MAX_DEPTH)
    return next((weight for most, weight in _DEPTH_WEIGHTS if limit <= most), 250)


def _one_or_all(one: int, everything: int) -> Callable[[Params], int]:
    return lambda params: one if params.has("symbol") else everything


_SYMBOLS = frozenset({"symbol", "symbols", "symbolStatus"})

PING = Operation(OperationName.PING, _ping)
TIME = Operation(OperationName.TIME, _time)
EXCHANGE_INFO = Operation(
    OperationName.EXCHANGE_INFO,
    _exchange_info,
    _SYMBOLS | {"permissions", "showPermissionSets"},
    weight=20,
)
DEPTH = Operation(
    OperationName.DEPTH,
    _depth,
    frozenset({"symbol", "limit", "symbolStatus"}),
    weight=_depth_weight,
)
TRADES = Operation(OperationName.TRADES, _trades, frozenset({"symbol", "limit"}), weight=25)
HISTORICAL_TRADES = Operation(
    OperationName.TRADES, _trades, frozenset({"symbol", "limit", "fromId"}), weight=25
)
AGGREGATE_TRADES = Operation(
    OperationName.AGGREGATE_TRADES,
    _aggregate_trades,
    frozenset({"symbol", "limit", "fromId", "startTime", "endTime"}),
    weight=4,
)
KLINES = Operation(
    OperationName.KLINES,
    _klines,
    frozenset({"symbol", "interval", "limit", "startTime", "endTime", "timeZone"}),
    weight=2,
)
AVERAGE_PRICE = Operation(
    OperationName.AVERAGE_PRICE, _average_price, frozenset({"symbol"}), weight=2
)
DAY_TICKER = Operation(
    OperationName.DAY_TICKER, _day_ticker, _SYMBOLS | {"type"}, weight=_one_or_all(2, 80)
)
PRICE_TICKER = Operation(
    OperationName.PRICE_TICKER, _price_ticker, _SYMBOLS, weight=_one_or_all(2, 4)
)
BOOK_TICKER = Operation(
    OperationName.BOOK_TICKER, _book_tickers, _SYMBOLS, weight=_one_or_all(2, 4)
)
SYSTEM_STATUS = Operation(OperationName.SYSTEM_STATUS, _system_status)
