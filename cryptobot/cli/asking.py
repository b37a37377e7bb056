"""Asking a running engine, for commands that cannot do without its answer."""

from pathlib import Path
from typing import Any, Final, cast

from cryptobot.control.client import ControlClient
from cryptobot.control.locate import engine_state_dir
from cryptobot.control.protocol import SOCKET_NAME, RpcError
from cryptobot.domain.errors import UserError

ANSWER_S: Final = 60.0
"""Longest wait: the engine may have to ask a slow exchange in several places."""


def ask(state_dir: Path | None, method: str, **params: object) -> dict[str, Any]:
    """Return what the engine of ``state_dir`` (by default the one that runs) answers.

    Raises:
        UserError: It refuses, or none is there.
    """
    found = engine_state_dir(state_dir)
    try:
        with ControlClient(found / SOCKET_NAME, timeout_s=ANSWER_S) as client:
            return cast("dict[str, Any]", client.call(method, **params))
    except RpcError as error:
        raise UserError(f"{method}: {error.message}") from None
    except TimeoutError:
        raise UserError(f"the engine of {found} did not answer within {ANSWER_S:.0f} s") from None
    except OSError as error:
        raise UserError(f"no engine answers for {found}: {error.strerror}") from None
