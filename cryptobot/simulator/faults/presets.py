"""Faults with a name: what a person picks from a menu.

Sources: incidents reported for trading programs, and Binance's documentation of its statuses.
"""

from collections.abc import Mapping
from dataclasses import dataclass

_ORDER = {"operation": "place_order"}
_CANCEL = {"operation": "cancel_order"}
_BUSY = "Too much request weight used; current limit is 6000 request weight per 1 MINUTE."
_UNKNOWN_STATUS = (
    "Timeout waiting for response from backend server. Send status unknown; execution status "
    "unknown."
)


@dataclass(frozen=True, slots=True)
class Preset:
    """A named description.

    Attributes:
        about: One line for people.
        faults: What it sets, as JSON objects.
        group: What it is about, as the title of a menu.
    """

    name: str
    about: str
    faults: tuple[Mapping[str, object], ...]
    group: str


def _once(kind: str, match: Mapping[str, object], **more: object) -> Mapping[str, object]:
    return {"kind": kind, "match": match, "count": 1, **more}


def _reply(match: Mapping[str, object], status: int, code: int, msg: str) -> Mapping[str, object]:
    return {"kind": "reply", "match": match, "status": status, "code": code, "msg": msg}


def _refused(code: int, msg: str, status: int = 400) -> Mapping[str, object]:
    return {**_reply(_ORDER, status, code, msg), "when": "before", "count": 1}


_Rows = tuple[tuple[str, str, tuple[Mapping[str, object], ...]], ...]

_ANSWERS: _Rows = (
    ("lost_reply", "The next order is taken, its answer never comes", (_once("hang", _ORDER),)),
    ("accepted_then_silent", "The next order is taken, no answer; for 60 s reads are 15 s old", (
        _once("hang", _ORDER, for_s=60),
        {"kind": "drop", "match": {"event": "executionReport"}, "for_s": 60},
        {"kind": "stale", "lag_ms": 15_000, "for_s": 60},
    )),
    (
        "lost_request",
        "The next order never reaches the exchange, and no answer comes",
        (_once("hang", _ORDER, when="before"),),
    ),
    ("reply_reset", "The next order is taken, then the connection is reset", (
        _once("reset", _ORDER),
    )),
    ("reply_cut", "The answer to the next order breaks off", (_once("short_body", _ORDER),)),
    ("reply_truncated", "The answer to the next order is half a JSON", (
        _once("truncate", _ORDER),
    )),
    ("reply_empty", "The answer to the next order is empty", (_once("empty_body", _ORDER),)),
    ("reply_html", "The answer to the next order is a web page", (_once("html", _ORDER),)),
    ("reply_corrupt", "The answer to the next order is damaged gzip", (
        _once("corrupt_gzip", _ORDER),
    )),
    ("bad_gateway", "The next order is taken and answered with a proxy's 502", (
        _once("html", _ORDER, status=502),
    )),
    ("gateway_timeout", "The next order is taken and answered with a proxy's 504", (
        _once("html", _ORDER, status=504),
    )),
    ("unknown_error", "The next order is taken and answered with 503 -1000", (
        {**_reply(_ORDER, 503, -1000, "Unknown error, please check your request or try again "
                  "later."), "count": 1},
    )),
    ("status_unknown", "The next order is taken and answered with 504 -1007", (
        {**_reply(_ORDER, 504, -1007, _UNKNOWN_STATUS), "count": 1},
    )),
    ("ack_only", "Orders are answered with their ids only", ({"kind": "ack_only"},)),
    ("cancel_lost_reply", "The next cancel is done and answered with a proxy's 504", (
        _once("html", _CANCEL, status=504),
    )),
)  # fmt: skip

