"""An exchange's rules for a new order, with the code of the rule that is broken."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class SymbolFilters:
    """Rules beyond ``Instrument``; every one may be absent.

    Attributes:
        market_min_amount: Smallest amount of a market order, in base currency.
        market_max_amount: Largest amount of a market order, in base currency.
        market_amount_step: Step of a market order's amount; 0 or ``None`` for none.
        bid_multiplier_down: A buy's price is at least the reference price times this.
        bid_multiplier_up: A buy's price is at most the reference price times this.
        ask_multiplier_down: As above, for sells.
        ask_multiplier_up: As above, for sells.
    """

    market_min_amount: Decimal | None = None
    market_max_amount: Decimal | None = None
    market_amount_step: Decimal | None = None
    bid_multiplier_down: Decimal | None = None
    bid_multiplier_up: Decimal | None = None
    ask_multiplier_down: Decimal | None = None
    ask_multiplier_up: Decimal | None = None
