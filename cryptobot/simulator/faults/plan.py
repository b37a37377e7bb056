"""Decides, occasion by occasion, which faults fire.

Nothing here knows a wire: the simulated exchange asks before and after each request and event,
and a simulation in virtual time may ask in the same way. The same faults, seed, clock and
occasions give the same decisions.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from cryptobot.domain.clock import NS_PER_MS
from cryptobot.simulator.faults.description import Fault
from cryptobot.simulator.faults.kinds import FaultKind, Role, When
from cryptobot.simulator.faults.occasion import Moment, Occasion


class Stage(StrEnum):
    """Where a fault stands."""

    WAITING = "waiting"
    ACTIVE = "active"
    OVER = "over"


class Fired(NamedTuple):
    """A fault that applies to an occasion.

    Attributes:
        draw: From [0, 1), for what is random about its effect.
    """

    fault_id: str
    fault: Fault
    draw: float


class Decision(NamedTuple):
    """What happens at an occasion.

    Attributes:
        fired: All faults that apply, in the order in which they were set.
    """

    fired: tuple[Fired, ...] = ()

    @property
    def verdict(self) -> Fired | None:
        """The fault that says what becomes of it, ``None`` when it goes its way."""
        return next((one for one in self.fired if one.fault.rule.role is Role.DECIDES), None)

    def of(self, *kinds: FaultKind, when: When | None = None) -> list[Fired]:
        """Return what fired of some kinds, before, after, or (``None``) both."""
        return [
            one for one in self.fired if one.fault.kind in kinds and when in {None, one.fault.when}
        ]


NOTHING = Decision()


@dataclass(slots=True)
class _Entry:
    fault_id: str
    fault: Fault
    begins_ns: int
    ends_ns: int | None
    rng: random.Random
    seen: int = 0
    fired: int = 0
    swept: bool = field(default=False)

    @property
    def is_spent(self) -> bool:
        return self.fault.count is not None and self.fired >= self.fault.count

    def stage(self, now_ns: int) -> Stage:
        if now_ns < self.begins_ns:
            return Stage.WAITING
        is_late = self.ends_ns is not None and now_ns >= self.ends_ns
        return Stage.OVER if self.is_spent or is_late else Stage.ACTIVE

    def decide(self) -> Fired | None:
        self.seen += 1
        if self.seen <= self.fault.skip:
            return None
        draw = self.rng.random()
        if draw >= self.fault.probability:
            return None
        self.fired += 1
        return Fired(self.fault_id, self.fault, self.rng.random())


class FaultPlan:
    """The faults in force.

    Args:
        now_ns: Tells the exchange's time in UTC nanoseconds.
        seed: Of the draws of faults that bring none.
    """

    def __init__(self, now_ns: Callable[[], int], seed: int = 0) -> None:
        self._now_ns = now_ns
        self._seed = seed
        self._entries: dict[str, _Entry] = {}
        self._by_moment: dict[Moment, list[_Entry]] = {}
        self._lasting: list[_Entry] = []
        self._next_id = 1

    def add(self, faults: Iterable[Fault]) -> list[str]:
        """Set faults; return their ids."""
        now_ns = self._now_ns()
        ids = []
        for fault in faults:
            fault_id = f"f{self._next_id}"
            seed = self._seed + self._next_id if fault.seed is None else fault.seed
            self._next_id += 1
            self._entries[fault_id] = _Entry(
                fault_id,
                fault,
                fault.window.begins_ns(now_ns),
                fault.window.ends_ns(now_ns),
                random.Random(seed),  # noqa: S311 - draws that repeat with the seed
            )
            ids.append(fault_id)
        self._index()
        return ids

    def remove(self, fault_id: str) -> bool:
        """Take a fault away; return whether it was there."""
        found = self._entries.pop(fault_id, None) is not None
        self._index()
        return found

    def clear(self) -> int:
        """Take all faults away; return how many there were."""
        number = len(self._entries)
        self._entries.clear()
        self._index()
        return number

    def concerns(self, moment: Moment) -> bool:
        """Whether any fault may fire at such a moment: cheap, for those that come often."""
        return moment in self._by_moment

    def decide(self, occasion: Occasion) -> Decision:
        """Return what happens at an occasion, and count it."""
        entries = self._by_moment.get(occasion.moment)
        if not entries:
            return NOTHING
        now_ns = self._now_ns()
        fired: list[Fired] = []
        is_decided = False
        for entry in entries:
            decides = entry.fault.rule.role is Role.DECIDES
            if decides and is_decided:
                continue
            one = self._ask(entry, occasion, now_ns)
            if one is not None:
                fired.append(one)
                is_decided = is_decided or decides
        return Decision(tuple(fired))

    def decide_begun(self, occasions: Callable[[], Iterable[Occasion]]) -> list[list[Fired]]:
        """Ask the faults that have begun since the last call about every open socket.

        Args:
            occasions: Makes one occasion for each socket, in the order in which they opened.

        Returns:
            For each socket what fired; nothing when no fault has begun.
        """
        now_ns = self._now_ns()
        begun = [
            entry
            for entry in self._by_moment.get(Moment.SOCKET, ())
            if not entry.swept and entry.stage(now_ns) is not Stage.WAITING
        ]
        if not begun:
            return []
        for entry in begun:
            entry.swept = True
        return [
            [
                one
                for entry in begun  # also one that is over since, within the pace of the calls
                if not entry.is_spent
                and entry.fault.is_for(occasion)
                and (one := entry.decide()) is not None
            ]
            for occasion in occasions()
        ]

    def skew_ms(self) -> int:
        """Return how wrong the exchange's clock is now."""
        now_ns = self._now_ns()
        return sum(
            entry.fault.integer("skew_ms")
            for entry in self._lasting
            if entry.stage(now_ns) is Stage.ACTIVE
        )

    def describe(self) -> list[dict[str, object]]:
        """Return every fault with its id, its stage and how often it was asked and fired.

        ``ends_ms`` is when it will be over whatever happens, on the exchange's clock.
        """
        now_ns = self._now_ns()
        return [
            {
                "id": entry.fault_id,
                "kind": str(entry.fault.kind),
                "when": None if entry.fault.when is None else str(entry.fault.when),
                "note": entry.fault.note,
                "stage": str(entry.stage(now_ns)),
                "seen": entry.seen,
                "fired": entry.fired,
                "count": entry.fault.count,
                "ends_ms": None if entry.ends_ns is None else entry.ends_ns // NS_PER_MS,
            }
            for entry in self._entries.values()
        ]

    def _ask(self, entry: _Entry, occasion: Occasion, now_ns: int) -> Fired | None:
        if entry.stage(now_ns) is not Stage.ACTIVE or not entry.fault.is_for(occasion):
            return None
        return entry.decide()

    def _index(self) -> None:
        self._by_moment = {}
        for entry in self._entries.values():
            for moment in entry.fault.rule.moments:
                self._by_moment.setdefault(moment, []).append(entry)
        self._lasting = [
            entry for entry in self._entries.values() if entry.fault.rule.role is Role.LASTS
        ]
