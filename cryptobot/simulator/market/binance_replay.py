"""Replay of a recorded Binance combined stream, its times moved to now.

The book is kept as Binance documents it: differences are held back until the REST snapshot,
those that end before it are dropped, the first one used must reach over it, and each next one
must follow the one before. ``bookTicker`` is not needed: the exchange makes its own from the book.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from cryptobot.domain.errors import UserError
from cryptobot.domain.market import Level
from cryptobot.domain.order import Side
from cryptobot.simulator.listing import LISTINGS, Listing, make_listing, split_wire_name
from cryptobot.simulator.market.bar import Bar
from cryptobot.simulator.market.feed import BookChange, MarketEvent, MarketTrade
from cryptobot.simulator.market.recording import lines

_LINES_TO_LOOK_AT = 1_000


class BinanceReplay:
    """A recorded market of one symbol; it ends with the recording.

    Args:
        path: Lines of ``<receive time in ns> <JSON>``.

    Raises:
        UserError: The file is not what it should be.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._listing = _listing_of(path)
        self._shift_ns = 0
        self._events: Iterator[MarketEvent] = iter(())
        self._next: MarketEvent | None = None
        self._last_update: int | None = None
        self._held: list[dict[str, Any]] = []

    @property
    def description(self) -> str:
        """One line for people."""
        return f"replay of {self._path.name} ({self._listing.symbol})"

    @property
    def listings(self) -> Sequence[Listing]:
        """The one symbol."""
        return (self._listing,)

    def start(self, now_ns: int) -> None:
        """Move the first line's time to ``now_ns``."""
        recorded = self._read()
        first_ns, _ = next(recorded)
        self._shift_ns = now_ns - first_ns
        self._events = self._play()
        self._next = next(self._events, None)

    def minute_history(self, symbol: str) -> Sequence[Bar]:
        """Return nothing: the recording begins at the start."""
        del symbol
        return ()

    def second_history(self, symbol: str) -> Sequence[Bar]:
        """Return nothing, as above."""
        del symbol
        return ()

    def next_ns(self) -> int | None:
        """Return when the next event is due, ``None`` after the last one."""
        return None if self._next is None else self._next.at_ns

    def due(self, until_ns: int) -> Iterator[MarketEvent]:
        """Yield, and forget, every event up to ``until_ns``."""
        while self._next is not None and self._next.at_ns <= until_ns:
            event = self._next
            self._next = next(self._events, None)
            yield event

    def _read(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, line in enumerate(lines(self._path), 1):
            stamp, _, text = line.partition(" ")
            try:
                message = orjson.loads(text)
                received_ns = int(stamp)
            except ValueError:
                raise UserError(f"market file {self._path}, line {number}: no JSON") from None
            yield received_ns, message

    def _play(self) -> Iterator[MarketEvent]:
        for received_ns, message in self._read():
            at_ns = received_ns + self._shift_ns
            data = message.get("data", message)
            if "lastUpdateId" in data:
                yield from self._snapshot(at_ns, data)
            elif data.get("e") == "depthUpdate":
                yield from self._difference(at_ns, data)
            elif data.get("e") == "trade":
                yield MarketTrade(
                    at_ns,
                    self._listing.symbol,
                    Decimal(data["p"]),
                    Decimal(data["q"]),
                    Side.SELL if data["m"] else Side.BUY,
                )

    def _snapshot(self, at_ns: int, data: dict[str, Any]) -> Iterator[MarketEvent]:
        if self._last_update is not None:
            return  # a later snapshot adds nothing to a book that is in step
        self._last_update = data["lastUpdateId"]
        yield BookChange(
            at_ns, self._listing.symbol, _levels(data["bids"]), _levels(data["asks"]), whole=True
        )
        held, self._held = self._held, []
        for difference in held:
            yield from self._difference(at_ns, difference)

    def _difference(self, at_ns: int, data: dict[str, Any]) -> Iterator[MarketEvent]:
        if self._last_update is None:
            self._held.append(data)
            return
        first, last = data["U"], data["u"]
        if last <= self._last_update:
            return
        if first > self._last_update + 1:
            raise UserError(
                f"market file {self._path}: updates {self._last_update + 1} to {first - 1} "
                "of the book are missing"
            )
        self._last_update = last
        yield BookChange(at_ns, self._listing.symbol, _levels(data["b"]), _levels(data["a"]))


def _levels(rows: Sequence[Sequence[str]]) -> list[Level]:
    return [Level(Decimal(price), Decimal(amount)) for price, amount in rows]


def _listing_of(path: Path) -> Listing:
    """Return the listing of the symbol that the recording is about."""
    for number, line in enumerate(lines(path)):
        if number >= _LINES_TO_LOOK_AT:
            break
        try:
            data = orjson.loads(line.partition(" ")[2]).get("data", {})
        except ValueError:
            raise UserError(f"market file {path}, line {number + 1}: no JSON") from None
        wire = data.get("s")
        parts = split_wire_name(wire) if isinstance(wire, str) else None
        if parts is not None:
            symbol = "/".join(parts)
            known = (listing for listing in LISTINGS if listing.symbol == symbol)
            return next(known, make_listing(symbol, "0.00000001", "0.00000001"))
    raise UserError(f"market file {path}: no message names a symbol that is known")