_LIMITS: _Rows = (
    ("rate_limit", "429 with Retry-After for 7 s; going on leads to a ban", (
        {"kind": "rate_limit", "count": 1},
    )),
    ("ban", "The address is banned for two minutes: 418", ({"kind": "ban", "count": 1},)),
    ("queue_full", "The next request is refused: 400 -1003, too many are queued", (
        {**_reply({"operation": "any"}, 400, -1003, "Too many requests queued."),
         "when": "before", "count": 1},
    )),
    ("busy", "Reads are refused with 429 -1003 for 10 s", (
        {**_reply({"operation": "any_read"}, 429, -1003, _BUSY), "when": "before", "for_s": 10,
         "retry_after_s": 10},
    )),
    ("too_many_orders", "The next order is refused: 429 -1015", (
        {**_refused(-1015, "Too many new orders; current limit is 50 orders per 10 SECOND.", 429),
         "retry_after_s": 10},
    )),
    ("restricted_location", "Everything answers 451 with code 0", (
        {**_reply({"operation": "any"}, 451, 0, "Service unavailable from a restricted location "
                  "according to 'b. Eligibility'."), "when": "before"},
    )),
    ("bad_key", "Signed requests are refused: 401 -2015", (
        {**_reply({"operation": "any_signed"}, 401, -2015,
                  "Invalid API-key, IP, or permissions for action."), "when": "before"},
    )),
    ("bad_signature", "The next signed request is refused: -1022", (
        {**_reply({"operation": "any_signed"}, 400, -1022,
                  "Signature for this request is not valid."), "when": "before", "count": 1},
    )),
    ("clock_ahead", "The exchange's clock is 20 s ahead: requests are too old", (
        {"kind": "clock_skew", "skew_ms": 20_000},
    )),
    ("clock_behind", "The exchange's clock is 5 s behind: requests come from the future", (
        {"kind": "clock_skew", "skew_ms": -5_000},
    )),
)  # fmt: skip

