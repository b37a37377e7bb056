"""Values and state machines of trading: no I/O, no asyncio, standard library only."""
