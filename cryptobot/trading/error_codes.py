"""What an exchange's own error codes prove about a write, where ccxt's class for them does not.

ccxt turns each code into a class, and ``ccxt_translation`` reads classes. These tables come first:
they hold the codes whose class says too much (a "creation timeout" that ccxt calls an invalid
order), too little, or nothing, each with its source.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class ErrorCodes:
    """An exchange's codes.

    Attributes:
        pattern: Finds its codes in an error's text; the code is the first group.
        duplicate: Finds the proof that an order with our id is there already: no refusal of ours.
        unknown: Codes that say nothing about what became of the order.
        refused: Codes that prove a refusal, and what we call it.
        not_executed: Codes that prove the request was turned away unread, and what we call it.
        advice: What a person reads for a code: what it says, and what to do about it.
    """

    pattern: str
    duplicate: str
    unknown: frozenset[str] = frozenset()
    refused: Mapping[str, str] = field(default_factory=dict)
    not_executed: Mapping[str, str] = field(default_factory=dict)
    advice: Mapping[str, str] = field(default_factory=dict)

    def found_in(self, text: str) -> list[str]:
        """Return the exchange's codes in an error's text."""
        return re.findall(self.pattern, text)

    def proves_duplicate(self, text: str) -> bool:
        """Return whether an error says that our id is taken."""
        return re.search(self.duplicate, text) is not None


NEVER: Final = r"(?!)"

NO_CODES: Final = ErrorCodes(pattern=r"(?!)()", duplicate=NEVER)
"""An exchange whose codes nobody has read."""

BINANCE_CODES: Final = ErrorCodes(
    pattern=r'"code"\s*:\s*(-?\d+)',
    # docs: the text of -2010, a code shared with true refusals.
    duplicate="Duplicate order sent",
    refused={
        # docs: NO_DEPTH, "No orders on book for symbol"; ccxt has it as OperationFailed.
        "-1112": "no_liquidity",
        # docs: REJECTED_MBX_KEY; ccxt has it as DDoSProtection once a key has worked.
        "-2015": "authentication",
    },
    advice={
        "-1022": "the exchange says that a request was signed wrongly: check exchange.secret",
        "-2014": "the exchange says that this is no API key: check exchange.api_key",
        "-2015": "the exchange refuses the API key: check there that the key exists, has the "
        "permission to trade, and allows this machine's address",
    },
)

KRAKEN_CODES: Final = ErrorCodes(
    pattern=r'"(E[A-Za-z]+:[^"]+)"',
    # Not in docs; as seen by those who ran into it.
    duplicate="cl_ord_id not unique",
    # docs, "API error messages": service status and internal errors. Orders were found placed after
    # them (fault cases), the second pair is ccxt's own knowledge of the same.
    unknown=frozenset(
        {
            "EService:Unavailable",
            "EService:Busy",
            "EService:Timeout",
            "EService:Deadline elapsed",
            "EGeneral:Internal error",
            "EDatabase:Internal error",
        }
    ),
    # docs, "API error messages"; ccxt has no class for these, or one for maintenance.
    refused={
        "EOrder:Post only order": "would_take",
        "EOrder:Cost minimum not met": "invalid_order",
        "EOrder:Tick size check failed": "invalid_order",
        "EOrder:Orders limit exceeded": "operation_rejected",
        "EOrder:Unknown order": "order_not_found",
        "EQuery:Unknown asset pair": "bad_symbol",
        "EAPI:Invalid signature": "authentication",
        "EGeneral:Invalid arguments:cl_ord_id": "bad_request",
        "EService:Market in cancel_only mode": "market_closed",
        "EService:Market in post_only mode": "market_closed",
    },
)

OKX_CODES: Final = ErrorCodes(
    pattern=r'"(?:sCode|code)"\s*:\s*"?(\d+)',
    # docs: "Duplicated client order ID", "{param} already exists, e.g. clOrdId already exists".
    duplicate=r'"(?:sCode|code)"\s*:\s*"?(?:51016|50071)\b',
    # docs: engine upgrading, "does not indicate success or failure of order", offline, busy, system
    # error, order timed out.
    unknown=frozenset({"50001", "50004", "50005", "50013", "50026", "51149"}),
    # docs: no pending orders to cancel, order count exceeds the limit; ccxt: ExchangeError.
    refused={"51405": "order_not_found", "51025": "operation_rejected"},
    # docs: the account's rate limit of orders; ccxt: ExchangeError.
    not_executed={"50061": "rate_limited"},
)

BYBIT_CODES: Final = ErrorCodes(
    pattern=r'"ret_?[cC]ode"\s*:\s*"?(-?\d+)',
    # docs: OrderLinkedID is duplicate, Duplicate clientOrderId (spot), and older forms of both.
    duplicate=r'"ret_?[cC]ode"\s*:\s*"?(?:110072|170141|12141|30001)\b',
    # docs: server timeout, duplicate request, server error, restarting, internal error, time-outs,
    # network error, "submitted for processing", creation and cancellation time-outs and failures,
    # "may not be filled", being processed, system error. ccxt has some of them as InvalidOrder.
    unknown=frozenset(
        {
            *("5004", "10000", "10014", "10016", "10019", "110079"),
            *("170001", "170007", "170032", "170035", "170146", "170147", "170149", "170150"),
            *("170191", "170195", "170196", "170234"),
        }
    ),
    # docs: finished or cancelled already, by product; a post-only order with a price that would
    # trade. ccxt: InvalidOrder.
    refused={
        "110008": "order_not_found",
        "110010": "order_not_found",
        "170139": "order_not_found",
        "170142": "order_not_found",
        "170143": "order_not_found",
        "170190": "order_not_found",
        "170218": "would_take",
    },
    # docs: too many new orders in a time; ccxt: InvalidOrder.
    not_executed={"170005": "rate_limited"},
)
