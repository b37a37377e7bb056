"""What a bad setting is told: which one, from where, what was given, what to write instead."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cryptobot.settings.model import Settings

_FOLDER: Final = "the path of a folder"
_NOTIONAL: Final = "an amount of quote currency, 0 or more, as a string, such as '1000'"
_FEE: Final = "a fraction from 0 to below 1 as a string, such as '0.001'"
_PAUSES: Final = "up to 20 pauses from 0 to 3600 seconds, such as 0,1,2,4"
_YES_NO: Final = "true or false"
_LASTING: Final = "seconds from 0 to 86400 (0: never), such as 30"
_ANY_TEXT: Final = "text, or leave it out"

ALLOWED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "state_dir": f"{_FOLDER}, such as ~/.local/state/cryptobot",
        "log_dir": f"{_FOLDER}, such as ops/logs",
        "account": "a name of 1 to 64 characters, such as main",
        "symbols": "one or more different symbols in capitals, such as BTC/USDT,ETH/USDT",
        "timeframe": "a number and one of s, m, h, d, w, M, such as 1m or 4h",
        "log_level": "debug, info, warning or error",
        "metrics.host": "an address of this machine, such as 127.0.0.1",
        "metrics.port": "a whole number from 0 to 65535, such as 9100 (0 takes a free port)",
        "api.token": _ANY_TEXT,
        "exchange.id": "the exchange's ccxt id, such as binance",
        "exchange.connect_to": "HOST:PORT with a port from 1 to 65535, such as 127.0.0.1:18443",
        "exchange.tls_ca": "the path of a PEM file that exists",
        "exchange.api_key": _ANY_TEXT,
        "exchange.secret": _ANY_TEXT,
        "exchange.password": _ANY_TEXT,
        "exchange.timeout_s": "seconds from 0.5 to 60, such as 10",
        "exchange.book_depth": "a whole number from 5 to 1000, such as 20",
        "exchange.orders_per_10s": "a whole number from 1 to 100000, such as 50",
        "exchange.order_entry": "rest or websocket (binance only)",
        "mode.start": "resume, paper or live",
        "database.url": "sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE",
        "risk.max_order_notional": _NOTIONAL,
        "risk.max_position_notional": _NOTIONAL,
        "risk.max_open_orders": "a whole number, 0 or more, such as 50",
        "risk.max_orders_per_10s": "a whole number, 0 or more, such as 40",
        "risk.block_while_unresolved": _YES_NO,
        "risk.max_total_notional": _NOTIONAL,
        "risk.max_daily_loss": _NOTIONAL,
        "risk.price_band": "a fraction above 0 and up to 10 as a string, such as '0.5'",
        "risk.symbols": "limits by symbol, such as { 'BTC/USDT' = { max_open_orders = 5 } }",
        "retry.network_s": _PAUSES,
        "retry.server_s": _PAUSES,
        "retry.rate_limit_s": _PAUSES,
        "retry.order_s": "seconds from 0 to 3600, such as 10",
        "breaker.failures": "a whole number from 1 to 1000, such as 10",
        "breaker.open_s": "seconds from 1 to 86400, such as 120",
        "breaker.successes": "a whole number from 1 to 100, such as 3",
        "failover.enabled": _YES_NO,
        "failover.breaker_open": _YES_NO,
        "failover.failed_orders": "a whole number, 0 or more (0: never), such as 3",
        "failover.failed_window_s": "seconds from 1 to 86400, such as 300",
        "failover.exchange_down_s": _LASTING,
        "failover.market_stale_s": _LASTING,
        "failover.journal_down_s": _LASTING,
        "failover.clock_skew_s": "seconds from 0 to 3600 (0: never), such as 2",
        "failover.daily_loss": _NOTIONAL,
        "failover.open_orders": "keep or cancel",
        "paper.balances": "amounts of 0 or more by asset, as strings, such as { USDT = '10000' }",
        "paper.maker_fee": _FEE,
        "paper.taker_fee": _FEE,
        "strategies.folder": _FOLDER,
        "strategies.start": 'a list of strategies, in JSON such as [{"name": "grid"}]',
        "strategies.start.name": "the name of a strategy, such as grid",
        "strategies.start.params": "text, numbers, true or false by parameter name",
        "reconciliation.interval_s": "seconds from 1 to 86400, such as 30",
        "reconciliation.not_found_patience_s": "seconds from 0 to 86400, such as 25",
        "sentry.dsn": _ANY_TEXT,
        "sentry.environment": "text, such as production",
        "sentry.release": "text, such as 1.4.2",
        "otel.exporter_otlp_endpoint": "a URL, such as http://localhost:4318",
    }
)
"""What may be written, by setting."""

HIDDEN: Final = frozenset(
    {
        "api.token",
        "exchange.api_key",
        "exchange.secret",
        "exchange.password",
        "sentry.dsn",
        "database.url",
    }
)
"""Settings whose value is never shown: it is a secret, or may hold one."""

_NO_WHOLE_NUMBER: Final = "is not a whole number"
_NO_NUMBER: Final = "is not a number"
_OUT_OF_RANGE: Final = "is out of range"
_NO_TABLE: Final = "is not a table of settings"

PROBLEMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "missing": "is missing",
        "int_type": _NO_WHOLE_NUMBER,
        "int_parsing": _NO_WHOLE_NUMBER,
        "int_from_float": _NO_WHOLE_NUMBER,
        "int_parsing_size": "has too many digits",
        "float_type": _NO_NUMBER,
        "float_parsing": _NO_NUMBER,
        "decimal_type": _NO_NUMBER,
        "decimal_parsing": _NO_NUMBER,
        "finite_number": "is not a finite number",
        "greater_than": _OUT_OF_RANGE,
        "greater_than_equal": _OUT_OF_RANGE,
        "less_than": _OUT_OF_RANGE,
        "less_than_equal": _OUT_OF_RANGE,
        "string_type": "is not text",
        "string_unicode": "is not readable text",
        "string_sub_type": "is not text",
        "string_too_short": "is too short",
        "string_too_long": "is too long",
        "string_pattern_mismatch": "is not of the right form",
        "enum": "is none of these",
        "list_type": "is not a list",
        "tuple_type": "is not a list",
        "too_long": "has too many entries",
        "too_short": "has too few entries",
        "dict_type": _NO_TABLE,
        "mapping_type": _NO_TABLE,
        "model_type": _NO_TABLE,
        "model_attributes_type": _NO_TABLE,
        "path_type": "is not a path",
        "bool_type": "is neither true nor false",
        "bool_parsing": "is neither true nor false",
    }
)
"""What is wrong, by pydantic's type of error; of any other: "is not allowed"."""

