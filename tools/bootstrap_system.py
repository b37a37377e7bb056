"""What the machine itself must bring: shared libraries, fonts and programs, by Debian package."""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PACKAGES_SCRIPT: Final = "tools/bootstrap_packages.sh"

FONT_DIRS: Final = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path.home() / ".local/share/fonts",
    Path.home() / ".fonts",
)


@dataclass(frozen=True, slots=True)
class SystemPackage:
    """A Debian package and the evidence that it, or another source of the same, is there.

    Args:
        name: The package's name in Debian and Ubuntu.
        library: Shared library that must load.
        program: Program that must be on the ``PATH``, or a pattern below ``/``.
        font: Whether any font file will do.
    """

    name: str
    library: str = ""
    program: str = ""
    font: bool = False

    def present(self) -> bool:
        """Return whether the machine has what the package would bring."""
        if self.library:
            return _loads(self.library)
        if self.font:
            return any(_fonts())
        if "/" in self.program:
            return any(Path("/").glob(self.program.lstrip("/")))
        return shutil.which(self.program) is not None


WINDOW: Final = (
    SystemPackage("libegl1", library="libEGL.so.1"),
    SystemPackage("libgl1", library="libGL.so.1"),
    SystemPackage("libdbus-1-3", library="libdbus-1.so.3"),
    SystemPackage("libfontconfig1", library="libfontconfig.so.1"),
    SystemPackage("libglib2.0-0", library="libglib-2.0.so.0"),
    SystemPackage("libxkbcommon-x11-0", library="libxkbcommon-x11.so.0"),
    SystemPackage("libxcb-cursor0", library="libxcb-cursor.so.0"),
    SystemPackage("libxcb-icccm4", library="libxcb-icccm.so.4"),
    SystemPackage("libxcb-image0", library="libxcb-image.so.0"),
    SystemPackage("libxcb-keysyms1", library="libxcb-keysyms.so.1"),
    SystemPackage("libxcb-randr0", library="libxcb-randr.so.0"),
    SystemPackage("libxcb-render-util0", library="libxcb-render-util.so.0"),
    SystemPackage("libxcb-shape0", library="libxcb-shape.so.0"),
    SystemPackage("libxcb-xkb1", library="libxcb-xkb.so.1"),
    SystemPackage("libgssapi-krb5-2", library="libgssapi_krb5.so.2"),
    SystemPackage("fonts-dejavu-core", font=True),
)
"""What Qt loads to open a window, measured with PySide6-Essentials on a bare Debian 12."""

TEST_TOOLS: Final = (
    SystemPackage("xvfb", program="Xvfb"),
    SystemPackage("xauth", program="xauth"),
    SystemPackage("xdotool", program="xdotool"),
    SystemPackage("openbox", program="openbox"),
    SystemPackage("trayer", program="trayer"),
    SystemPackage("dunst", program="dunst"),
    SystemPackage("dbus", program="dbus-daemon"),
    SystemPackage("libnotify-bin", program="notify-send"),
    SystemPackage("imagemagick", program="import"),
    SystemPackage("libfaketime", program="/usr/lib/*/faketime/libfaketimeMT.so.1"),
    SystemPackage("postgresql", program="/usr/lib/postgresql/*/bin/postgres"),
    SystemPackage("prometheus", program="prometheus"),
    SystemPackage("prometheus-alertmanager", program="prometheus-alertmanager"),
)
"""Displays and real servers that the tests start for themselves."""


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _fonts() -> Iterator[Path]:
    for folder in FONT_DIRS:
        for pattern in ("**/*.ttf", "**/*.otf"):
            yield from folder.glob(pattern)


def missing(packages: Iterable[SystemPackage]) -> list[str]:
    """Return the names of the packages whose evidence is not there."""
    return [package.name for package in packages if not package.present()]


def line_to_type(packages: Iterable[str]) -> str:
    """Return the command a user can paste to install ``packages``."""
    names = list(packages)
    if any(tool.name in names for tool in TEST_TOOLS):
        return f"sudo sh {PACKAGES_SCRIPT} {' '.join(names)}"
    return f"sudo apt-get install --no-install-recommends {' '.join(names)}"


def privilege() -> list[str] | None:
    """Return the prefix that runs a command as root without asking, None where there is none."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo is None:
        return None
    asked = subprocess.run(
        [sudo, "-n", "true"], check=False, stdin=subprocess.DEVNULL, capture_output=True
    )
    return [sudo, "-n"] if asked.returncode == 0 else None


def install(packages: list[str], log: Path) -> str | None:
    """Install Debian ``packages`` where that needs no question to the user.

    Args:
        packages: Names, at least one.
        log: Where apt-get's output goes.

    Returns:
        None when they are installed, else one line that says why not and what to type.
    """
    if sys.platform != "linux" or shutil.which("apt-get") is None:
        return f"install what Debian calls: {' '.join(packages)}"
    prefix = privilege()
    if prefix is None:
        return f"to install them, type: {line_to_type(packages)}"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as sink:
        done = subprocess.run(
            [*prefix, "/bin/sh", PACKAGES_SCRIPT, *packages],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    if done.returncode == 0:
        return None
    errors = [
        line for line in log.read_text(errors="replace").splitlines() if line.startswith("E:")
    ]
    because = errors[-1] if errors else f"exit code {done.returncode}"
    return f"apt-get failed ({because}; all of it: {log}); by hand: {line_to_type(packages)}"
