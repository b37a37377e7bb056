"""Every way to fail, as one table: where it applies and what may be said about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, auto

from cryptobot.simulator.faults import options as opt
from cryptobot.simulator.faults.occasion import Channel, Moment
from cryptobot.simulator.faults.options import Option
from cryptobot.simulator.operations.names import SIGNED_READS, OperationName


class When(StrEnum):
    """Whether the exchange did the work."""

    BEFORE = "before"
    """It never saw the request: a lost request."""
    AFTER = "after"
    """It did all that was asked: a lost reply."""


class FaultKind(StrEnum):
    """What goes wrong."""

    HANG = "hang"
    RESET = "reset"
    CLOSE = "close"
    SHORT_BODY = "short_body"
    WRONG_LENGTH = "wrong_length"
    TRUNCATE = "truncate"
    EMPTY_BODY = "empty_body"
    HTML = "html"
    CORRUPT_GZIP = "corrupt_gzip"
    REPLY = "reply"
    DELAY = "delay"
    ACK_ONLY = "ack_only"
    STALE = "stale"
    PATCH = "patch"
    MARKET_CLOSED = "market_closed"
    MAINTENANCE = "maintenance"
    RATE_LIMIT = "rate_limit"
    BAN = "ban"
    CLOCK_SKEW = "clock_skew"
    DROP = "drop"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    MALFORMED = "malformed"
    SILENCE = "silence"
    SHUTDOWN = "shutdown"
    REFUSE_CONNECT = "refuse_connect"
    REFUSE_SUBSCRIBE = "refuse_subscribe"


class Role(StrEnum):
    """How faults of one occasion go together."""

    DECIDES = auto()
    """Says what becomes of it: of these only the first applies."""
    CHANGES = auto()
    """Changes something about it: all of these apply."""
    LASTS = auto()
    """A state of the exchange, not of one occasion."""


_REQUEST = frozenset({Moment.REQUEST})
_ENTRY = frozenset({Moment.REQUEST, Moment.CONNECT})
_EVENT = frozenset({Moment.EVENT})
_LINK = frozenset({Moment.EVENT, Moment.SOCKET})
_REST = frozenset({Channel.REST})
_ASKED = frozenset({Channel.REST, Channel.WS_API})
_TOLD = frozenset({Channel.MARKET, Channel.USER})
_SOCKETS = frozenset({Channel.MARKET, Channel.USER, Channel.WS_API})
_ALL = frozenset(Channel)
_HALTED = frozenset(
    {OperationName.PLACE_ORDER, OperationName.TEST_ORDER, OperationName.CANCEL_REPLACE}
)
_EITHER = (When.AFTER, When.BEFORE)
_AFTER = (When.AFTER,)
_BEFORE = (When.BEFORE,)


@dataclass(frozen=True, slots=True)
class KindRule:
    """Where a kind of fault applies.

    Attributes:
        about: One line for people.
        whens: Allowed values of ``when``, the default first; empty where it means nothing.
        options: What else may be said.
        operations: The requests it means anything for, ``None`` for all.
        of_all_symbols: Requests that it is meant for whatever symbol it names.
    """

    about: str
    moments: frozenset[Moment]
    channels: frozenset[Channel]
    whens: tuple[When, ...] = ()
    options: tuple[Option, ...] = ()
    role: Role = Role.DECIDES
    operations: frozenset[OperationName] | None = None
    of_all_symbols: frozenset[OperationName] = frozenset()


_K = FaultKind
KINDS: Mapping[FaultKind, KindRule] = {
    _K.HANG: KindRule("No answer until the client gives up", _ENTRY, _ALL, _EITHER, (opt.HOLD_S,)),
    _K.RESET: KindRule(
        "The connection is reset (RST) without an answer", _REQUEST | _LINK, _ALL, _EITHER
    ),
    _K.CLOSE: KindRule(
        "The connection is closed: without an answer, or a websocket with a code",
        _REQUEST | _LINK,
        _ALL,
        _EITHER,
        (opt.CLOSE_CODE, opt.REASON),
    ),
    _K.SHORT_BODY: KindRule(
        "Half of the body, then the connection closes", _REQUEST, _REST, _EITHER, (opt.KEEP,)
    ),
    _K.WRONG_LENGTH: KindRule(
        "Content-Length differs from the body by so many bytes",
        _REQUEST,
        _REST,
        _EITHER,
        (opt.BY,),
    ),
    _K.TRUNCATE: KindRule(
        "A cut JSON body with the right Content-Length", _REQUEST, _ASKED, _EITHER, (opt.KEEP,)
    ),
    _K.EMPTY_BODY: KindRule("An empty body", _REQUEST, _REST, _EITHER, (opt.OK_STATUS,)),
    _K.HTML: KindRule(
        "An HTML page in place of the answer: a challenge, a proxy's error",
        _REQUEST,
        _REST,
        _EITHER,
        (opt.OK_STATUS,),
    ),
    _K.CORRUPT_GZIP: KindRule(
        "A body that says it is gzip and is damaged", _REQUEST, _REST, _EITHER
    ),
    _K.REPLY: KindRule(
        "Any answer: status, code and msg, or any body, and headers",
        _REQUEST,
        _ASKED,
        _EITHER,
        (opt.STATUS, opt.CODE, opt.MSG, opt.BODY, opt.HEADERS, opt.RETRY_AFTER_S),
    ),
    _K.DELAY: KindRule(
        "A slow link: the request, the answer or the event comes later",
        _REQUEST | _EVENT,
        _ALL,
        _EITHER,
        (opt.DELAY_MS, opt.JITTER_MS),
        Role.CHANGES,
    ),
    _K.ACK_ONLY: KindRule(
        "A new order is answered with its ids only",
        _REQUEST,
        _ASKED,
        _AFTER,
        role=Role.CHANGES,
        operations=frozenset({OperationName.PLACE_ORDER}),
    ),
    _K.STALE: KindRule(
        "The account's reads show what was some time ago",
        _REQUEST,
        _ASKED,
        options=(opt.LAG_MS,),
        role=Role.CHANGES,
        operations=SIGNED_READS,
    ),
    _K.PATCH: KindRule(
        "Fields of the answer or event are replaced (a JSON merge patch)",
        _REQUEST | _EVENT,
        _ALL,
        _AFTER,
        (opt.FIELDS,),
        Role.CHANGES,
    ),
    _K.MARKET_CLOSED: KindRule(
        "The symbol is halted: status BREAK, new orders are refused",
        _REQUEST,
        _ASKED,
        operations=_HALTED | {OperationName.EXCHANGE_INFO},
        of_all_symbols=frozenset({OperationName.EXCHANGE_INFO}),
    ),
    _K.MAINTENANCE: KindRule(
        "Everything answers 503, and the system status is 1", _ENTRY, _ALL, _BEFORE
    ),
    _K.RATE_LIMIT: KindRule(
        "Everything is refused with 429 for a time; going on leads to a ban",
        _ENTRY,
        _ALL,
        _BEFORE,
        (opt.THROTTLE_S,),
    ),
    _K.BAN: KindRule(
        "Everything is refused with 418 until the ban ends", _ENTRY, _ALL, _BEFORE, (opt.BAN_S,)
    ),
    _K.CLOCK_SKEW: KindRule(
        "The exchange's clock is wrong",
        frozenset(),
        frozenset(),
        options=(opt.SKEW_MS,),
        role=Role.LASTS,
    ),
    _K.DROP: KindRule("An event is never sent", _EVENT, _TOLD),
    _K.DUPLICATE: KindRule(
        "An event, or an answer on the ws-api, is sent twice", _EVENT | _REQUEST, _SOCKETS, _AFTER
    ),
    _K.REORDER: KindRule(
        "An event is sent after the next one that the fault is meant for", _EVENT, _TOLD
    ),
    _K.MALFORMED: KindRule("A frame that is no JSON", _EVENT, _TOLD, options=(opt.FRAME,)),
    _K.SILENCE: KindRule(
        "The socket stays open and nothing comes any more, not even pings", _LINK, _SOCKETS
    ),
    _K.SHUTDOWN: KindRule(
        "A serverShutdown event, then the socket closes",
        _LINK,
        _SOCKETS,
        options=(opt.CLOSE_AFTER_S,),
    ),
    _K.REFUSE_CONNECT: KindRule(
        "A websocket is refused with an HTTP status",
        frozenset({Moment.CONNECT}),
        _SOCKETS,
        options=(opt.REFUSAL_STATUS, opt.RETRY_AFTER_S),
    ),
    _K.REFUSE_SUBSCRIBE: KindRule(
        "SUBSCRIBE is answered with an error",
        frozenset({Moment.SUBSCRIBE}),
        frozenset({Channel.MARKET}),
        options=(opt.ERROR_CODE, opt.ERROR_MSG),
    ),
}
