"""What a bad setting is told: our own words, for whatever is written for whichever setting."""

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from cryptobot.settings import Settings, SettingsError, load_settings
from cryptobot.settings.refusal import ALLOWED, HIDDEN

FOREIGN = re.compile(
    r"Input should|Value error|Field required|Extra inputs|type=|validation error|pydantic"
    r"|unable to|valid (integer|number|string|dictionary|list|path|decimal)|instance of|literal"
)
"""Words of the library that checks settings, and of Python; none is for the user."""
LINE = re.compile(r"(setting \S.* \(from .+\): .+; write .+|unknown setting \S.* \(from .+\); .+)")
IN_A_STRATEGY = {"strategies.start.name", "strategies.start.params"}


def settings_in(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from settings_in(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


KEYS = dict(settings_in(Settings))
SECTIONS = sorted({key.partition(".")[0] for key in KEYS if "." in key})
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NUMBERS = st.one_of(st.integers(), st.floats(), st.decimals()).map(str)
PLACES = st.sampled_from([*KEYS, *SECTIONS, "paper.balances.USDT", "risk.no_such", "no_such"])


def told(
    tmp: Path, *, environ: dict[str, str] | None = None, overrides: object = None
) -> str | None:
    """Return what the user is told of these settings; ``None`` if they are good."""
    if overrides is not None:
        (tmp / "runtime_overrides.json").write_text(json.dumps(overrides))
    try:
        load_settings(environ={"CRYPTOBOT_STATE_DIR": "/s", **(environ or {})}, directory=tmp)
    except SettingsError as error:
        return str(error)
    return None


def is_ours(said: str | None) -> None:
    for line in [] if said is None else said.split("\n"):
        assert LINE.fullmatch(line), line
        assert not FOREIGN.search(line), line
        assert "is not allowed" not in line, line  # a type of error that the table does not know


def variable(key: str) -> str:
    return f"CRYPTOBOT_{key.upper().replace('.', '__')}"


@given(key=PLACES, text=st.text() | NUMBERS)
@example(key="exchange.connect_to", text="host:²")
@example(key="exchange.connect_to", text="host:" + "9" * 5000)
@example(key="exchange.tls_ca", text="x" * 5000)
@example(key="strategies.folder", text="~\0")
@example(key="state_dir", text="~no-such-user")
@example(key="risk.max_open_orders", text="9" * 5000)
@example(key="strategies.start", text='[{"params": {"a": [], "b": {}}, "nam": 1}, 7]')
@example(key="strategies.start", text="[" * 5000)
def test_any_text_for_any_setting_is_told_in_our_words(key: str, text: str) -> None:
    with tempfile.TemporaryDirectory() as tmp:
        said = told(Path(tmp), environ={variable(key): text})
    if said != "settings are nested too deeply; mend the file or variable":
        is_ours(said)


@given(key=PLACES, value=ANYTHING)
@example(key="strategies.start", value=[{"name": "grid", "params": {"x": None}}])
@example(key="paper.balances", value={"USDT": 0.1, "a\nb": "x"})
@example(key="account", value="\ud800")
def test_any_value_for_any_setting_is_told_in_our_words(key: str, value: object) -> None:
    *sections, name = key.split(".")
    tree: object = {name: value}
    for section in reversed(sections):
        tree = {section: tree}
    with tempfile.TemporaryDirectory() as tmp:
        is_ours(told(Path(tmp), overrides=tree))


def test_every_setting_has_words_for_what_it_may_be() -> None:
    assert set(ALLOWED) == KEYS.keys() | IN_A_STRATEGY


def test_every_bound_of_the_model_stands_in_the_words() -> None:
    bounds = [
        (key, f"{getattr(rule, name):g}")
        for key, field in KEYS.items()
        for rule in field.metadata
        for name in ("ge", "gt", "le", "lt", "min_length", "max_length")
        if hasattr(rule, name)
    ]
    assert bounds
    for key, bound in bounds:
        words = ALLOWED[key].replace("one or more", "1 or more")
        assert bound in re.findall(r"[0-9]+(?:\.[0-9]+)?", words), key


def test_every_secret_is_hidden() -> None:
    secrets = {key for key, field in KEYS.items() if SecretStr in get_args(field.annotation)}
    assert secrets
    assert secrets <= HIDDEN


@pytest.mark.parametrize("key", sorted(HIDDEN))
def test_value_of_a_secret_is_never_shown(tmp_path: Path, key: str) -> None:
    section, _, name = key.partition(".")
    for tree in ({section: {name: ["hunter2"]}}, {section: ["hunter2"]}, {section: "hunter2"}):
        said = told(tmp_path, overrides=tree)
        assert said is not None
        assert said.startswith(f"setting {section}")
        assert "hunter2" not in said


WORDS = [
    (
        "metrics.port",
        "many",
        (
            "'many' is not a whole number; write a whole number from 0 to 65535, such as 9100 "
            "(0 takes a free port)"
        ),
    ),
    (
        "metrics.port",
        "70000",
        (
            "'70000' is out of range; write a whole number from 0 to 65535, such as 9100 "
            "(0 takes a free port)"
        ),
    ),
    ("mode.start", "demo", "'demo' is none of these; write resume, paper or live"),
    (
        "exchange.connect_to",
        "here",
        (
            "'here' is not HOST:PORT; write HOST:PORT with a port from 1 to 65535, "
            "such as 127.0.0.1:18443"
        ),
    ),
    (
        "database.url",
        "mysql://me:pw@h/d",
        (
            "the value (not shown, it may be secret) is no URL of SQLite or PostgreSQL; "
            "write sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE"
        ),
    ),
    ("exchange.tls_ca", "/no", "'/no' is not a file; write the path of a PEM file that exists"),
    ("log_level", "loud", "'loud' is not of the right form; write debug, info, warning or error"),
]


@pytest.mark.parametrize(("key", "text", "words"), WORDS)
def test_bad_value_is_told_what_was_given_what_is_wrong_and_what_to_write(
    tmp_path: Path, key: str, text: str, words: str
) -> None:
    said = told(tmp_path, environ={variable(key): text})
    assert said == f"setting {key} (from the environment): {words}"


def test_value_in_a_union_is_told_once(tmp_path: Path) -> None:
    start = [{"name": "grid", "params": {"levels": [1]}}]
    said = told(tmp_path, overrides={"strategies": {"start": start}})
    assert said is not None
    assert said.startswith("setting strategies.start.0.params.levels (from ")
    assert said.count("\n") == 0


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("acount", "account"),
        ("port", "metrics.port"),
        ("risk.max_open_order", "risk.max_open_orders"),
    ],
)
def test_unknown_setting_is_told_which_was_meant(tmp_path: Path, key: str, meant: str) -> None:
    said = told(tmp_path, environ={variable(key): "1"})
    assert said is not None
    assert said.endswith(f"; did you mean {meant}?")


def test_settings_nested_without_end_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "runtime_overrides.json").write_text('{"a":' * 100_000)
    with pytest.raises(SettingsError, match=r"^[^\n]+$"):
        load_settings(environ={}, directory=tmp_path)


def test_number_with_too_many_digits_in_toml_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "default.toml").write_text("account = " + "1" * 5000)
    with pytest.raises(SettingsError, match=r"^[^\n]+default\.toml: not valid TOML: [^\n]+$"):
        load_settings(environ={}, directory=tmp_path)


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b"])
def test_profile_of_an_impossible_name_is_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=r"^no profile [^\n]+$"):
        load_settings(profile=name, environ={}, directory=tmp_path)


def test_home_in_a_path_is_filled_in_and_an_empty_folder_is_none(tmp_path: Path) -> None:
    environ = {"CRYPTOBOT_STRATEGIES__FOLDER": "~/mine"}
    assert load_settings(environ=environ, directory=tmp_path).strategies.folder == (
        Path.home() / "mine"
    )
    environ = {"CRYPTOBOT_STRATEGIES__FOLDER": ""}
    assert load_settings(environ=environ, directory=tmp_path).strategies.folder is None