_REFUSALS: _Rows = (
    ("no_funds", "The next order is refused: insufficient balance", (
        _refused(-2010, "Account has insufficient balance for requested action."),
    )),
    ("filter_notional", "The next order is refused: NOTIONAL", (
        _refused(-1013, "Filter failure: NOTIONAL"),
    )),
    ("filter_percent_price", "The next order is refused: PERCENT_PRICE_BY_SIDE", (
        _refused(-1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    )),
    ("market_closed", "All symbols are halted", ({"kind": "market_closed"},)),
    ("trading_disabled", "Orders are refused: trading by API is not enabled", (
        {**_refused(-2010, "Rest API trading is not enabled."), "count": None},
    )),
    ("maintenance", "Maintenance: 503 everywhere, system status 1", ({"kind": "maintenance"},)),
)  # fmt: skip

_READS: _Rows = (
    ("stale_reads", "The account's reads are 3 s old: a new order does not exist yet", (
        {"kind": "stale", "lag_ms": 3_000},
    )),
    ("empty_account", "The account is {}", (
        {"kind": "reply", "match": {"operation": "account"}, "status": 200, "body": {}},
    )),
    ("no_symbols", "exchangeInfo lists no symbols", (
        {"kind": "patch", "match": {"operation": "exchange_info"}, "fields": {"symbols": []}},
    )),
    ("cut_symbols", "exchangeInfo is half a JSON", (
        {"kind": "truncate", "match": {"operation": "exchange_info"}},
    )),
    ("no_candles", "Candles are an empty list", (
        {"kind": "reply", "match": {"operation": "klines"}, "status": 200, "body": []},
    )),
    ("html_candles", "Candles are a web page", (
        {"kind": "html", "match": {"operation": "klines"}},
    )),
    ("empty_book", "The book is empty", (
        {"kind": "patch", "match": {"operation": "depth"}, "fields": {"bids": [], "asks": []}},
    )),
    ("zero_price", "Tickers say 0, as those of a delisted symbol", (
        {"kind": "patch", "match": {"operation": "day_ticker"},
         "fields": dict.fromkeys(
             ("lastPrice", "bidPrice", "askPrice", "openPrice", "highPrice", "lowPrice",
              "priceChange", "weightedAvgPrice", "prevClosePrice", "volume", "quoteVolume"),
             "0.00000000")},
        {"kind": "patch", "match": {"operation": "price_ticker"},
         "fields": {"price": "0.00000000"}},
    )),
)  # fmt: skip

_LINK: _Rows = (
    ("slow_link", "Every request and answer takes 300 to 800 ms longer", (
        {"kind": "delay", "match": {"channel": ["rest", "ws_api"]}, "delay_ms": 300,
         "jitter_ms": 500},
    )),
    ("flaky_link", "One request in ten is reset, before or after the work", (
        {"kind": "reset", "match": {"operation": "any"}, "probability": 0.05, "when": "before"},
        {"kind": "reset", "match": {"operation": "any"}, "probability": 0.05, "when": "after"},
    )),
)  # fmt: skip

_SOCKETS: _Rows = (
    ("socket_cut", "Every websocket is cut without a word", (
        {"kind": "reset", "match": {"channel": ["market", "user"]}, "for_s": 0},
    )),
    ("socket_closed", "Every websocket is closed with 1001", (
        {"kind": "close", "match": {"channel": ["market", "user"]}, "for_s": 0},
    )),
    ("silent_sockets", "Every open websocket goes silent and stays open", (
        {"kind": "silence", "for_s": 0},
    )),
    ("silent_market", "Market streams go silent and stay open", (
        {"kind": "silence", "match": {"channel": "market"}, "for_s": 0},
    )),
    ("malformed_frame", "The next market event is no JSON", (
        {"kind": "malformed", "match": {"channel": "market"}, "count": 1},
    )),
    ("malformed_user_frame", "The next event of the account is no JSON", (
        {"kind": "malformed", "match": {"channel": "user"}, "count": 1},
    )),
    ("depth_gap", "One depth update is lost: a gap in the sequence", (
        {"kind": "drop", "match": {"event": "depthUpdate"}, "count": 1},
    )),
    ("lost_fills", "The account's fills are never told", (
        {"kind": "drop", "match": {"event": "executionReport", "execution": "TRADE"}},
    )),
    ("late_partial_fill", "A partial fill is told after the fill that follows it", (
        {"kind": "reorder", "match": {"event": "executionReport", "execution": "TRADE"},
         "count": 1},
    )),
    ("double_fills", "The account's fills are told twice", (
        {"kind": "duplicate", "match": {"event": "executionReport", "execution": "TRADE"}},
    )),
    ("server_shutdown", "serverShutdown on every websocket, closed 10 s later", (
        {"kind": "shutdown", "for_s": 0},
    )),
    ("subscribe_refused", "SUBSCRIBE is refused", ({"kind": "refuse_subscribe"},)),
    ("connect_refused", "Websockets are refused: 429 with Retry-After", (
        {"kind": "refuse_connect", "retry_after_s": 30},
    )),
    ("ws_order_cut", "The next ws-api order is taken, then the socket dies", (
        _once("reset", {"channel": "ws_api", "operation": "place_order"}),
    )),
)  # fmt: skip

_GROUPS: Mapping[str, _Rows] = {
    "Answers to orders": _ANSWERS,
    "Limits, bans, keys, clock": _LIMITS,
    "Refusals": _REFUSALS,
    "Reads that lie": _READS,
    "The link": _LINK,
    "Websockets": _SOCKETS,
}

PRESETS: Mapping[str, Preset] = {
    row[0]: Preset(*row, group) for group, rows in _GROUPS.items() for row in rows
}


def catalogue() -> list[dict[str, object]]:
    """Return every preset for a menu: group, name, one line, and what it sets."""
    return [
        {
            "name": preset.name,
            "about": preset.about,
            "group": preset.group,
            "faults": [dict(fault) for fault in preset.faults],
        }
        for preset in PRESETS.values()
    ]
