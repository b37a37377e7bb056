"""What the simulator tells of its faults, as values. Pure.

A fault is on while it waits for its occasion or applies, and as long as the refusals last that it
began. One that has done what it was set for is not.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from cryptobot.gui import figures
from cryptobot.gui.wire_values import (
    count,
    mapping,
    optional_number,
    optional_text,
    sequence,
    text,
    texts,
)

_OVER: Final = "over"
_MS_PER_S: Final = 1_000


@dataclass(frozen=True, slots=True)
class Preset:
    """A fault with a name: what a person picks from a menu."""

    name: str
    about: str
    group: str


@dataclass(frozen=True, slots=True)
class FaultOn:
    """A fault that is on.

    Attributes:
        fault_id: By which it is taken away.
        name: Its preset's, or whatever it was noted under; else its kind.
        fired: How often it has happened.
        until: When it ends, or the refusals that it began, in seconds since the epoch; ``None``
            when nobody knows.
    """

    fault_id: str
    name: str
    fired: int
    until: float | None


def read_presets(data: object) -> tuple[Preset, ...]:
    """Return what ``GET /sim/faults/presets`` answered.

    Raises:
        Malformed: It is something else.
    """
    rows = [mapping(row, "preset") for row in sequence(data, "presets")]
    return tuple(
        Preset(text(row, "name"), text(row, "about"), optional_text(row, "group") or "Faults")
        for row in rows
    )


def read_faults(data: object) -> tuple[FaultOn, ...]:
    """Return what is on, of the answer of ``GET /sim/faults``.

    Raises:
        Malformed: It is something else.
    """
    rows = [mapping(row, "fault") for row in sequence(data, "faults")]
    return tuple(
        FaultOn(
            text(row, "id"),
            optional_text(row, "note") or text(row, "kind"),
            count(row, "fired"),
            _until(row),
        )
        for row in rows
        if row.get("stage") != _OVER or row.get("lasts_until_ms") is not None
    )


def read_over(data: object) -> frozenset[str]:
    """Return the ids of the faults that have done all they were set for, of the same answer.

    Raises:
        Malformed: It is something else.
    """
    rows = [mapping(row, "fault") for row in sequence(data, "faults")]
    return frozenset(
        text(row, "id")
        for row in rows
        if row.get("stage") == _OVER and row.get("lasts_until_ms") is None
    )


def read_ids(data: object) -> frozenset[str]:
    """Return the ids of the faults that were set, of the answer of ``POST /sim/faults``.

    Raises:
        Malformed: It is something else.
    """
    return frozenset(texts(mapping(data, "answer"), "ids"))


def _until(row: Mapping[str, object]) -> float | None:
    refuses, ends = (optional_number(row, key) for key in ("lasts_until_ms", "ends_ms"))
    last = refuses if refuses is not None else ends
    return None if last is None else last / _MS_PER_S


def by_group(presets: Iterable[Preset]) -> Mapping[str, list[Preset]]:
    """Return the presets by group, in the order in which the simulator tells them."""
    groups: dict[str, list[Preset]] = {}
    for preset in presets:
        groups.setdefault(preset.group, []).append(preset)
    return groups


def told(faults: Iterable[FaultOn], presets: Iterable[Preset]) -> str:
    """Return what is on in one line: what each does, its name, and how far it has come.

    Faults of one preset are told once.
    """
    about = {preset.name: preset.about for preset in presets}
    lines: dict[str, str] = {}
    for fault in faults:
        line = f"{about[fault.name]} ({fault.name})" if fault.name in about else fault.name
        if fault.until is not None:
            line += f", until {figures.clock(fault.until)}"
        elif fault.fired:
            line += f", {fault.fired:,}\N{MULTIPLICATION SIGN} so far"
        lines[fault.name] = line
    return f"   {figures.DOT}   ".join(lines.values())
