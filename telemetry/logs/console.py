"""Records for people at a terminal."""

from collections.abc import Mapping
from typing import Any, Final

_COLOURS: Final = {
    "debug": "\x1b[2m",
    "info": "\x1b[36m",
    "warning": "\x1b[33m",
    "error": "\x1b[31m",
    "critical": "\x1b[1;31m",
}
_PLAIN: Final = "\x1b[0m"
_SHOWN: Final = frozenset({"ts", "level", "event", "logger", "version", "pid", "exception"})


def console_line(record: Mapping[str, Any], *, colour: bool) -> str:
    """Return a record as a line: time, level, event and the fields that are its own."""
    level = str(record.get("level", ""))
    word = f"{level:<8}"
    if colour:
        word = f"{_COLOURS.get(level, '')}{word}{_PLAIN}"
    fields = " ".join(
        f"{name}={_visible(value)}" for name, value in record.items() if name not in _SHOWN
    )
    line = (
        f"{str(record.get('ts', ''))[11:23]} {word} {_visible(record.get('event', ''))}  {fields}"
    )
    exception = record.get("exception")
    if isinstance(exception, Mapping):
        trace = str(exception.get("traceback", "")).rstrip().replace("\n", "\n    ")
        line = f"{line}\n    {trace}"
    return line.rstrip()


def _visible(value: object) -> str:
    """Return text that cannot move the cursor or forge a line."""
    text = str(value)
    return text if text.isprintable() else repr(text)
