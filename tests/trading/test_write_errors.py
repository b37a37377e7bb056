"""What ccxt's errors prove about an order write: a table over ccxt's own classes."""

from collections.abc import Iterator

import aiohttp
import ccxt
import pytest

from cryptobot.domain.errors import FenceClosed, NotSent, OrderRefused, OutcomeUnknown, VenueError
from cryptobot.trading.ccxt_translation import OWN_WORDS, one_line, write_error

CODED = 'binance {"code":-2010,"msg":"Account has insufficient balance for requested action."}'
BARE = "binance something went wrong"

REFUSED_WITH_A_CODE = {
    ccxt.InsufficientFunds: "insufficient_funds",
    ccxt.OrderImmediatelyFillable: "would_take",
    ccxt.OrderNotFound: "order_not_found",
    ccxt.DuplicateOrderId: "duplicate_id",
    ccxt.InvalidOrder: "invalid_order",
    ccxt.MarketClosed: "market_closed",
    ccxt.PermissionDenied: "permission_denied",
    ccxt.AuthenticationError: "authentication",
    ccxt.BadSymbol: "bad_symbol",
    ccxt.BadRequest: "bad_request",
    ccxt.OperationRejected: "operation_rejected",
}
BY_STATUS_TOO = {ccxt.AuthenticationError, ccxt.PermissionDenied}
NOT_EXECUTED_WITH_A_CODE = {
    ccxt.DDoSProtection: "rate_limited",
    ccxt.RateLimitExceeded: "rate_limited",
    ccxt.InvalidNonce: "clock_skew",
}
UNKNOWN_EVEN_WITH_A_CODE = {
    ccxt.BaseError: "unclassified",
    ccxt.ExchangeError: "unclassified",
    ccxt.OperationFailed: "unclassified",
    ccxt.BadResponse: "unclassified",
    ccxt.NullResponse: "unclassified",
    ccxt.NetworkError: "network",
    ccxt.ExchangeNotAvailable: "network",
    ccxt.OnMaintenance: "network",
    ccxt.RequestTimeout: "timeout",
}


def _classes(root: type[Exception] = ccxt.BaseError) -> Iterator[type[Exception]]:
    yield root
    for kind in root.__subclasses__():
        yield from _classes(kind)


EVERY_CLASS: list[type[Exception]] = sorted(set(_classes()), key=str)


@pytest.mark.parametrize(("kind", "code"), REFUSED_WITH_A_CODE.items())
def test_refusal_class_with_the_exchanges_code_is_a_refusal(
    kind: type[Exception], code: str
) -> None:
    verdict = write_error(kind(CODED), sent=True)
    assert isinstance(verdict, OrderRefused)
    assert verdict.code == code


@pytest.mark.parametrize(("kind", "code"), REFUSED_WITH_A_CODE.items())
def test_refusal_class_without_a_code_counts_unless_a_bare_status_may_raise_it(
    kind: type[Exception], code: str
) -> None:
    verdict = write_error(kind(BARE), sent=True)
    assert isinstance(verdict, OutcomeUnknown if kind in BY_STATUS_TOO else OrderRefused)
    if isinstance(verdict, OrderRefused):
        assert verdict.code == code


def test_bare_status_of_ccxts_table_never_proves_a_refusal() -> None:
    for kind in set(ccxt.Exchange().httpExceptions.values()):
        for text in (BARE, "binance POST https://x/api/v3/order 403 Forbidden <html>"):
            assert not isinstance(write_error(kind(text), sent=True), OrderRefused)


@pytest.mark.parametrize(("kind", "code"), NOT_EXECUTED_WITH_A_CODE.items())
def test_turned_away_class_with_a_code_was_not_executed(kind: type[Exception], code: str) -> None:
    verdict = write_error(kind('binance {"code":-1015,"msg":"Too many"}'), sent=True)
    assert isinstance(verdict, NotSent)
    assert verdict.code == code
    assert isinstance(write_error(kind(BARE), sent=True), OutcomeUnknown)


@pytest.mark.parametrize(("kind", "code"), UNKNOWN_EVEN_WITH_A_CODE.items())
@pytest.mark.parametrize("text", [CODED, BARE, "binance POST 503 Service Unavailable"])
def test_other_class_is_unknown_whatever_it_says(
    kind: type[Exception], code: str, text: str
) -> None:
    verdict = write_error(kind(text), sent=True)
    assert isinstance(verdict, OutcomeUnknown)
    assert verdict.code == code


