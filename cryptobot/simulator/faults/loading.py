"""Faults from a file."""

from pathlib import Path

import orjson

from cryptobot.domain.errors import UserError
from cryptobot.simulator.faults.description import Fault
from cryptobot.simulator.faults.reading import BadFault, read_faults


def load_faults(path: Path) -> tuple[Fault, ...]:
    """Return the faults that a JSON file describes.

    Raises:
        UserError: The file cannot be read, is no JSON, or describes no good fault.
    """
    try:
        wanted = orjson.loads(path.read_bytes())
    except OSError as error:
        raise UserError(
            f"faults file {path} cannot be read ({error.strerror}): give another --faults"
        ) from None
    except orjson.JSONDecodeError as error:
        raise UserError(f"faults file {path} is no JSON: {error}") from None
    try:
        return read_faults(wanted)
    except BadFault as error:
        raise UserError(f"faults file {path}: {error}") from None
