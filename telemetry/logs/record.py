"""A log record: from an event and its fields to one JSON line."""

import os
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import orjson

from telemetry.clock import NS_PER_S, iso
from telemetry.logs.context import ORDER_ID, REQUEST_ID, current_ids

LEVELS: Final[Mapping[str, int]] = {
    "debug": 10,
    "info": 20,
    "warning": 30,
    "error": 40,
    "critical": 50,
}

MAX_LINE_BYTES: Final = 64 * 1024

_OPTIONS: Final = orjson.OPT_NON_STR_KEYS
_SNAKE: Final = {"request_id": REQUEST_ID, "order_id": ORDER_ID}


@dataclass(frozen=True, slots=True)
class Record:
    """A record on its way to the files.

    Attributes:
        line: JSON without a line end, not yet redacted.
        order_path: Whether it belongs to the order path.
        trace: An exception, formatted later: that reads source files.
    """

    line: bytes
    level: str
    order_path: bool
    trace: traceback.TracebackException | None = None


class Stamp:
    """Writes times, remembering the second: formatting a date costs more than all the rest."""

    def __init__(self) -> None:
        self._second = (-1, "")

    def __call__(self, ns: int) -> str:
        """Return ``ns`` since the epoch as ISO 8601 UTC with microseconds."""
        second, rest = divmod(ns, NS_PER_S)
        known, text = self._second
        if second != known:
            text = iso(ns)[:-7]
            self._second = (second, text)
        return f"{text}{rest // 1000:06d}Z"


def assemble(
    ts: str, level: str, logger: str, fields: MutableMapping[str, Any], version: str
) -> tuple[dict[str, Any], traceback.TracebackException | None]:
    """Return the record's fields in their order, and its exception.

    Args:
        ts: When, as ``Stamp`` writes it.
        level: One of ``LEVELS``.
        logger: Name of the logger.
        fields: ``event`` and whatever the caller gave; ``exc_info`` as in ``logging``.
        version: Of the program.
    """
    error = _error(fields.pop("exc_info", None))
    trace = None
    record: dict[str, Any] = {
        "ts": ts,
        "level": level,
        "event": fields.pop("event", ""),
        "logger": logger,
        **current_ids(),
    }
    for snake, camel in _SNAKE.items():
        if snake in fields:
            fields.setdefault(camel, fields.pop(snake))
        if camel in fields:
            record[camel] = fields.pop(camel)
    record["version"] = version
    record["pid"] = os.getpid()
    if error is not None:
        trace = traceback.TracebackException(
            type(error), error, error.__traceback__, lookup_lines=False, compact=True
        )
        record["exception"] = {"type": type(error).__name__, "message": str(trace)}
    if record.keys().isdisjoint(fields):
        record.update(fields)
    else:  # a field cannot pass itself off as another level, time or logger
        for name, value in fields.items():
            record[f"{name}_" if name in record else name] = value
    return record, trace


def serialise(record: Mapping[str, Any]) -> bytes:
    """Return the record as JSON; what JSON cannot hold is shown by its ``repr``. Never raises."""
    try:
        return orjson.dumps(record, _plain, _OPTIONS)
    except Exception:  # noqa: BLE001 - too deep, too large a number, a broken repr
        return orjson.dumps({str(name): _shown(value) for name, value in record.items()})


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return repr(value)


def _shown(value: object) -> str | int | None:
    if value is None or (isinstance(value, int) and abs(value) < 1 << 53):
        return value
    try:
        text = value if isinstance(value, str) else repr(value)
        return text.encode("utf-8", "replace").decode()  # lone surrogates are no UTF-8
    except Exception as error:  # noqa: BLE001 - somebody's repr raised
        return f"<{type(value).__name__} that cannot be shown: {type(error).__name__}>"


def _error(exc_info: Any) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        found: BaseException | None = exc_info[1]
        return found
    return sys.exc_info()[1] if exc_info else None


def with_traceback(line: bytes, trace: traceback.TracebackException) -> bytes:
    """Return the line with its exception's traceback; never with local variables."""
    record = orjson.loads(line)
    record["exception"]["traceback"] = "".join(trace.format())
    return serialise(record)


def shortened(line: bytes) -> bytes:
    """Return a line of at most ``MAX_LINE_BYTES``: a longer one keeps what names it."""
    if len(line) <= MAX_LINE_BYTES:
        return line
    record = orjson.loads(line)
    kept = {
        name: str(record[name])[:1024]
        for name in ("ts", "level", "event", "logger", REQUEST_ID, ORDER_ID)
        if name in record
    }
    head = line[: MAX_LINE_BYTES // 4].decode("utf-8", "replace")
    return orjson.dumps({**kept, "truncated_bytes": len(line), "head": head})
