"""What may be said about a fault beyond when and where, each with its range."""

from collections.abc import Callable
from dataclasses import dataclass

_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Option:
    """One field of a description.

    Attributes:
        allowed: Said when the value is not.
        default: Used when nothing is said; ``None`` for nothing.
    """

    name: str
    allowed: str
    is_allowed: Callable[[object], bool]
    default: object = None


def _whole(name: str, low: int, high: int, default: int | None) -> Option:
    def allowed(value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

    return Option(name, f"a whole number from {low} to {high}", allowed, default)


def _number(name: str, low: float, high: float, default: float | None) -> Option:
    def allowed(value: object) -> bool:
        return (
            isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
        )

    return Option(name, f"a number from {low:g} to {high:g}", allowed, default)


def _text(name: str, default: str | None) -> Option:
    return Option(name, "a text", lambda value: isinstance(value, str), default)


def _is_headers(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(text, str) and text.isprintable() for text in value.values()
    )


HOLD_S = _number("hold_s", 0, _DAY_S, None)
CLOSE_CODE = _whole("close_code", 1000, 4999, 1001)
REASON = _text("reason", "")
KEEP = _number("keep", 0, 0.99, 0.5)
BY = Option(
    "by",
    "a whole number from -1000000 to 1000000 that is not 0",
    lambda value: (
        isinstance(value, int)
        and not isinstance(value, bool)
        and value != 0
        and abs(value) <= 1_000_000  # noqa: PLR2004 - said in the words above
    ),
    10,
)
STATUS = _whole("status", 200, 599, None)
OK_STATUS = _whole("status", 200, 599, 200)
REFUSAL_STATUS = _whole("status", 400, 599, 429)
CODE = _whole("code", -99_999, 99_999, None)
MSG = _text("msg", None)
BODY = Option("body", "a text (sent as it is) or any JSON", lambda _: True)
HEADERS = Option("headers", "an object of texts", _is_headers)
RETRY_AFTER_S = _whole("retry_after_s", 0, 3 * _DAY_S, None)
DELAY_MS = _number("delay_ms", 0, 1000 * _DAY_S, 500)
JITTER_MS = _number("jitter_ms", 0, 1000 * _DAY_S, 0)
LAG_MS = _whole("lag_ms", 1, 600_000, 1_000)
FIELDS = Option("fields", "a JSON object", lambda value: isinstance(value, dict), {})
THROTTLE_S = _whole("retry_after_s", 1, 3 * _DAY_S, 7)
BAN_S = _whole("ban_s", 1, 3 * _DAY_S, 120)
SKEW_MS = _whole("skew_ms", -1000 * _DAY_S, 1000 * _DAY_S, 5_000)
FRAME = _text("frame", '{"e":"trade","E":17')
CLOSE_AFTER_S = _number("close_after_s", 0, 3_600, 10)
ERROR_CODE = _whole("code", -99_999, 99_999, 2)
ERROR_MSG = _text("msg", "Invalid request")
