"""The words of the control socket, shared by the engine, the window and the ops scripts.

Requests and answers are JSON-RPC 2.0 objects, one a line, UTF-8, at most ``MAX_LINE`` bytes.
After ``subscribe {"topics": [...]}`` the engine sends notifications
``{"jsonrpc": "2.0", "method": "event", "params": {"topic": T, "data": D}}``.

Amounts and prices are strings; times are ISO 8601 UTC strings unless the name ends in a unit.

Topics and their data:

===========  ===============================================================  =================
topic        data                                                             when
===========  ===============================================================  =================
status       the answer of ``engine.status``                                  each second, and
                                                                              on a mode change
mode         mode, mode_since, mode_reason, trigger, actor, trading_state,    each change
             fenced
orders       an order                                                         each change
fills        a fill plus order_id and mode                                    each fill
candles      symbol, timeframe, candle: [open_ms, o, h, l, c, v] (strings     latest by symbol,
             but for open_ms)                                                 4 a second at most
book         symbol, bids, asks: [[price, amount], ...] ten a side, age_ms    latest by symbol,
                                                                              10 a second at most
portfolio    the answer of ``portfolio.get``                                  on change, once a
                                                                              second at most
log          ts, level, logger, event, and the record's other fields          each record
strategies   the answer of ``strategy.list``                                  on change
===========  ===============================================================  =================

``orders`` and ``fills`` are never dropped; of ``candles``, ``book``, ``status``, ``portfolio`` and
``strategies`` a slow reader gets the latest; of ``log`` the newest, with ``dropped`` counted.

Methods beyond the contract's:

- ``market.candles {symbol, timeframe, limit?}`` answers ``{symbol, timeframe, candles: [...]}``.
- ``market.book {symbol}`` answers the ``book`` data.
- ``instrument.list`` answers ``[{symbol, base, quote, price_step, amount_step, min_amount,
  min_notional}]``.
- ``fill.list {symbol?, limit?}`` answers fills as in the topic, newest first.
- ``portfolio.get`` answers ``{mode, currency, equity, balances_at, balances: [{asset, free, locked,
  total}], positions: [{symbol, amount, average, mark, unrealized, realized}]}``. Positions come
  from fills of the current mode, balances from the venue as it had them at ``balances_at`` (null
  before they were ever read).
- ``order.place`` also takes ``expect_mode``: it is denied when orders go elsewhere by then; and
  ``request_id`` (1 to 64 of ``A-Za-z0-9_.:-``): asked again with it, the order that it made is
  answered and none is placed. Another order under the same id is denied. The newest 5,000 orders
  are remembered.
- ``reconciliation.get`` answers the last comparison with the exchange, ``null`` before the first:
  ``{at, outcome, repaired, balances_compared, differences: [{kind, subject, detail, order_id}],
  external_orders: [{symbol, exchange_order_id, client_order_id, side, amount}]}``; outcome:
  ``clean``, ``repaired``, ``mismatch``, ``failed``; kinds: ``unreadable``, ``unknown_own_order``,
  ``open_there``, ``forgotten``, ``missing_trades``, ``traded_after_all``, ``unresolved``,
  ``balance``, ``balance_not_believed``. External orders are listed and never touched; a balance
  that our trades do not explain is told once and counted from then on.
- ``order.get`` answers an order with its history: ``events: [{seq, at, from, state, reason,
  evidence}]``, oldest first (``null`` while the journal cannot be read).
- ``order.settle {order_id, outcome, exchange_order_id?, reason, actor, force?}`` answers the order.
  Only for one that is ``unresolved``. outcome ``adopt``: the exchange's order of that id (without
  one: of our client order id) is this one, its state is taken over; ``not_placed``: the exchange
  never had it, it is ``rejected``. Refused with ``REFUSED`` when the exchange says otherwise, and
  for ``not_placed`` also when it cannot be asked, unless ``force``.
- ``deadletter.list {state?, limit?}`` answers ``[{id, sink, operation, subject, payload, evidence,
  attempts, first_at, last_at, state, reason, actor, updated_at}]``, newest first; state: ``dead``
  (what is asked for when it is left out; ``null`` for all), ``retried``, ``discarded``.
- ``deadletter.retry {id, actor?}`` and ``deadletter.discard {id, reason, actor?}`` answer the
  letter; ``REFUSED`` when it is not dead, or a retry could double an order.
- ``mode.get`` answers the ``mode`` data.
- ``mode.set`` answers the ``mode`` data plus ``open_live_orders: [order]``,
  ``in_flight: [{order_id, client_order_id, symbol, outcome}]`` (outcome: ``stopped_before_wire``,
  ``still_unknown``, or the state it was answered with), ``canceled: [order]``,
  ``paper_account_from`` (when the live balances were read that the paper account was started with)
  and ``paper_account_age_s`` (how old they were); both null when it was not started anew.
- ``exchange.restart`` connects anew and lets open circuit breakers try at once; it answers the
  status's ``exchange``.
- ``strategy.list`` answers ``[{name, state, symbol, params, orders, fills, error, origin,
  defaults}]``; state: ``stopped``, ``running``, ``failed``.

``engine.status`` answers: ``version, pid, uptime_s, state_dir, account, mode, mode_since,
mode_reason, trading_state, fenced, live_blockers: [str],
exchange: {id, up, simulated, connect_to, clock_skew_ms, streams: {NAME: {connected, age_ms}}},
symbols: [str], timeframe,
orders: {open, unresolved, in_flight, sent_total, failed_total},
daily_loss: {live, paper} (what the UTC day has cost; null while a price is missing),
reconciliation: {at, outcome, differences, external_orders} (numbers; null before the first),
breakers: [{name, state, failures_in_a_row, last_failure, opens_probes_in_s}] (state: ``closed``,
``open``, ``half_open``),
dead_letters: {waiting, changed_at} (``changed_at`` is new whenever any letter is),
failover: {enabled, armed, fell_back, last: {trigger, reason, at}, triggers: [{trigger, on, when,
holds, holds_in_s}]} (``armed``: enabled, and live; ``fell_back``: on paper because of it; ``last``
is null before the first; ``holds``: why its condition is met now, else null; ``holds_in_s``: when
it will be if the trouble lasts, null without),
latency_ms: {count, p50, p95} (of the last 5 minutes; null without orders),
market: {SYMBOL: {bid, ask, last, age_ms}},
health: {status: ok|degraded|critical, components: {NAME: {status, detail}}},
metrics: {host, port}, strategies: {running, failed}, event_loop_lag_ms``.
"""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Final

