"""Parameters of one request, read with the errors Binance gives for bad ones."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

import orjson

from cryptobot.simulator.wire_error import WireError, illegal, mandatory, unread

_DECIMAL = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_INTEGER = r"^[0-9]{1,20}$"
_SYMBOL = r"^[A-Z0-9-_.]{1,20}$"
_CLIENT_ID = r"^[a-zA-Z0-9-_]{1,36}$"
_DECIMAL_RE, _INTEGER_RE = re.compile(_DECIMAL), re.compile(_INTEGER)
_SYMBOL_RE, _CLIENT_ID_RE = re.compile(_SYMBOL), re.compile(_CLIENT_ID)
_MAX_DECIMALS = 8

SIGNING = frozenset({"timestamp", "recvWindow", "signature", "apiKey"})
"""Parameters that every signed request may carry."""


class Params:
    """The parameters as sent, all text.

    Args:
        values: Names to texts.
    """

    __slots__ = ("values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values

    def check_known(self, known: frozenset[str]) -> None:
        """Refuse parameters that the request does not know. Raises ``WireError`` -1104."""
        unknown = self.values.keys() - known - SIGNING
        if unknown:
            raise unread(len(self.values) - len(unknown), len(self.values))

    def has(self, name: str) -> bool:
        """Whether the parameter was sent."""
        return name in self.values

    def text(self, name: str) -> str | None:
        """Return a parameter, ``None`` when it was not sent. Raises ``WireError`` -1105."""
        value = self.values.get(name)
        if value == "":
            raise WireError(-1105, f"Parameter '{name}' was empty.")
        return value

    def required(self, name: str) -> str:
        """Return a parameter that must be there. Raises ``WireError`` -1102."""
        value = self.values.get(name)
        if not value:
            raise mandatory(name)
        return value

    def integer(self, name: str) -> int | None:
        """Return a whole number. Raises ``WireError`` -1100."""
        value = self.text(name)
        if value is None:
            return None
        if not _INTEGER_RE.match(value):
            raise illegal(name, _INTEGER)
        return int(value)

    def limit(self, default: int, maximum: int) -> int:
        """Return ``limit``, cut to ``maximum``. Raises ``WireError`` -1100 or -1130."""
        limit = self.integer("limit")
        if limit == 0:
            raise WireError(-1130, "Data sent for parameter 'limit' is not valid.")
        return min(limit or default, maximum)

    def decimal(self, name: str) -> Decimal | None:
        """Return an amount or price. Raises ``WireError`` -1100 or -1111."""
        value = self.text(name)
        if value is None:
            return None
        if not _DECIMAL_RE.match(value):
            raise illegal(name, _DECIMAL)
        if len(value.rstrip("0").partition(".")[2]) > _MAX_DECIMALS and "." in value:
            raise WireError(-1111, f"Parameter '{name}' has too much precision.")
        return Decimal(value)

    def flag(self, name: str) -> bool | None:
        """Return ``true`` or ``false``. Raises ``WireError`` -1130."""
        value = self.text(name)
        if value is None:
            return None
        if value not in {"true", "false"}:
            raise WireError(-1130, f"Data sent for parameter '{name}' is not valid.")
        return value == "true"

    def symbol(self) -> str:
        """Return ``symbol``, which must be there. Raises ``WireError`` -1102 or -1100."""
        return _checked_symbol(self.required("symbol"), "symbol")

    def symbols(self) -> Sequence[str] | None:
        """Return ``symbol`` or ``symbols`` (a JSON array) as names, ``None`` for all."""
        one, many = self.text("symbol"), self.text("symbols")
        if one is not None and many is not None:
            raise WireError(
                -1128,
                "Combination of optional parameters invalid. Recommendation: "
                "'symbol' and 'symbols' cannot be sent together.",
            )
        if one is not None:
            return [_checked_symbol(one, "symbol")]
        if many is None:
            return None
        try:
            names = orjson.loads(many)
        except orjson.JSONDecodeError:
            names = None
        if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
            raise illegal("symbols", r'^\["[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}\]$')
        return [_checked_symbol(name, "symbols") for name in names]

    def client_id(self, name: str) -> str | None:
        """Return a client order id. Raises ``WireError`` -1100."""
        value = self.text(name)
        if value is not None and not _CLIENT_ID_RE.match(value):
            raise illegal(name, _CLIENT_ID)
        return value


def _checked_symbol(value: str, name: str) -> str:
    if not _SYMBOL_RE.match(value):
        raise illegal(name, _SYMBOL)
    return value
