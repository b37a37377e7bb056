from pathlib import Path

import pytest

import check_house


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_findings_with_good_files_are_none(tmp_path: Path) -> None:
    pin = f"a-b==1.0 ; python_version < '3' \\\n    --hash=sha256:{'0' * 64}\n    # via c\n"
    write(tmp_path, "requirements/run.txt", pin)
    write(tmp_path, "cryptobot/order.py", "x = 1\n" * 500)
    assert check_house.findings(tmp_path) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--index-url somewhere", "names a package host"),
        ("a @ https://host/a.whl", "names a package host"),
        ("    # from https://host", "names a package host"),
        ("a>=1", "neither a pinned version nor a hash"),
        ("--hash=md5:0", "neither a pinned version nor a hash"),
    ],
)
def test_findings_with_a_bad_lock_line_name_it(tmp_path: Path, line: str, expected: str) -> None:
    write(tmp_path, "requirements/dev.txt", f"# first\n{line}\n")
    (finding,) = check_house.findings(tmp_path)
    assert finding.startswith("requirements/dev.txt:2: ")
    assert expected in finding


def test_findings_with_a_long_file_count_its_lines(tmp_path: Path) -> None:
    write(tmp_path, "telemetry/logs/chain.py", "x = 1\n" * 501)
    (finding,) = check_house.findings(tmp_path)
    assert finding.startswith("telemetry/logs/chain.py: 501 lines")


@pytest.mark.parametrize("name", ["utils.py", "order_helpers.py", "common/__init__.py"])
def test_findings_with_a_vague_name_name_the_file(tmp_path: Path, name: str) -> None:
    write(tmp_path, f"tools/{name}", "")
    (finding,) = check_house.findings(tmp_path)
    assert finding.startswith(f"tools/{name}: ")
