"""A fault as it was described: a value that was checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cryptobot.domain.clock import NS_PER_MS
from cryptobot.simulator.faults.kinds import KINDS, FaultKind, KindRule, When
from cryptobot.simulator.faults.match import Match
from cryptobot.simulator.faults.occasion import Occasion


@dataclass(frozen=True, slots=True)
class Window:
    """When a fault may fire, on the exchange's clock.

    Attributes:
        after_s: Seconds after it was set.
        for_s: How many seconds long, ``None`` for ever. 0 is for what happens to sockets: only
            those that are open at the first moment.
        start_ms: Not before, UTC milliseconds.
        end_ms: Not from then on, UTC milliseconds.
    """

    after_s: float = 0
    for_s: float | None = None
    start_ms: int | None = None
    end_ms: int | None = None

    def begins_ns(self, set_ns: int) -> int:
        """Return the first moment, for a fault that was set at ``set_ns``."""
        begins = set_ns + _ns(self.after_s)
        return begins if self.start_ms is None else max(begins, self.start_ms * NS_PER_MS)

    def ends_ns(self, set_ns: int) -> int | None:
        """Return the first moment that is over, ``None`` for never."""
        ends = [] if self.end_ms is None else [self.end_ms * NS_PER_MS]
        if self.for_s is not None:
            ends.append(self.begins_ns(set_ns) + _ns(self.for_s))
        return min(ends, default=None)


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, for what, when and how often.

    Attributes:
        when: Before or after the exchange did the work; ``None`` where that means nothing.
        skip: So many occasions that it is meant for pass first.
        count: It fires so many times, ``None`` without limit.
        probability: Of firing at each occasion.
        seed: Of its draws; ``None``: the simulator's.
        note: Anything, for people.
        options: What its kind may say, complete with defaults.
    """

    kind: FaultKind
    when: When | None = None
    match: Match = field(default_factory=Match)
    window: Window = field(default_factory=Window)
    skip: int = 0
    count: int | None = None
    probability: float = 1.0
    seed: int | None = None
    note: str = ""
    options: Mapping[str, object] = field(default_factory=dict)

    @property
    def rule(self) -> KindRule:
        """Where its kind applies."""
        return KINDS[self.kind]

    def is_for(self, occasion: Occasion) -> bool:
        """Whether it is meant for ``occasion``."""
        rule = self.rule
        if occasion.moment not in rule.moments or rule.channels.isdisjoint(occasion.channels):
            return False
        if rule.operations is not None and occasion.operation not in rule.operations:
            return False
        if occasion.operation in rule.of_all_symbols:
            return replace(self.match, symbol=None).meets(occasion)
        return self.match.meets(occasion)

    def integer(self, name: str) -> int:
        """Return a whole number among the options."""
        value = self.options[name]
        if not isinstance(value, int):
            raise TypeError(f"{self.kind}: {name} is no whole number")
        return value

    def number(self, name: str) -> float:
        """Return a number among the options."""
        value = self.options[name]
        if not isinstance(value, int | float):
            raise TypeError(f"{self.kind}: {name} is no number")
        return value

    def text(self, name: str) -> str:
        """Return a text among the options."""
        value = self.options[name]
        if not isinstance(value, str):
            raise TypeError(f"{self.kind}: {name} is no text")
        return value


def _ns(seconds: float) -> int:
    return int(seconds * 1000) * NS_PER_MS
