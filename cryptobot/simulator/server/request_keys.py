"""What is noted on a request while it is answered."""

from aiohttp import web

FIRED = web.RequestKey("fired", list[str])
"""Ids of the faults that fired."""

LAG_MS = web.RequestKey("lag_ms", int)
"""How old the account's reads are."""
