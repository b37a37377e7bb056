"""What ``/api`` asks of the program behind it, who may ask, and with which parameters."""

import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from telemetry.connections import json_answer

DAYS_RANGE = (1, 366)
DEFAULT_DAYS = 7


@dataclass(frozen=True, slots=True)
class ApiProviders:
    """Where ``/api`` gets its answers: anything that JSON can hold.

    Attributes:
        orders_daily: Orders by day, of so many days up to today.
        status_changes: Changes of order states, of so many days.
        summary: The journal in numbers.
        circuit_breakers: Every circuit breaker.
    """

    orders_daily: Callable[[int], Awaitable[object]]
    status_changes: Callable[[int], Awaitable[object]]
    summary: Callable[[], Awaitable[object]]
    circuit_breakers: Callable[[], Awaitable[object]]


class BadParameter(Exception):  # noqa: N818 - named for what it is
    """A query parameter is wrong.

    Args:
        name: Of the parameter.
        message: One line: what is wrong and what is allowed.
        allowed: Least and greatest value, where there is a range.
    """

    def __init__(self, name: str, message: str, allowed: tuple[int, int] | None = None) -> None:
        super().__init__(message)
        self.name = name
        self.allowed = allowed

    def answer(self) -> web.Response:
        """Return the 400 that says so."""
        body: dict[str, object] = {"error": str(self), "parameter": self.name}
        if self.allowed is not None:
            body["range"] = list(self.allowed)
        return json_answer(400, body)


def only(request: web.BaseRequest, *names: str) -> None:
    """Raise ``BadParameter`` if the query holds anything but ``names``, or one of them twice."""
    for name in request.query:
        if name not in names:
            takes = f"it takes {', '.join(names)}" if names else "it takes none"
            raise BadParameter(name, f"{request.path} has no parameter {name!r}; {takes}")
        if len(request.query.getall(name)) > 1:
            raise BadParameter(name, f"{name} is given more than once")


def days(request: web.BaseRequest) -> int:
    """Return the parameter ``days``. Raises ``BadParameter``."""
    only(request, "days")
    low, high = DAYS_RANGE
    text = request.query.get("days", str(DEFAULT_DAYS))
    # isdecimal() and int() take other scripts' digits, and int() takes very long texts.
    value = int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(high)) else 0
    if not low <= value <= high:
        message = f"days must be a whole number from {low} to {high}, not {text[:20]!r}"
        raise BadParameter("days", message, DAYS_RANGE)
    return value


def refusal(request: web.BaseRequest, token: str | None) -> web.Response | None:
    """Return why ``request`` may not use ``/api``, or ``None`` if it may.

    With a token every caller needs it. Without one only loopback peers are answered, and only
    under a loopback name: a web page that had its own name point here must not read it.
    """
    if token is not None:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        same = hmac.compare_digest(given.strip().encode(), token.encode())
        if scheme.lower() == "bearer" and same:
            return None
        headers = {"WWW-Authenticate": 'Bearer realm="cryptobot"'}
        return json_answer(401, {"error": "needs Authorization: Bearer <api.token>"}, headers)
    if not _is_loopback(request.remote or ""):
        return json_answer(403, {"error": "without api.token, /api answers loopback only"})
    host = _host_name(request.headers.get("Host", "localhost"))
    if host != "localhost" and not _is_loopback(host):
        return json_answer(403, {"error": "without api.token, ask for localhost or 127.0.0.1"})
    return None


def _host_name(header: str) -> str:
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(ip, "ipv4_mapped", None)
    return (mapped or ip).is_loopback