MAX_LINE: Final = 65_536
"""Longest request or answer line in bytes the engine reads; answers may be longer."""

MAX_ANSWER_LINE: Final = 16 * 1024 * 1024
"""Longest line a client should accept."""

SOCKET_NAME: Final = "control.sock"
LOCK_NAME: Final = "engine.lock"
FENCE_NAME: Final = "PAPER_ONLY"


class ErrorCode(IntEnum):
    """JSON-RPC error codes: the standard ones, then ours."""

    PARSE_ERROR = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    INTERNAL_ERROR = -32603
    LIVE_REFUSED = -32001
    """``data.failed`` lists the preconditions: ``[{"precondition", "detail"}]``."""
    NOT_FOUND = -32002
    JOURNAL_UNAVAILABLE = -32003
    RATE_LIMITED = -32004
    SHUTTING_DOWN = -32005
    FAILED = -32006
    """The engine tried and could not; the message says why."""
    REFUSED = -32007
    """What was asked does not fit how things stand; the message says how they do."""


class Topic(StrEnum):
    """What can be subscribed to; the module's table says what each brings."""

    STATUS = "status"
    MODE = "mode"
    ORDERS = "orders"
    FILLS = "fills"
    CANDLES = "candles"
    BOOK = "book"
    PORTFOLIO = "portfolio"
    LOG = "log"
    STRATEGIES = "strategies"


class RpcError(Exception):
    """A JSON-RPC error: raised by handlers in the engine, and by clients on an error answer.

    Args:
        code: One of ``ErrorCode``, or any integer a newer engine may send.
        message: One line: what is wrong, where, what to do.
        data: Details for programs.
    """

    def __init__(self, code: int, message: str, data: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data
