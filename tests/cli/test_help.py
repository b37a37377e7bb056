"""What ``--help`` teaches is true: every command, its examples and its exit codes."""

import re
import shlex

import pytest

from cryptobot.cli import main
from cryptobot.cli.parser import parser

COMMANDS = ("", "window", "demo", "engine", "status", "orders", "exchange", "simulator")


def help_of(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_it_does_with_examples_and_exit_codes(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = help_of(command, capsys)
    assert "examples:\n" in words
    assert "exit codes: 0 done, 1 failed (one line on stderr says why), 2 wrong usage" in words
    assert max(len(line) for line in words.splitlines()) <= 100


@pytest.mark.parametrize("command", COMMANDS)
def test_every_example_is_accepted(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, _, examples = help_of(command, capsys).partition("examples:\n")
    lines = re.findall(
        r"^  (?:[A-Z_]+=\S+ )*(?:watch )?cryptobot((?: .*)?)$",
        examples.replace("\\\n", ""),
        re.MULTILINE,
    )
    assert lines
    for line in lines:
        said, _, _ = line.partition("   ")  # what follows is explanation
        arguments = shlex.split(said.partition("|")[0].replace(" --help", ""))
        parser(with_simulator=True).parse_args(arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ["demo", "--port", "99999"],
        ["demo", "--tls-port", "-1"],
        ["demo", "--port", "²"],
        ["demo", "--metrics-port", "9" * 5000],
        ["engine", "--metrics-port", "many"],
        ["demo", "--speed", "0"],
        ["demo", "--speed", "nan"],
        ["demo", "--speed", "fast"],
    ],
)
def test_option_of_no_sense_is_wrong_usage_that_says_what_is_allowed(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    *_, line = capsys.readouterr().err.splitlines()
    assert re.search(r"give (0 to 65535|a number above 0, up to 10000)$", line)
