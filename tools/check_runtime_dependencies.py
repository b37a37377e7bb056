"""Tell what this machine lacks to run CryptoBot Desktop: a table, exit code 1 on trouble.

``--sync-sentry`` instead copies the Sentry settings of config/production.env to
config/runtime_overrides.json. Runs on any bare ``python3``.
"""

import sys

if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.stderr.write(
        f"error: Python 3.11, 3.12 or 3.13 is needed, and this is {sys.version.split()[0]} "
        f"({sys.executable}); start this with another python3\n"
    )
    sys.exit(1)

import argparse
import json
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import sentry_sync  # noqa: E402
from cryptobot.control.locate import engine_state_dir  # noqa: E402
from runtime_checks import (  # noqa: E402
    Finding,
    Status,
    Surroundings,
    check_all,
)


def _arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Check versions, system libraries, ports, permissions, keyring and clock.",
        epilog="Exit codes: 0 all is well, 1 trouble, 2 wrong usage.",
    )
    parser.add_argument(
        "--sync-sentry",
        action="store_true",
        help="only write SENTRY_* of config/production.env to config/runtime_overrides.json",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.add_argument("--state-dir", type=Path, default=None, help="the engine's state directory")
    parser.add_argument(
        "--port",
        type=int,
        default=os.environ.get("CRYPTOBOT_METRICS__PORT", "9100"),
        help="the exporter's port (CRYPTOBOT_METRICS__PORT, else 9100)",
    )
    arguments = parser.parse_args(given)
    if not 0 < arguments.port < 2**16:
        parser.error(f"--port {arguments.port}: choose 1 to 65535")
    return arguments


def _table(findings: list[Finding]) -> None:
    subjects = max(len(finding.subject) for finding in findings)
    statuses = max(len(finding.status) for finding in findings)
    for finding in findings:
        print(f"{finding.subject:{subjects}}  {finding.status:{statuses}}  {finding.detail}")
    failed = sum(finding.status is Status.FAIL for finding in findings)
    print(f"\n{failed} to mend" if failed else "\nall is well")


def _check(arguments: argparse.Namespace) -> int:
    state_dir = engine_state_dir(arguments.state_dir)
    findings = list(check_all(Surroundings(ROOT, state_dir, arguments.port)))
    if arguments.json:
        rows = [
            {"subject": row.subject.strip(), "status": row.status.lower(), "detail": row.detail}
            for row in findings
        ]
        print(json.dumps(rows, indent=2))
    else:
        _table(findings)
    return int(any(finding.status is Status.FAIL for finding in findings))


def _sync(arguments: argparse.Namespace) -> int:
    try:
        written = sentry_sync.sync(ROOT)
    except sentry_sync.SyncFailedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    shown = {**written, "dsn": f"(key hidden) {sentry_sync.host(written['dsn'])}"}
    if arguments.json:
        print(json.dumps({"sentry": shown}, indent=2))
    else:
        print("config/runtime_overrides.json: sentry settings written")
        for key, value in shown.items():
            print(f"  sentry.{key} = {value}")
    return 0


def main() -> int:
    """Return the exit code."""
    arguments = _arguments(sys.argv[1:])
    return _sync(arguments) if arguments.sync_sentry else _check(arguments)


if __name__ == "__main__":
    sys.exit(main())
