"""Opening recorded files: plain or gzip, and known by what they hold, not by their name."""

import gzip
import re
import zlib
from collections.abc import Iterator
from enum import Enum, auto
from pathlib import Path

from cryptobot.domain.errors import UserError

_GZIP = b"\x1f\x8b"
_STREAM_LINE = re.compile(r"^\d{16,20} \{")
_OHLCV_HEADER = "timestamp,open,high,low,close,volume"


class Recording(Enum):
    """Kinds of recorded files."""

    BINANCE_STREAM = auto()
    OHLCV = auto()


def lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text file, unpacked.

    Raises:
        UserError: It cannot be read, unpacked or decoded.
    """
    try:
        with path.open("rb") as probe:
            packed = probe.read(2) == _GZIP
        opener = gzip.open if packed else open
        with opener(path, "rt", encoding="utf-8") as file:
            for line in file:
                yield line.rstrip("\r\n")
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise UserError(f"market file {path} is damaged: it cannot be unpacked") from None
    except UnicodeDecodeError:
        raise UserError(f"market file {path} is no text file") from None
    except OSError as error:
        raise UserError(f"market file {path} cannot be read: {error.strerror}") from None


def recognise(path: Path) -> Recording:
    """Return what a file holds, by its first line.

    Raises:
        UserError: It cannot be read, or is neither kind.
    """
    reading = lines(path)
    first = next(reading, "")
    if _STREAM_LINE.match(first):
        return Recording.BINANCE_STREAM
    if first.strip().lower() == _OHLCV_HEADER:
        return Recording.OHLCV
    raise UserError(
        f"market file {path} is not known: give a recorded Binance stream (lines of "
        f"'<nanoseconds> <JSON>') or OHLCV (CSV with the header {_OHLCV_HEADER})"
    )
