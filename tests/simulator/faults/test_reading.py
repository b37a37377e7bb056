"""Descriptions of faults: what is read, and the line that says what is wrong."""

import pytest

from cryptobot.simulator.faults.kinds import KINDS, FaultKind, When
from cryptobot.simulator.faults.occasion import Channel
from cryptobot.simulator.faults.presets import PRESETS, catalogue
from cryptobot.simulator.faults.reading import BadFault, read_faults
from cryptobot.simulator.operations.names import GROUPS, PUBLIC, OperationName

OUTSIDE: dict[str, object] = {
    "hold_s": -1,
    "close_code": 999,
    "reason": 1,
    "keep": 1,
    "by": 0,
    "status": 99,
    "code": "x",
    "msg": 1,
    "headers": {"X": 1},
    "retry_after_s": -1,
    "delay_ms": -1,
    "jitter_ms": "1",
    "lag_ms": 0,
    "fields": [],
    "ban_s": 0,
    "skew_ms": 1.5,
    "frame": 0,
    "close_after_s": True,
}


@pytest.mark.parametrize("kind", FaultKind)
def test_every_kind_stands_alone_with_its_defaults(kind: FaultKind) -> None:
    (fault,) = read_faults({"kind": str(kind)})
    rule = KINDS[kind]
    assert fault.kind is kind
    assert fault.when is (rule.whens[0] if rule.whens else None)
    assert fault.options == {option.name: option.default for option in rule.options}
    assert (fault.skip, fault.count, fault.probability) == (0, None, 1.0)
    assert rule.about
    assert rule.about[0].isupper()


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (str(kind), option.name)
        for kind, rule in KINDS.items()
        for option in rule.options
        if option.name != "body"  # anything may be a body
    ],
)
def test_option_outside_its_range_is_named_with_what_is_allowed(kind: str, name: str) -> None:
    option = next(one for one in KINDS[FaultKind(kind)].options if one.name == name)
    with pytest.raises(BadFault) as error:
        read_faults({"kind": kind, name: OUTSIDE[name]})
    assert str(error.value).startswith(f"{name}: ")
    assert option.allowed in str(error.value)


def test_everything_general_is_read() -> None:
    (fault,) = read_faults(
        {
            "kind": "reply",
            "when": "before",
            "match": {
                "channel": ["rest", "ws_api"],
                "operation": ["place_order", "cancel_order"],
                "method": "POST",
                "path": "/api/*",
                "symbol": "btc/usdt",
                "side": "buy",
                "client_order_id": "x-",
            },
            "after_s": 1.5,
            "for_s": 10,
            "start_ms": 5,
            "end_ms": 9,
            "skip": 2,
            "count": 3,
            "probability": 0.25,
            "seed": 7,
            "note": "for a test",
            "status": 451,
            "code": 0,
        }
    )
    assert fault.when is When.BEFORE
    assert fault.match.channels == {Channel.REST, Channel.WS_API}
    assert fault.match.operations == {OperationName.PLACE_ORDER, OperationName.CANCEL_ORDER}
    assert (fault.match.symbol, fault.match.side) == ("BTCUSDT", "BUY")
    assert (fault.window.after_s, fault.window.for_s) == (1.5, 10)
    assert (fault.skip, fault.count, fault.probability, fault.seed) == (2, 3, 0.25, 7)
    assert (fault.options["status"], fault.options["code"]) == (451, 0)


