"""Reading values out of decoded JSON, with an error that names the field.

The window must survive whatever arrives on the socket, so nothing here trusts a type.
"""

from collections.abc import Mapping
from decimal import Decimal

from cryptobot.domain.money import decimal


class Malformed(ValueError):  # noqa: N818 - named for the condition
    """The engine sent something that is not what the protocol says."""


def mapping(value: object, where: str) -> Mapping[str, object]:
    """Return ``value`` as a JSON object.

    Raises:
        Malformed: It is not one.
    """
    if not isinstance(value, dict):
        raise Malformed(f"{where} is {_kind(value)}, not an object")
    return value


def sequence(value: object, where: str) -> list[object]:
    """Return ``value`` as a JSON array.

    Raises:
        Malformed: It is not one.
    """
    if not isinstance(value, list):
        raise Malformed(f"{where} is {_kind(value)}, not a list")
    return value


def text(source: Mapping[str, object], key: str) -> str:
    """Return the string at ``key``.

    Raises:
        Malformed: It is absent or not a string.
    """
    value = source.get(key)
    if not isinstance(value, str):
        raise Malformed(f"{key} is {_kind(value)}, not text")
    return value


def optional_text(source: Mapping[str, object], key: str) -> str | None:
    """Return the string at ``key``, or ``None`` where it is absent or something else."""
    value = source.get(key)
    return value if isinstance(value, str) else None


def optional_number(source: Mapping[str, object], key: str) -> float | None:
    """Return the number at ``key``, or ``None`` where it is absent or something else."""
    value = source.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def count(source: Mapping[str, object], key: str) -> int:
    """Return the whole number at ``key``; 0 where it is absent or something else."""
    value = source.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def part(source: Mapping[str, object], key: str) -> Mapping[str, object]:
    """Return the object at ``key``; an empty one where it is absent or something else."""
    value = source.get(key)
    return value if isinstance(value, dict) else {}


def items(source: Mapping[str, object], key: str) -> list[object]:
    """Return the array at ``key``; an empty one where it is absent or something else."""
    value = source.get(key)
    return value if isinstance(value, list) else []


def texts(source: Mapping[str, object], key: str) -> tuple[str, ...]:
    """Return the strings of the array at ``key``."""
    return tuple(item for item in items(source, key) if isinstance(item, str))


def money(source: Mapping[str, object], key: str) -> Decimal:
    """Return the exact decimal at ``key``.

    Raises:
        Malformed: It is absent or not an exact number.
    """
    try:
        return decimal(source.get(key))
    except ValueError as error:
        raise Malformed(f"{key}: {error}") from None


def optional_money(source: Mapping[str, object], key: str) -> Decimal | None:
    """Return the exact decimal at ``key``, or ``None`` where it is absent or null.

    Raises:
        Malformed: Something is there that is not an exact number.
    """
    return None if source.get(key) is None else money(source, key)


def _kind(value: object) -> str:
    return "missing" if value is None else f"{type(value).__name__}"
