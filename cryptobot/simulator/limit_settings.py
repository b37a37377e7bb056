"""How much a client is allowed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """How much is allowed.

    Sources: Binance's rest-api.md ("Limits"), web-socket-streams.md ("General"), and the
    ``rateLimits`` of exchangeInfo.

    Attributes:
        weight_a_minute: Request weight of all requests.
        orders_in_10_s: New orders, less those filled; change it for load tests, as Binance's
            own value differs by time and account.
        orders_a_day: As above, for a day.
        raw_requests_in_5_min: Requests whatever their weight.
        connects_in_5_min: Websockets opened.
        messages_a_second: What a client may say on one market socket, pings and pongs too.
        refusals_before_ban: So many further requests are refused with 429; the next bans.
            Binance does not tell its own number.
        first_ban_s: Length of the first ban; every further one is twice as long.
        longest_ban_s: Bans are never longer.
    """

    weight_a_minute: int = 6_000
    orders_in_10_s: int = 50
    orders_a_day: int = 160_000
    raw_requests_in_5_min: int = 61_000
    connects_in_5_min: int = 300
    messages_a_second: int = 5
    refusals_before_ban: int = 10
    first_ban_s: int = 120
    longest_ban_s: int = 3 * 86_400
