"""``exchangeInfo``."""

from collections.abc import Iterable

from cryptobot.domain.money import ZERO
from cryptobot.simulator.listing import Listing
from cryptobot.simulator.wire.numbers import ZERO8, eight

ORDER_TYPES = (
    "LIMIT",
    "LIMIT_MAKER",
    "MARKET",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
)
SELF_TRADE_PREVENTION = "EXPIRE_TAKER"


def exchange_info(
    server_ms: int, rules: list[dict[str, object]], listings: Iterable[Listing]
) -> dict[str, object]:
    """Return the exchange's rules and symbols."""
    return {
        "timezone": "UTC",
        "serverTime": server_ms,
        "rateLimits": rules,
        "exchangeFilters": [],
        "symbols": [symbol_info(listing) for listing in listings],
    }


def symbol_info(listing: Listing) -> dict[str, object]:
    """Return one symbol of ``exchangeInfo``."""
    instrument = listing.instrument
    return {
        "symbol": listing.wire,
        "status": "TRADING" if instrument.active else "BREAK",
        "baseAsset": instrument.base,
        "baseAssetPrecision": 8,
        "quoteAsset": instrument.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": list(ORDER_TYPES),
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "amendAllowed": False,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _filters(listing),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": SELF_TRADE_PREVENTION,
        "allowedSelfTradePreventionModes": [SELF_TRADE_PREVENTION],
    }


def _filters(listing: Listing) -> list[dict[str, object]]:
    instrument, rules = listing.instrument, listing.filters
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": eight(instrument.min_price or ZERO),
            "maxPrice": eight(instrument.max_price or ZERO),
            "tickSize": eight(instrument.price_step),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": eight(instrument.min_amount),
            "maxQty": eight(instrument.max_amount or ZERO),
            "stepSize": eight(instrument.amount_step),
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": eight(rules.market_min_amount or ZERO),
            "maxQty": eight(listing.market_max_amount),
            "stepSize": ZERO8,
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": str(rules.bid_multiplier_up),
            "bidMultiplierDown": str(rules.bid_multiplier_down),
            "askMultiplierUp": str(rules.ask_multiplier_up),
            "askMultiplierDown": str(rules.ask_multiplier_down),
            "avgPriceMins": 5,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": eight(instrument.min_notional),
            "applyMinToMarket": True,
            "maxNotional": eight(instrument.max_notional or ZERO),
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
    ]