@pytest.mark.parametrize(
    ("wanted", "line"),
    [
        (3, "body: expected an object"),
        ([{"kind": "ban"}, 3], "[1].: expected an object"),
        ({}, "kind: is missing; one of hang,"),
        ({"kind": "explode"}, "kind: 'explode' is unknown; one of hang,"),
        ({"kind": 3}, "kind: 3 is unknown; one of hang,"),
        ({"kind": "hang", "colour": 1}, "colour: is unknown for hang; one of kind, when,"),
        ({"kind": "hang", "ban_s": 1}, "ban_s: is unknown for hang; one of"),
        ({"kind": "hang", "when": "during"}, "when: 'during' is unknown; one of before, after"),
        ({"kind": "drop", "when": "after"}, "when: means nothing for drop; leave it out"),
        ({"kind": "ban", "when": "after"}, "when: 'after' is impossible for ban; before"),
        ({"kind": "clock_skew", "match": {}}, "match: is unknown for clock_skew; one of"),
        ({"kind": "hang", "match": []}, "match: expected an object of channel, operation,"),
        ({"kind": "hang", "match": {"colour": 1}}, "match.colour: is unknown; one of channel,"),
        (
            {"kind": "hang", "match": {"operation": "buy"}},
            "match.operation: 'buy' is unknown; one or a list of any,",
        ),
        (
            {"kind": "hang", "match": {"operation": []}},
            "match.operation: [] is unknown; one or a list of any,",
        ),
        (
            {"kind": "drop", "match": {"channel": "rest"}},
            "match.channel: drop happens on market, user, not on rest",
        ),
        ({"kind": "hang", "match": {"side": "up"}}, "match.side: 'UP' is unknown; BUY or SELL"),
        ({"kind": "hang", "match": {"symbol": 3}}, "match.symbol: 3 is not a text"),
        ({"kind": "hang", "count": 0}, "count: 0 is not a whole number from 1 to"),
        ({"kind": "hang", "count": True}, "count: True is not a whole number from 1 to"),
        ({"kind": "hang", "skip": 1.5}, "skip: 1.5 is not a whole number from 0 to"),
        ({"kind": "hang", "probability": 1.1}, "probability: 1.1 is not a number from 0 to 1"),
        ({"kind": "hang", "probability": float("nan")}, "probability: nan is not a number"),
        ({"kind": "hang", "start_ms": 9, "end_ms": 9}, "end_ms: must be above start_ms (9)"),
        ({"kind": "hang", "note": 1}, "note: 1 is not a text"),
        ({"preset": "doom"}, "preset: 'doom' is unknown; one of lost_reply,"),
        ({"preset": "ban", "colour": 1}, "colour: is unknown for ban; one of"),
        ([{"kind": "ban"}, {"kind": "delay", "delay_ms": "1"}], "[1].delay_ms: '1' is not a"),
    ],
    ids=str,
)
def test_bad_description_is_one_line_with_field_and_what_is_allowed(
    wanted: object, line: str
) -> None:
    with pytest.raises(BadFault) as error:
        read_faults(wanted)
    assert str(error.value).startswith(line)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", PRESETS)
def test_preset_is_a_good_description_with_one_line(name: str) -> None:
    faults = read_faults({"preset": name})
    assert faults
    assert {fault.note for fault in faults} == {name}
    assert "\n" not in PRESETS[name].about


def test_preset_takes_changes() -> None:
    (fault,) = read_faults({"preset": "ban", "ban_s": 9, "after_s": 3, "note": "mine"})
    assert (fault.options["ban_s"], fault.window.after_s, fault.note) == (9, 3, "mine")


def test_catalogue_has_every_preset_and_presets_use_every_kind() -> None:
    assert [row["name"] for row in catalogue()] == list(PRESETS)
    used = {fault["kind"] for preset in PRESETS.values() for fault in preset.faults}
    # A wrong length is a socket's business; no person would pick it from a menu.
    assert used == set(map(str, FaultKind)) - {"wrong_length"}


def test_groups_hold_each_operation_where_it_belongs() -> None:
    assert GROUPS["any"] == set(OperationName)
    assert GROUPS["any_read"] | GROUPS["any_write"] | {OperationName.USER_STREAM} == set(
        OperationName
    )
    assert GROUPS["any_signed"].isdisjoint(PUBLIC)
    assert OperationName.DEPTH in GROUPS["any_public"]
