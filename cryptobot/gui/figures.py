"""How numbers, times and ages are written. Pure."""

import time
from decimal import ROUND_HALF_EVEN, Decimal

from cryptobot.domain.money import plain

NONE = "\N{EN DASH}"
"""Stands for "nothing to show"."""

DOT = "\N{MIDDLE DOT}"
"""Between things of one line."""

MINUS = "\N{MINUS SIGN}"
_MS_PER_S = 1_000
_MINUTE = 60
_HOUR = 3_600
_DAY = 86_400


def exact(value: Decimal | None) -> str:
    """Return ``value`` exactly, with thousands separated; ``NONE`` for nothing."""
    if value is None:
        return NONE
    whole, point, rest = plain(abs(value)).partition(".")
    grouped = f"{int(whole):,}"
    return f"{MINUS if value < 0 else ''}{grouped}{point}{rest}"


def to_step(value: Decimal | None, step: Decimal | None) -> str:
    """Return ``value`` with as many places as ``step`` has, so that columns line up."""
    if value is None:
        return NONE
    if step is None or step <= 0:
        return exact(value)
    places = max(0, -int(step.normalize().as_tuple().exponent))
    rounded = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    return f"{rounded:,.{places}f}".replace("-", MINUS)


def rounded(value: Decimal | None, places: int, *, sign: bool = False) -> str:
    """Return ``value`` with ``places`` decimals; ``sign`` writes the plus as well."""
    if value is None:
        return NONE
    return f"{value:{'+' if sign else ''},.{places}f}".replace("-", MINUS)


def milliseconds(value: float | None) -> str:
    """Return a duration as ``12 ms`` or ``1.25 s``."""
    if value is None:
        return NONE
    if abs(value) < 10:  # noqa: PLR2004 - below ten a tenth still tells something
        return f"{value:.1f} ms".replace("-", MINUS)
    if abs(value) < _MS_PER_S:
        return f"{value:.0f} ms".replace("-", MINUS)
    return f"{value / _MS_PER_S:.2f} s".replace("-", MINUS)


def age(seconds: float | None) -> str:
    """Return a coarse span: ``3 s``, ``4 min``, ``2 h 05 min``, ``3 d 4 h``."""
    if seconds is None:
        return NONE
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02d} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def clock(seconds: float) -> str:
    """Return a time of day, local, ``14:03:22``."""
    return time.strftime("%H:%M:%S", time.localtime(seconds))


def clock_ms(seconds: float) -> str:
    """Return a time of day, local, with milliseconds."""
    return f"{clock(seconds)}.{int(seconds % 1 * _MS_PER_S):03d}"


def day_and_clock(seconds: float, now: float) -> str:
    """Return the time of day, with the date in front when it is not today's."""
    then, today = time.localtime(seconds), time.localtime(now)
    same = (then.tm_year, then.tm_yday) == (today.tm_year, today.tm_yday)
    return time.strftime("%H:%M:%S" if same else "%d %b %H:%M", then)


def utc(seconds: float) -> str:
    """Return the instant as the logs write it, for tooltips."""
    whole = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * _MS_PER_S):03d} UTC"