_LONGEST_SHOWN: Final = 60


def explain(error: ValidationError, origin: Mapping[str, str]) -> str:
    """Return one line for each setting that is wrong.

    Args:
        error: What the model said.
        origin: Which source gave each dotted key.
    """
    lines: dict[str, str] = {}
    for item in error.errors(include_url=False):
        path = _path_in_model(item["loc"])
        key = ".".join(_printable(part) for part in path)
        if key in lines:
            continue  # each type of a union complains about the same value
        source = _source(path, origin)
        if item["type"] == "extra_forbidden":
            lines[key] = f"unknown setting {key} (from {source}); {_known(path)}"
        else:
            lines[key] = refusal(key, source, _given(path, item), _problem(item), _allowed(path))
    return "\n".join(lines.values())


def refusal(key: str, source: str, given: str, problem: str, allowed: str) -> str:
    """Return the line that a bad value is told."""
    return f"setting {key} (from {source}): {given} {problem}; write {allowed}"


def shown(value: object) -> str:
    """Return a value as it was given, on one line and not too long."""
    text = repr(str(value) if isinstance(value, Path) else value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def _path_in_model(location: Sequence[int | str]) -> list[str]:
    """Return the part of an error's location that a user wrote: without the types of unions."""
    path: list[str] = []
    kind: Any = Settings
    for part in location:
        if not (_is_section(kind) or get_origin(kind) in {list, dict}):
            break
        path.append(str(part))
        kind = _below(kind, part)
    return path


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _below(kind: Any, part: int | str) -> Any:
    """Return the type of what is inside, ``None`` when nothing of the user's is."""
    if _is_section(kind):
        field = kind.model_fields.get(str(part))
        return None if field is None else field.annotation
    if get_origin(kind) in {list, dict}:
        return get_args(kind)[-1]
    return None


def _source(path: Sequence[str], origin: Mapping[str, str]) -> str:
    keys = (".".join(path[:end]) for end in range(len(path), 0, -1))
    return next((origin[key] for key in keys if key in origin), "the defaults")


def _given(path: Sequence[str], item: ErrorDetails) -> str:
    key = ".".join(path)
    if item["type"] == "missing":
        return "a value"
    if any(hidden == key or hidden.startswith(f"{key}.") for hidden in HIDDEN):
        return "the value (not shown, it may be secret)"
    return shown(item["input"])


def _problem(item: ErrorDetails) -> str:
    if item["type"] == "value_error":  # raised by the model, in our own words
        return str(item["ctx"]["error"])
    return PROBLEMS.get(item["type"], "is not allowed")


def _allowed(path: Sequence[str]) -> str:
    named = [part for part in path if not part.isdigit()]
    for end in range(len(named), 0, -1):
        words = ALLOWED.get(".".join(named[:end]))
        if words is not None:
            return words
    return f"a table of settings: {', '.join(_names_in(path))}"


def _known(path: Sequence[str]) -> str:
    words = f"known here: {', '.join(_names_in(path[:-1])) or 'none'}"
    section = [part for part in path[:-1] if not part.isdigit()]
    wanted = ".".join([*section, path[-1]])
    near = difflib.get_close_matches(wanted, ALLOWED, n=1) or [
        key for key in ALLOWED if key.rpartition(".")[2] == path[-1]
    ]
    return f"{words}; did you mean {near[0]}?" if near else words


def _names_in(path: Sequence[str]) -> tuple[str, ...]:
    kind: Any = Settings
    for part in path:
        kind = _below(kind, part)
    return tuple(kind.model_fields) if _is_section(kind) else ()


def _printable(part: str) -> str:
    return part if part and part.isprintable() else ascii(part)
