import os
import subprocess
from pathlib import Path

import pytest

import bootstrap_system
from bootstrap_system import TEST_TOOLS, WINDOW, SystemPackage

ROOT = Path(__file__).resolve().parents[2]


def test_missing_with_present_and_absent_evidence_names_the_absent(tmp_path: Path) -> None:
    pattern = str(tmp_path / "*" / "postgres")
    packages = (
        SystemPackage("libc6", library="libc.so.6"),
        SystemPackage("libabsent1", library="libabsent.so.1"),
        SystemPackage("dash", program="sh"),
        SystemPackage("absent", program="no-such-program"),
        SystemPackage("absent-server", program=pattern),
    )
    assert bootstrap_system.missing(packages) == ["libabsent1", "absent", "absent-server"]
    (tmp_path / "15").mkdir()
    (tmp_path / "15" / "postgres").touch()
    assert bootstrap_system.missing(packages) == ["libabsent1", "absent"]


@pytest.mark.parametrize("package", [*WINDOW, *TEST_TOOLS], ids=lambda package: package.name)
def test_tables_with_each_package_have_one_kind_of_evidence(package: SystemPackage) -> None:
    assert sum([bool(package.library), bool(package.program), package.font]) == 1


def test_line_to_type_with_servers_keeps_them_from_starting() -> None:
    plain = bootstrap_system.line_to_type(["libegl1", "libgl1"])
    assert plain == "sudo apt-get install --no-install-recommends libegl1 libgl1"
    script = bootstrap_system.line_to_type(["libegl1", "prometheus"])
    assert script == "sudo sh tools/bootstrap_packages.sh libegl1 prometheus"
    assert (ROOT / script.split()[2]).is_file()


def test_install_without_the_right_to_gives_the_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, script in (("apt-get", "exit 0"), ("sudo", "exit 1")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    trouble = bootstrap_system.install(["libegl1"], tmp_path / "log")
    assert trouble is not None
    assert trouble.endswith("type: sudo apt-get install --no-install-recommends libegl1")


def test_packages_script_has_no_syntax_error() -> None:
    for script in (ROOT / "tools").glob("*.sh"):
        subprocess.run(["/bin/sh", "-n", str(script)], check=True)
