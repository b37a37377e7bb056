"""``cryptobot engine``, and how the other commands turn their options into settings."""

import argparse

from cryptobot.domain.errors import UserError
from cryptobot.settings import Settings, load_settings


def settings_of(options: argparse.Namespace) -> Settings:
    """Return the settings that the command line asks for. Raises ``SettingsError``."""
    cli: dict[str, object] = {
        "state_dir": options.state_dir,
        "log_dir": options.log_dir,
        "metrics.port": options.metrics_port,
        "exchange.connect_to": options.connect_to,
        "exchange.tls_ca": options.tls_ca,
    }
    for item in options.set:
        key, separator, value = item.partition("=")
        if not separator or not key:
            raise UserError(f"--set {item}: write KEY=VALUE, such as risk.max_open_orders=10")
        cli[key] = value
    return load_settings(profile=options.profile, cli=cli)


def run(options: argparse.Namespace) -> int:
    """Run an engine until it is told to end."""
    settings = settings_of(options)
    from cryptobot.engine.process import run_engine  # noqa: PLC0415 - bad settings answer at once

    return run_engine(settings, ready_json=options.ready_json, verbose=options.verbose)
