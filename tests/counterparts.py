"""What a test needs and this machine may lack: a server, a program, a recording."""

import os
from typing import NoReturn

import pytest


def not_here(what: str) -> NoReturn:
    """Skip the test for want of ``what``; in CI that is a failure."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{what}, and CI=true", pytrace=False)
    pytest.skip(what)
