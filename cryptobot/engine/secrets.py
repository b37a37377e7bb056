"""Exchange keys: from the environment, else from the operating system's keyring."""

import asyncio
from typing import Final

import structlog

from cryptobot.settings import Settings

KEYRING_SERVICE: Final = "cryptobot"
KEYRING_PATIENCE_S: Final = 2.0
"""A locked keyring may ask its user and hang; headless machines have none."""

_log = structlog.stdlib.get_logger("cryptobot.engine")


async def exchange_keys(settings: Settings) -> tuple[str | None, str | None]:
    """Return API key and secret, or ``None`` for both when there are none.

    In the keyring they are stored under service ``cryptobot`` as
    ``EXCHANGE.ACCOUNT.api_key`` and ``EXCHANGE.ACCOUNT.secret``.
    """
    key, secret = settings.exchange.api_key, settings.exchange.secret
    if key is not None and secret is not None:
        return key.get_secret_value(), secret.get_secret_value()
    if settings.exchange.connect_to is not None:
        return None, None  # a simulator's or proxy's keys are given, never a real account's
    name = f"{settings.exchange.id}.{settings.account}"
    try:
        async with asyncio.timeout(KEYRING_PATIENCE_S):
            return await asyncio.to_thread(_from_keyring, name)
    except TimeoutError:
        _log.warning("keyring_silent", waited_s=KEYRING_PATIENCE_S)
    return None, None


def passphrase(settings: Settings) -> str | None:
    """Return the passphrase of the exchange's key, where one is set."""
    found = settings.exchange.password
    return None if found is None else found.get_secret_value()


def _from_keyring(name: str) -> tuple[str | None, str | None]:
    import keyring  # noqa: PLC0415 - it costs 0.1 s and is not needed when the keys are given
    from keyring.errors import KeyringError  # noqa: PLC0415 - as above

    try:
        key = keyring.get_password(KEYRING_SERVICE, f"{name}.api_key")
        secret = keyring.get_password(KEYRING_SERVICE, f"{name}.secret")
    except KeyringError as error:
        _log.info("keyring_unavailable", reason=str(error))
        return None, None
    return (key, secret) if key and secret else (None, None)
