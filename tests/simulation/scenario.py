"""What happens in a run: drawn from one integer, so that the integer replays it."""

from dataclasses import dataclass, replace
from enum import StrEnum
from operator import attrgetter
from random import Random
from typing import Final

from .weather import CLEAR, WEATHERS, Weather


class Act(StrEnum):
    """What people and machines do to a running engine."""

    WISH = "wish"
    """Somebody wants an order, and asks again when told that it was not placed."""
    CANCEL = "cancel"
    TO_PAPER = "to_paper"
    TO_PAPER_CANCELLING = "to_paper_cancelling"
    TO_LIVE = "to_live"
    TOUCH_FENCE = "touch_fence"
    RESTART = "restart"
    """The engine is ended in order and started again."""
    RESTART_EXCHANGE = "restart_exchange"
    CLOCK_FORWARD = "clock_forward"
    CLOCK_BACK = "clock_back"


class Moment(StrEnum):
    """After what an engine may be killed."""

    TIME = "time"
    WRITE = "write"
    """Bytes of an order left."""
    ARRIVAL = "arrival"
    """The exchange executed a request."""
    COMMIT = "commit"
    """Records are on disk, and nobody has been told."""
    TOLD = "told"
    """The journal answered."""
    REPORT = "report"
    """The user stream said something."""
    PAPER = "paper"
    """A switch to paper was asked for, or acknowledged."""


@dataclass(frozen=True, slots=True)
class Spell:
    """A weather for a while, virtual seconds from the start."""

    name: str
    begins_s: float
    ends_s: float


@dataclass(frozen=True, slots=True)
class Action:
    """Something that somebody does."""

    at_s: float
    act: Act


@dataclass(frozen=True, slots=True)
class Crash:
    """A kill: ``steps`` callbacks after the ``count``-th ``moment``.

    Attributes:
        down_s: How long until the next start.
        power: The machine dies, not the process: what the journal was given is lost from some
            commit on. Otherwise the process that writes the journal ends its work.
    """

    moment: Moment
    count: int
    steps: int
    down_s: float
    power: bool

    def describe(self) -> str:
        """Return it in words."""
        what = "power lost" if self.power else "killed"
        return f"{what} {self.steps} steps after {self.moment} {self.count}, down {self.down_s} s"


@dataclass(frozen=True, slots=True)
class Cue:
    """Something that somebody does ``steps`` callbacks after the ``count``-th ``moment``.

    What must be fast is tried where it is fastest: between the last looks before an order leaves.
    """

    moment: Moment
    count: int
    steps: int
    act: Act

    def describe(self) -> str:
        """Return it in words."""
        return f"{self.act} {self.steps} steps after {self.moment} {self.count}"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A run's script."""

    seed: int
    active_s: float
    starts_live: bool
    strategies: tuple[str, ...]
    spells: tuple[Spell, ...]
    actions: tuple[Action, ...]
    crashes: tuple[Crash, ...]
    cues: tuple[Cue, ...]

    def weather(self, at_s: float) -> Weather:
        """Return the weather at a virtual second; the first spell counts."""
        for spell in self.spells:
            if spell.begins_s <= at_s < spell.ends_s:
                return WEATHERS[spell.name]
        return CLEAR

    def describe(self) -> list[str]:
        """Return the script in lines."""
        return [
            (
                f"seed {self.seed}: {self.active_s:.1f} s, starts "
                f"{'live' if self.starts_live else 'paper'}, strategies {list(self.strategies)}"
            ),
            *(f"  weather {it.begins_s:.2f}-{it.ends_s:.2f} {it.name}" for it in self.spells),
            *(f"  action {it.at_s:.2f} {it.act}" for it in self.actions),
            *(f"  {it.describe()}" for it in self.crashes),
            *(f"  {it.describe()}" for it in self.cues),
        ]


OFTEN: Final = (
    (Act.WISH, 60),
    (Act.CANCEL, 14),
    (Act.TO_PAPER, 5),
    (Act.TO_PAPER_CANCELLING, 3),
    (Act.TO_LIVE, 8),
    (Act.TOUCH_FENCE, 3),
    (Act.RESTART, 2),
    (Act.RESTART_EXCHANGE, 2),
    (Act.CLOCK_FORWARD, 2),
    (Act.CLOCK_BACK, 1),
)
"""Weights of what is done."""


