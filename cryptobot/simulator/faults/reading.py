"""Reads descriptions of faults: JSON in, checked values out, one line for what is wrong."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from cryptobot.domain.errors import UserError
from cryptobot.simulator.faults.description import Fault, Window
from cryptobot.simulator.faults.kinds import KINDS, FaultKind, KindRule, When
from cryptobot.simulator.faults.match import Match
from cryptobot.simulator.faults.occasion import Channel
from cryptobot.simulator.faults.presets import PRESETS
from cryptobot.simulator.operations.names import GROUPS, OperationName

_E = TypeVar("_E", bound=StrEnum)
_MAX_S = 366 * 86_400.0
_MAX_COUNT = 1_000_000_000
GENERAL = (
    "kind", "when", "match", "after_s", "for_s", "start_ms", "end_ms", "skip", "count",
    "probability", "seed", "note",
)  # fmt: skip
MATCHING = (
    "channel", "operation", "method", "path", "symbol", "side", "client_order_id", "stream",
    "event", "execution", "status",
)  # fmt: skip
_NOT_LASTING = ("match", "skip", "count", "probability", "seed")
"""What has no meaning for a state of the exchange."""


class BadFault(UserError):  # noqa: N818 - named for the outcome
    """A description that is not accepted: one line with the field and what is allowed."""


def read_faults(wanted: object) -> tuple[Fault, ...]:
    """Return the faults that a JSON value describes: one, a preset, or a list of them.

    Raises:
        BadFault: A field is unknown or has a value that is not allowed.
    """
    if isinstance(wanted, list):
        return tuple(
            fault for number, item in enumerate(wanted) for fault in _read_one(item, f"[{number}].")
        )
    return _read_one(wanted, "")


def _read_one(wanted: object, where: str) -> tuple[Fault, ...]:
    if not isinstance(wanted, dict):
        raise BadFault(f'{where or "body"}: expected an object such as {{"kind": "hang"}}')
    if "preset" not in wanted:
        return (_Reader(wanted, where).fault(),)
    name = wanted["preset"]
    preset = PRESETS.get(name) if isinstance(name, str) else None
    if preset is None:
        raise BadFault(f"{where}preset: {name!r} is unknown; one of {', '.join(PRESETS)}")
    changes = {key: value for key, value in wanted.items() if key != "preset"}
    return tuple(
        _Reader({"note": preset.name, **fault, **changes}, where).fault() for fault in preset.faults
    )


class _Reader:
    """Takes the fields of one description one by one."""

    def __init__(self, fields: Mapping[str, object], where: str) -> None:
        self._fields = dict(fields)
        self._where = where

    def fault(self) -> Fault:
        if "kind" not in self._fields:
            raise BadFault(f"{self._where}kind: is missing; one of {', '.join(FaultKind)}")
        kind = self._one_of("kind", FaultKind)
        rule = KINDS[kind]
        self._check_names(kind, rule)
        return Fault(
            kind,
            self._when(kind, rule),
            self._match(kind, rule),
            self._window(),
            skip=int(self._number("skip", 0, _MAX_COUNT, whole=True) or 0),
            count=self._whole("count", 1),
            probability=self._probability(),
            seed=self._whole("seed", 0),
            note=self._text("note", self._fields.get("note", "")),
            options={option.name: self._option(option.name, rule) for option in rule.options},
        )

    def _check_names(self, kind: FaultKind, rule: KindRule) -> None:
        names = [option.name for option in rule.options]
        allowed = [name for name in GENERAL if rule.moments or name not in _NOT_LASTING] + names
        self._only(self._fields, allowed, "", f" for {kind}")

    def _only(
        self, fields: Iterable[str], allowed: Sequence[str], inside: str, about: str = ""
    ) -> None:
        for name in fields:
            if name not in allowed:
                raise BadFault(
                    f"{self._where}{inside}{name}: is unknown{about}; one of {', '.join(allowed)}"
                )

    def _when(self, kind: FaultKind, rule: KindRule) -> When | None:
        if "when" not in self._fields:
            return rule.whens[0] if rule.whens else None
        if not rule.whens:
            raise BadFault(f"{self._where}when: means nothing for {kind}; leave it out")
        when = self._one_of("when", When)
        if when not in rule.whens:
            raise BadFault(
                f"{self._where}when: {str(when)!r} is impossible for {kind}; "
                f"{' or '.join(rule.whens)}"
            )
        return when

    def _window(self) -> Window:
        window = Window(
            self._number("after_s", 0, _MAX_S) or 0,
            self._number("for_s", 0, _MAX_S),
            self._whole("start_ms", 0, 10**15),
            self._whole("end_ms", 0, 10**15),
        )
        starts, ends = window.start_ms, window.end_ms
        if starts is not None and ends is not None and ends <= starts:
            raise BadFault(f"{self._where}end_ms: must be above start_ms ({starts})")
        return window

    def _probability(self) -> float:
        value = self._number("probability", 0, 1)
        return 1.0 if value is None else value

    def _option(self, name: str, rule: KindRule) -> object:
        option = next(option for option in rule.options if option.name == name)
        value = self._fields.get(name, option.default)
        if name in self._fields and not option.is_allowed(value):
            raise BadFault(f"{self._where}{name}: {value!r} is not {option.allowed}")
        return value

    # Matching

    def _match(self, kind: FaultKind, rule: KindRule) -> Match:
        fields = self._fields.get("match", {})
        if not isinstance(fields, dict):
            raise BadFault(f"{self._where}match: expected an object of {', '.join(MATCHING)}")
        self._only(fields, MATCHING, "match.")
        channels = frozenset(
            self._words(fields, "channel", {str(channel): (channel,) for channel in Channel})
        )
        useless = channels - rule.channels
        if useless:
            raise BadFault(
                f"{self._where}match.channel: {kind} happens on {', '.join(sorted(rule.channels))},"
                f" not on {', '.join(sorted(useless))}"
            )
        return Match(
            channels=channels,
            operations=frozenset[OperationName](self._words(fields, "operation", GROUPS)),
            symbol=self._named(fields, "symbol", lambda text: text.replace("/", "").upper()),
            side=self._side(fields),
            **{
                name: self._named(fields, name, str)
                for name in (
                    "method", "path", "client_order_id", "stream", "event", "execution", "status",
                )
            },
        )  # fmt: skip

    def _words(
        self, fields: Mapping[str, object], name: str, meanings: Mapping[str, Iterable[_E]]
    ) -> Iterable[_E]:
        if name not in fields:
            return
        value = fields[name]
        words = value if isinstance(value, list) and value else [value]
        for word in words:
            if not isinstance(word, str) or word not in meanings:
                raise BadFault(
                    f"{self._where}match.{name}: {word!r} is unknown; one or a list of "
                    f"{', '.join(meanings)}"
                )
            yield from meanings[word]

    def _side(self, fields: Mapping[str, object]) -> str | None:
        side = self._named(fields, "side", str.upper)
        if side not in {None, "BUY", "SELL"}:
            raise BadFault(f"{self._where}match.side: {side!r} is unknown; BUY or SELL")
        return side

    def _named(
        self, fields: Mapping[str, object], name: str, form: Callable[[str], str]
    ) -> str | None:
        return form(self._text(f"match.{name}", fields[name])) if name in fields else None

    # Single values

    def _one_of(self, name: str, words: type[_E]) -> _E:
        value = self._fields[name]
        if not isinstance(value, str) or value not in set(words):
            raise BadFault(f"{self._where}{name}: {value!r} is unknown; one of {', '.join(words)}")
        return words(value)

    def _text(self, name: str, value: object) -> str:
        if not isinstance(value, str) or (name != "note" and not value):
            raise BadFault(f"{self._where}{name}: {value!r} is not a text")
        return value

    def _whole(self, name: str, low: int, high: int = _MAX_COUNT) -> int | None:
        value = self._number(name, low, high, whole=True)
        return None if value is None else int(value)

    def _number(self, name: str, low: float, high: float, *, whole: bool = False) -> float | None:
        value = self._fields.get(name)
        if value is None:
            return None
        kinds = int if whole else (int, float)
        if not isinstance(value, kinds) or isinstance(value, bool) or not low <= value <= high:
            word = "a whole number" if whole else "a number"
            raise BadFault(f"{self._where}{name}: {value!r} is not {word} from {low:g} to {high:g}")
        return value
