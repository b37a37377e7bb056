"""The symbols the simulated exchange lists, with their rules, and what the account starts with."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from cryptobot.domain.instrument import Instrument
from cryptobot.matching.filters import SymbolFilters

_PERCENT = SymbolFilters(
    market_max_amount=None,
    bid_multiplier_up=Decimal(5),
    bid_multiplier_down=Decimal("0.2"),
    ask_multiplier_up=Decimal(5),
    ask_multiplier_down=Decimal("0.2"),
)


@dataclass(frozen=True, slots=True)
class Listing:
    """A symbol as the exchange lists it.

    Attributes:
        wire: Its name on the wire, such as ``BTCUSDT``.
        market_max_amount: Largest market order, in base currency (``MARKET_LOT_SIZE``).
    """

    instrument: Instrument
    market_max_amount: Decimal
    wire: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "wire", self.instrument.base + self.instrument.quote)

    @property
    def symbol(self) -> str:
        """The unified symbol such as ``BTC/USDT``."""
        return self.instrument.symbol

    @property
    def filters(self) -> SymbolFilters:
        """The rules beyond the instrument's own."""
        return SymbolFilters(
            market_min_amount=Decimal(0),
            market_max_amount=self.market_max_amount,
            bid_multiplier_up=_PERCENT.bid_multiplier_up,
            bid_multiplier_down=_PERCENT.bid_multiplier_down,
            ask_multiplier_up=_PERCENT.ask_multiplier_up,
            ask_multiplier_down=_PERCENT.ask_multiplier_down,
        )


def make_listing(  # one argument per column of the exchange's table
    symbol: str,
    price_step: str,
    amount_step: str,
    *,
    market_max: str = "1000",
    min_notional: str = "5",
) -> Listing:
    """Return the listing of a unified symbol; numbers as decimal strings."""
    base, _, quote = symbol.partition("/")
    return Listing(
        Instrument(
            symbol=symbol,
            base=base,
            quote=quote,
            price_step=Decimal(price_step),
            amount_step=Decimal(amount_step),
            min_amount=Decimal(amount_step),
            max_amount=Decimal(9_000_000) if amount_step in {"1", "0.1"} else Decimal(9_000),
            min_price=Decimal(price_step),
            max_price=Decimal(1_000_000),
            min_notional=Decimal(min_notional),
            max_notional=Decimal(9_000_000),
        ),
        Decimal(market_max),
    )


LISTINGS: tuple[Listing, ...] = (
    make_listing("BTC/USDT", "0.01", "0.00001", market_max="100"),
    make_listing("ETH/USDT", "0.01", "0.0001", market_max="1600"),
    make_listing("SOL/USDT", "0.01", "0.001", market_max="5000"),
    make_listing("BNB/USDT", "0.01", "0.001", market_max="2000"),
    # A lot of 0.001, not the real 0.0001: price times amount then fits the wire's 8 decimals.
    make_listing("ETH/BTC", "0.00001", "0.001", market_max="800", min_notional="0.0001"),
)
"""What the generated market lists."""

QUOTES = ("USDT", "USDC", "BUSD", "FDUSD", "TUSD", "BTC", "ETH", "BNB", "EUR", "USD")
"""Quote currencies by which a wire name such as ``BTCUSDT`` is split, in order of trial."""

FUNDS: dict[str, Decimal] = {
    "USDT": Decimal(100_000),
    "BTC": Decimal(2),
    "ETH": Decimal(30),
    "SOL": Decimal(500),
    "BNB": Decimal(50),
}
_OTHER_FUNDS = Decimal(100_000)


def split_wire_name(wire: str) -> tuple[str, str] | None:
    """Return base and quote of a wire name, ``None`` when no known quote currency ends it."""
    for quote in QUOTES:
        if wire.endswith(quote) and len(wire) > len(quote):
            return wire[: -len(quote)], quote
    return None


def starting_funds(listings: Iterable[Listing]) -> dict[str, Decimal]:
    """Return the default account's funds: something of every listed asset."""
    assets = {
        asset: None
        for listing in listings
        for asset in (listing.instrument.base, listing.instrument.quote)
    }
    return {asset: FUNDS.get(asset, _OTHER_FUNDS) for asset in assets}