SIEGES: Final = ("cut_off", "cut_off", *sorted(WEATHERS))
"""What may last nearly all of a run, longer than every patience."""

BAD_DISKS: Final = ("disk_down", "disk_slow")


def draw(seed: int) -> Scenario:
    """Return the scenario of a seed: mostly anything, sometimes one of the worst constellations."""
    rng = Random(f"scenario-{seed}")
    kind = rng.choices((_anything, _siege, _switch_on_a_bad_disk), (80, 16, 4))[0]
    return kind(seed, rng)


def _anything(seed: int, rng: Random) -> Scenario:
    active_s = rng.uniform(3.0, 9.0)
    return Scenario(
        seed=seed,
        active_s=active_s,
        starts_live=rng.random() < 0.85,
        strategies=_strategies(rng),
        spells=_spells(rng, active_s),
        actions=_actions(rng, active_s),
        crashes=_crashes(rng),
        cues=_cues(Random(f"cues-{seed}")),
    )


def _siege(seed: int, rng: Random) -> Scenario:
    active_s = rng.uniform(9.0, 13.0)
    name = rng.choice(SIEGES)
    return replace(
        _anything(seed, rng),
        active_s=active_s,
        starts_live=True,
        spells=(Spell(name, rng.uniform(0.0, 1.0), active_s),),
        actions=_actions(rng, active_s),
    )


def _switch_on_a_bad_disk(seed: int, rng: Random) -> Scenario:
    """Paper is asked for while the journal cannot keep it, and the machine dies."""
    begins_s = rng.uniform(0.3, 1.5)
    crash = Crash(Moment.PAPER, 2, rng.choice((1, 3, 8, 40)), 0.05, power=True)
    return replace(
        _anything(seed, rng),
        starts_live=True,
        spells=(Spell(rng.choice(BAD_DISKS), begins_s, begins_s + 2),),
        actions=tuple(
            Action(begins_s + after_s, act)
            for after_s, act in ((0.1, Act.WISH), (0.2, Act.TO_PAPER), (1.5, Act.WISH))
        ),
        crashes=(crash,),
    )


def _strategies(rng: Random) -> tuple[str, ...]:
    return rng.choice(((), (), (), ("moving_average_cross",), ("grid",)))


def _spells(rng: Random, active_s: float) -> tuple[Spell, ...]:
    names = rng.sample(sorted(WEATHERS), rng.choice((0, 1, 2, 2, 3, 4)))
    spells = []
    for name in names:
        begins = rng.uniform(0.0, active_s * 0.8)
        spells.append(Spell(name, begins, begins + rng.uniform(1.0, active_s)))
    return tuple(spells)


def _actions(rng: Random, active_s: float) -> tuple[Action, ...]:
    acts, weights = zip(*OFTEN, strict=True)
    count = rng.randint(3, 14)
    found = [Action(rng.uniform(0.3, active_s), act) for act in rng.choices(acts, weights, k=count)]
    found.append(Action(rng.uniform(0.3, active_s / 2), Act.WISH))
    return tuple(sorted(found, key=attrgetter("at_s")))


def _crashes(rng: Random) -> tuple[Crash, ...]:
    return tuple(
        Crash(
            moment=rng.choice(list(Moment)),
            count=rng.choice((1, 1, 2, 3, 5)),
            steps=rng.choice((0, 1, 2, 3, 5, 8, 13, 40, 150)),
            down_s=rng.choice((0.05, 0.3, 1.0, 4.0)),
            power=rng.random() < 0.4,
        )
        for _ in range(rng.choice((0, 0, 1, 1, 1, 2)))
    )


def _cues(rng: Random) -> tuple[Cue, ...]:
    return tuple(
        Cue(
            moment=rng.choice((Moment.TOLD, Moment.TOLD, *Moment)),
            count=rng.choice((1, 2, 3, 5, 8)),
            steps=rng.choice((0, 1, 2, 3, 4, 5, 8, 13)),
            act=rng.choice((Act.TOUCH_FENCE, Act.TOUCH_FENCE, Act.TO_PAPER, Act.CANCEL, Act.WISH)),
        )
        for _ in range(rng.choice((0, 0, 1, 2)))
    )