@pytest.mark.parametrize("kind", EVERY_CLASS)
def test_every_class_of_ccxt_that_is_no_refusal_is_unknown_once_sent(
    kind: type[Exception],
) -> None:
    refusals = tuple(set(REFUSED_WITH_A_CODE) - BY_STATUS_TOO)
    verdict = write_error(kind(BARE), sent=True)
    assert isinstance(verdict, OrderRefused if issubclass(kind, refusals) else OutcomeUnknown)


@pytest.mark.parametrize("kind", EVERY_CLASS)
def test_every_class_of_ccxt_before_any_byte_left_was_not_sent(kind: type[Exception]) -> None:
    assert isinstance(write_error(kind(CODED), sent=False), NotSent)


@pytest.mark.parametrize(
    "error",
    [RuntimeError("Session is closed"), KeyError("orderId"), TimeoutError(), ValueError("{")],
)
def test_error_of_no_ccxt_class_is_unknown_once_sent(error: Exception) -> None:
    verdict = write_error(error, sent=True)
    assert isinstance(verdict, OutcomeUnknown)
    assert verdict.code == "unclassified"


@pytest.mark.parametrize(
    "error",
    [NotSent("n", "journal"), FenceClosed("f"), OrderRefused("r", "c"), OutcomeUnknown("u", "c")],
)
@pytest.mark.parametrize("sent", [True, False])
def test_verdict_of_our_own_stays_what_it_is(error: VenueError, sent: bool) -> None:
    assert write_error(error, sent=sent) is error


def test_rate_limit_by_status_alone_was_not_executed() -> None:
    text = "binance POST https://api.binance.com/api/v3/order 429 Too Many Requests <html>"
    verdict = write_error(ccxt.RateLimitExceeded(text), sent=True)
    assert isinstance(verdict, NotSent)
    assert verdict.code == "rate_limited"


def test_duplicate_order_proves_that_one_is_there_and_is_no_refusal() -> None:
    for kind in (ccxt.InvalidOrder, ccxt.DuplicateOrderId):
        text = 'binance {"code":-2010,"msg":"Duplicate order sent."}'
        verdict = write_error(kind(text), sent=True)
        assert isinstance(verdict, OutcomeUnknown)
        assert verdict.code == "duplicate_id"


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        (ConnectionRefusedError(), "connection_failed"),
        (aiohttp.ClientPayloadError(), "network"),
        (None, "network"),
    ],
)
def test_unsent_with_each_cause_has_its_code(cause: Exception | None, code: str) -> None:
    error = ccxt.ExchangeNotAvailable(BARE)
    error.__cause__ = cause
    verdict = write_error(error, sent=False)
    assert isinstance(verdict, NotSent)
    assert verdict.code == code


def test_one_line_with_a_signed_url_drops_its_parameters() -> None:
    url = "https://api.binance.com/api/v3/order?symbol=BTCUSDT&signature=c0ffee"
    line = one_line(ccxt.RequestTimeout(f"binance POST\n{url} timed out"))
    assert line == ("RequestTimeout: binance POST https://api.binance.com/api/v3/order timed out")


def test_one_line_with_anything_is_short_and_valid_text() -> None:
    assert len(one_line(ValueError("x" * 1000))) == 200
    assert one_line(ValueError("half \ud800")).encode() == b"ValueError: half ?"
    assert one_line(KeyError()) == "KeyError: KeyError"


def test_write_error_with_an_empty_book_is_refused_by_its_code_whatever_the_class() -> None:
    error = ccxt.OperationFailed('binance {"code":-1112,"msg":"No orders on book for symbol."}')
    verdict = write_error(error, sent=True)
    assert isinstance(verdict, OrderRefused)
    assert verdict.code == "no_liquidity"
    assert isinstance(write_error(error, sent=False), NotSent)


@pytest.mark.parametrize("words", sorted(OWN_WORDS))
def test_exchanges_own_words_are_a_refusal_though_a_status_could_raise_the_class(
    words: str,
) -> None:
    verdict = write_error(ccxt.PermissionDenied(f"binance {words}"), sent=True)
    assert isinstance(verdict, OrderRefused)
    assert verdict.code == "permission_denied"
    by_proxy = ccxt.PermissionDenied(f"binance POST https://x/api/v3/order 403 {words}")
    assert isinstance(write_error(by_proxy, sent=True), OutcomeUnknown)
