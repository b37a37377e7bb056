"""Where settings come from, which source wins, and what a bad one is told."""

import json
import re
import tomllib
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from cryptobot.settings import Settings, SettingsError, load_settings
from cryptobot.settings.sources import SECRETS, config_dir
from tests.conftest import ROOT


class Sources:
    """A config directory and an environment of a test."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "profiles").mkdir(parents=True)
        self.environ = {"CRYPTOBOT_STATE_DIR": str(directory / "state")}
        self.cli: dict[str, object] = {}
        self.profile: str | None = None

    def write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.write_text(text)
        return path

    def load(self) -> Settings:
        return load_settings(
            profile=self.profile, cli=self.cli, environ=self.environ, directory=self.directory
        )

    def refused(self) -> str:
        with pytest.raises(SettingsError) as refused:
            self.load()
        assert "Traceback" not in str(refused.value)
        return str(refused.value)


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return Sources(tmp_path / "config")


def _everywhere(sources: Sources) -> list[tuple[str, str]]:
    """Set the account in every source; return them weakest first, with its value there."""
    sources.write("default.toml", 'account = "default"')
    sources.write("profiles/p.toml", 'account = "profile"')
    sources.profile = "p"
    sources.write("production.env", "CRYPTOBOT_ACCOUNT=dotenv")
    sources.write("runtime_overrides.json", '{"account": "overrides"}')
    sources.environ["CRYPTOBOT_ACCOUNT"] = "environment"
    sources.cli["account"] = "cli"
    return [
        ("default.toml", "default"),
        ("profiles/p.toml", "profile"),
        ("production.env", "dotenv"),
        ("runtime_overrides.json", "overrides"),
        ("environment", "environment"),
        ("cli", "cli"),
    ]


def _take_away(sources: Sources, name: str) -> None:
    if name == "environment":
        del sources.environ["CRYPTOBOT_ACCOUNT"]
    elif name == "cli":
        sources.cli.clear()
    else:
        sources.write(name, "{}" if name.endswith(".json") else "")


def test_precedence_of_all_sources_strongest_first(sources: Sources) -> None:
    for name, value in reversed(_everywhere(sources)):
        assert sources.load().account == value
        _take_away(sources, name)
    assert sources.load().account == "main"


def test_bad_value_names_the_source_it_came_from(sources: Sources) -> None:
    names = {
        "default.toml": "default.toml",
        "profiles/p.toml": "p.toml",
        "production.env": "production.env",
        "runtime_overrides.json": "runtime_overrides.json",
        "environment": "the environment",
        "cli": "the command line",
    }
    _everywhere(sources)
    sources.write("default.toml", "[metrics]\nport = 1\n[exchange]\nid = 'x'")
    for number, (name, _) in enumerate(_everywhere(sources)):
        key = "metrics.port"
        bad = 70_000 + number
        if name == "environment":
            sources.environ["CRYPTOBOT_METRICS__PORT"] = str(bad)
        elif name == "cli":
            sources.cli[key] = bad
        elif name.endswith(".env"):
            sources.write(name, f"CRYPTOBOT_METRICS__PORT={bad}")
        elif name.endswith(".json"):
            sources.write(name, json.dumps({"metrics": {"port": bad}}))
        else:
            sources.write(name, f"[metrics]\nport = {bad}")
        said = sources.refused()
        assert said.startswith("setting metrics.port (from ")
        assert names[name] in said
        assert "65535" in said


class TestUnknownKeys:
    def test_at_the_top_names_key_source_and_known_ones(self, sources: Sources) -> None:
        sources.environ["CRYPTOBOT_ACOUNT"] = "x"
        said = sources.refused()
        assert said.startswith("unknown setting acount (from the environment); known here: ")
        assert "account" in said
        assert "metrics" in said

    def test_in_a_section_names_the_sections_keys(self, sources: Sources) -> None:
        path = sources.write("default.toml", "[metrics]\nprot = 1")
        assert sources.refused() == (
            f"unknown setting metrics.prot (from {path}); known here: host, port; "
            "did you mean metrics.port?"
        )

    def test_in_a_list_item_is_found_too(self, sources: Sources) -> None:
        path = sources.write("default.toml", "[[strategies.start]]\nname = 'grid'\nparam = 1")
        said = sources.refused()
        assert "strategies.start.0.param" in said
        assert str(path) in said

    def test_of_several_each_gets_a_line(self, sources: Sources) -> None:
        sources.environ |= {"CRYPTOBOT_A": "1", "CRYPTOBOT_RISK__B": "1"}
        assert len(sources.refused().splitlines()) == 2

    def test_variable_of_another_name_in_production_env_is_refused(self, sources: Sources) -> None:
        sources.write("production.env", "AWS_SECRET=1")
        said = sources.refused()
        assert "production.env" in said
        assert "AWS_SECRET" in said
        assert "SENTRY_DSN" in said


class TestSecrets:
    @pytest.mark.parametrize("key", sorted(SECRETS))
    def test_in_a_toml_file_is_refused_without_showing_it(self, sources: Sources, key: str) -> None:
        section, _, name = key.partition(".")
        path = sources.write("profiles/p.toml", f"[{section}]\n{name} = 'hunter2'")
        sources.profile = "p"
        said = sources.refused()
        assert key in said
        assert str(path) in said
        assert f"CRYPTOBOT_{section.upper()}__{name.upper()}" in said
        assert "hunter2" not in said

    def test_from_the_environment_is_taken_and_not_shown(self, sources: Sources) -> None:
        sources.environ |= {
            "CRYPTOBOT_EXCHANGE__API_KEY": "hunter1",
            "CRYPTOBOT_EXCHANGE__SECRET": "hunter2",
        }
        settings = sources.load()
        assert settings.exchange.secret is not None
        assert settings.exchange.secret.get_secret_value() == "hunter2"
        assert "hunter" not in repr(settings)

    def test_sentry_keeps_its_usual_names(self, sources: Sources) -> None:
        sources.write("production.env", 'SENTRY_DSN="https://k@h/1"\nexport SENTRY_RELEASE=r1\n')
        sources.environ["SENTRY_ENVIRONMENT"] = "test"
        settings = sources.load()
        assert settings.sentry.dsn is not None
        assert settings.sentry.dsn.get_secret_value() == "https://k@h/1"
        assert (settings.sentry.release, settings.sentry.environment) == ("r1", "test")


BAD: list[tuple[str, str, str]] = [
    ("CRYPTOBOT_METRICS__PORT", "many", "metrics.port"),
    ("CRYPTOBOT_SYMBOLS", "", "symbols"),
    ("CRYPTOBOT_SYMBOLS", "BTCUSDT", "symbols"),
    ("CRYPTOBOT_SYMBOLS", "btc/usdt", "symbols"),
    ("CRYPTOBOT_SYMBOLS", "BTC/USDT,BTC/USDT", "symbols"),
    ("CRYPTOBOT_SYMBOLS", '["BTC/USDT"', "symbols"),
    ("CRYPTOBOT_TIMEFRAME", "fast", "timeframe"),
    ("CRYPTOBOT_LOG_LEVEL", "loud", "log_level"),
    ("CRYPTOBOT_ACCOUNT", "", "account"),
    ("CRYPTOBOT_MODE__START", "demo", "mode.start"),
    ("CRYPTOBOT_EXCHANGE", "binance", "exchange"),
    ("CRYPTOBOT_EXCHANGE__CONNECT_TO", "localhost", "exchange.connect_to"),
    ("CRYPTOBOT_EXCHANGE__CONNECT_TO", "h:99999", "exchange.connect_to"),
    ("CRYPTOBOT_EXCHANGE__TLS_CA", "/no/such/ca.pem", "exchange.tls_ca"),
    ("CRYPTOBOT_EXCHANGE__TIMEOUT_S", "nan", "exchange.timeout_s"),
    ("CRYPTOBOT_DATABASE__URL", "mysql://x", "database.url"),
    ("CRYPTOBOT_RISK__MAX_ORDER_NOTIONAL", "-1", "risk.max_order_notional"),
    ("CRYPTOBOT_RISK__MAX_ORDER_NOTIONAL", "NaN", "risk.max_order_notional"),
    ("CRYPTOBOT_RISK__MAX_ORDER_NOTIONAL", "Infinity", "risk.max_order_notional"),
    ("CRYPTOBOT_PAPER__BALANCES__USDT", "lots", "paper.balances.USDT"),
    ("CRYPTOBOT_RECONCILIATION__INTERVAL_S", "inf", "reconciliation.interval_s"),
    ("CRYPTOBOT_STATE_DIR__X", "1", "state_dir"),
    ("CRYPTOBOT_LOG_DIR__X", "1", "log_dir"),
]


@pytest.mark.parametrize(("variable", "value", "key"), BAD)
def test_bad_value_names_key_and_source(
    sources: Sources, variable: str, value: str, key: str
) -> None:
    if variable.endswith("_DIR__X"):
        sources.environ.pop("CRYPTOBOT_STATE_DIR")
    sources.environ[variable] = value
    said = sources.refused()
    assert len(said.splitlines()) == 1
    assert re.match(rf"setting {re.escape(key)}\S* \(from the environment\): .+", said), said


def test_float_for_money_asks_for_a_string(sources: Sources) -> None:
    sources.write("default.toml", "[risk]\nmax_order_notional = 0.1")
    said = sources.refused()
    assert "0.1 is a float, which is not exact" in said
    assert "as a string, such as '1000'" in said


class TestFiles:
    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("default.toml", b"account = "),
            ("default.toml", b"\xff\xfe"),
            ("profiles/p.toml", b"[["),
            ("runtime_overrides.json", b"{"),
            ("runtime_overrides.json", b"[]"),
            ("runtime_overrides.json", b"\xff"),
            ("production.env", b"just words"),
            ("production.env", b"\xff\xfe=\xff"),
        ],
    )
    def test_unreadable_file_is_named(self, sources: Sources, name: str, content: bytes) -> None:
        path = sources.directory / name
        path.write_bytes(content)
        sources.profile = "p" if "profiles" in name else None
        assert str(path) in sources.refused()

    def test_directory_in_place_of_a_file_is_named(self, sources: Sources) -> None:
        for name in ("default.toml", "production.env", "runtime_overrides.json"):
            (sources.directory / name).mkdir()
            assert name in sources.refused()
            (sources.directory / name).rmdir()

    @pytest.mark.parametrize("text", ["api = 3", "exchange = 'token'", "exchange = ['secret']"])
    def test_section_that_is_no_table_is_a_bad_value(self, sources: Sources, text: str) -> None:
        sources.write("default.toml", text)
        assert "setting " in sources.refused()

    def test_unknown_profile_names_the_known_ones(self, sources: Sources) -> None:
        sources.write("profiles/demo.toml", "")
        sources.profile = "dmo"
        assert "known: demo" in sources.refused()

    def test_profile_of_the_environment_is_used_unless_one_is_named(self, sources: Sources) -> None:
        sources.write("profiles/a.toml", "account = 'a'")
        sources.write("profiles/b.toml", "account = 'b'")
        sources.environ["CRYPTOBOT_PROFILE"] = "a"
        assert sources.load().account == "a"
        sources.profile = "b"
        assert sources.load().account == "b"


class TestValues:
    def test_nested_variables_reach_their_section_and_leave_the_rest(
        self, sources: Sources
    ) -> None:
        sources.write("default.toml", "[risk]\nmax_open_orders = 7\nmax_order_notional = '5'")
        sources.environ["CRYPTOBOT_RISK__MAX_ORDER_NOTIONAL"] = "9.50"
        risk = sources.load().risk
        assert (risk.max_order_notional, risk.max_open_orders) == (D("9.50"), 7)

    @pytest.mark.parametrize("text", ["BTC/USDT, ETH/USDT", '["BTC/USDT", "ETH/USDT"]'])
    def test_list_in_a_variable_is_written_plainly_or_as_json(
        self, sources: Sources, text: str
    ) -> None:
        sources.environ["CRYPTOBOT_SYMBOLS"] = text
        assert sources.load().symbols == ["BTC/USDT", "ETH/USDT"]

    def test_balances_of_a_stronger_source_replace_those_below(self, sources: Sources) -> None:
        sources.write("default.toml", "[paper]\nbalances = { USDT = '1', BTC = '2' }")
        sources.environ["CRYPTOBOT_PAPER__BALANCES__ETH"] = "3"
        assert sources.load().paper.balances == {"ETH": D(3)}

    def test_command_line_without_a_value_changes_nothing(self, sources: Sources) -> None:
        sources.cli["account"] = None
        assert sources.load().account == "main"

    def test_paths_are_absolute_and_of_the_user(self, sources: Sources) -> None:
        sources.environ |= {"CRYPTOBOT_STATE_DIR": "~/x", "CRYPTOBOT_LOG_DIR": "logs"}
        settings = sources.load()
        assert settings.state_dir == Path.home() / "x"
        assert settings.log_dir == Path.cwd() / "logs"
        assert settings.database_url == f"sqlite:///{Path.home()}/x/cryptobot.db"

    def test_log_dir_without_a_setting_is_ops_logs_in_a_checkout(self, sources: Sources) -> None:
        assert sources.load().log_dir == ROOT / "ops" / "logs"

    @pytest.mark.parametrize(
        ("value", "target", "loopback"),
        [
            ("127.0.0.1:18443", ("127.0.0.1", 18443), True),
            ("[::1]:1", ("::1", 1), True),
            ("localhost:1", ("localhost", 1), True),
            ("exchange.example:443", ("exchange.example", 443), False),
            ("10.0.0.1:443", ("10.0.0.1", 443), False),
        ],
    )
    def test_connect_to_is_host_and_port(
        self, sources: Sources, value: str, target: tuple[str, int], loopback: bool
    ) -> None:
        sources.environ["CRYPTOBOT_EXCHANGE__CONNECT_TO"] = value
        exchange = sources.load().exchange
        assert (exchange.target, exchange.connects_to_loopback) == (target, loopback)


class TestShippedFiles:
    def test_every_default_of_the_file_is_the_models_default(self) -> None:
        written = tomllib.loads((config_dir() / "default.toml").read_text())
        model = Settings(state_dir=Path("/s"), log_dir=Path("/l"))
        filled = Settings.model_validate({**written, "state_dir": "/s", "log_dir": "/l"})
        assert filled == model
        assert _keys(written) <= _model_keys(Settings)

    def test_demo_profile_loads(self, tmp_path: Path) -> None:
        settings = load_settings(
            profile="demo", environ={"CRYPTOBOT_STATE_DIR": str(tmp_path)}, directory=config_dir()
        )
        assert settings.account == "demo"
        assert [start.name for start in settings.strategies.start] == [
            "moving_average_cross",
            "grid",
        ]

    def test_example_of_production_env_loads_when_copied(self, sources: Sources) -> None:
        sources.write("production.env", (config_dir() / "production.env.example").read_text())
        assert sources.load().sentry.environment == "production"


def _keys(tree: dict[str, Any], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, value in tree.items():
        nested = isinstance(value, dict) and name != "balances"
        found |= _keys(value, f"{prefix}{name}.") if nested else {f"{prefix}{name}"}
    return found


def _model_keys(model: type[BaseModel], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= _model_keys(kind, f"{prefix}{name}.")
        else:
            found.add(f"{prefix}{name}")
    return found
