"""How old what is shown of the market and the account is, by the window's own clock. Pure.

A status can lag or be wrong about a stream; what the window itself has received cannot.

==========  =============================================================================
shown       it is old when
==========  =============================================================================
book        no book of the symbol came for ``OLD_AFTER_S``
chart       nothing of the symbol came for ``OLD_AFTER_S``, or no candle for
            ``CANDLES_OLD_AFTER_S`` while the rest comes
exchange    nothing of any symbol came for ``OLD_AFTER_S``
the three   the engine is lost
balances    they were read from the venue ``BALANCES_OLD_AFTER_S`` ago
==========  =============================================================================

What was never heard is missing once the engine has been speaking for ``OLD_AFTER_S``.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from cryptobot.gui import figures

OLD_AFTER_S: Final = 2.5
CANDLES_OLD_AFTER_S: Final = 10.0
"""Candles come every two seconds at best, and those of other time frames are read every five."""

BALANCES_OLD_AFTER_S: Final = 90.0
"""They are read after every fill, and else with every reconciliation, half a minute apart."""


@dataclass(frozen=True, slots=True)
class Age:
    """How old something is.

    Attributes:
        what: Its name, in the plural or a mass noun: ``prices``, ``book``.
        seconds: Since it was heard; ``None`` when it never was.
        old: Whether it must not be taken for current.
    """

    what: str
    seconds: float | None
    old: bool

    @property
    def words(self) -> str:
        """What to write beside it, such as ``prices 12 s old``; nothing while it is current."""
        if not self.old:
            return ""
        if self.seconds is None:
            return f"no {self.what} yet"
        return f"{self.what} {figures.age(self.seconds)} old"


class MarketAges:
    """Remembers when each thing was heard.

    Args:
        monotonic: Seconds of a clock that never steps.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._books: dict[str, float] = {}
        self._candles: dict[tuple[str, str], float] = {}
        self._symbols: dict[str, float] = {}
        self._since: float | None = None

    def begin(self) -> None:
        """Note that an engine speaks: what it has not told in a while from now is missing."""
        self._since = self._monotonic()

    def heard_book(self, symbol: str, age_ms: float | None) -> None:
        """Note a book that was ``age_ms`` old when it was sent."""
        at = self._monotonic() - max(0.0, age_ms or 0.0) / 1_000
        self._books[symbol] = at
        self._symbols[symbol] = max(at, self._symbols.get(symbol, at))

    def heard_candle(self, symbol: str, timeframe: str) -> None:
        """Note a candle as it came from the market."""
        self._candles[symbol, timeframe] = self._symbols[symbol] = self._monotonic()

    def read_candles(self, symbol: str, timeframe: str) -> None:
        """Note candles that were asked for: they say nothing of how current prices are."""
        self._candles[symbol, timeframe] = self._monotonic()

    def book(self, symbol: str, *, lost: bool) -> Age:
        """Return the age of a symbol's book; all is old when the engine is ``lost``."""
        return self._judge("book", self._books.get(symbol), lost=lost)

    def prices(self, symbols: Iterable[str], *, lost: bool) -> Age:
        """Return the age of the freshest of ``symbols``."""
        heard = [self._symbols[symbol] for symbol in symbols if symbol in self._symbols]
        return self._judge("prices", max(heard, default=None), lost=lost)

    def chart(self, symbol: str, timeframe: str, *, lost: bool) -> Age:
        """Return the age of what the chart shows."""
        prices = self.prices([symbol], lost=lost)
        candles = self._candles.get((symbol, timeframe))
        if prices.old or candles is None:
            return prices
        age = self._monotonic() - candles
        return Age("candles", age, age > CANDLES_OLD_AFTER_S)

    def _judge(self, what: str, heard: float | None, *, lost: bool) -> Age:
        if heard is None:
            waited = None if self._since is None else self._monotonic() - self._since
            return Age(what, None, lost or waited is None or waited > OLD_AFTER_S)
        age = self._monotonic() - heard
        return Age(what, age, lost or age > OLD_AFTER_S)
