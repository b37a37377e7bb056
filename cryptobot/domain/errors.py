"""Errors whose class decides what happens next.

The outcome policy of an order write, by evidence:

=====================  ======================================  ===============================
class                  the evidence                            the bot then
=====================  ======================================  ===============================
``OrderRefused``       the exchange refused it, with a code    books ``rejected``; not re-sent
``NotSent``            proof that nothing reached the wire,    books ``denied``/``rejected``;
                       or that it was not executed             may be sent again
``OutcomeUnknown``     none: anything else                     books ``unresolved``; looks up
=====================  ======================================  ===============================
"""


class CryptobotError(Exception):
    """Base of every error of this program."""


class UserError(CryptobotError):
    """Something the user can mend; shown as one line, never as a traceback."""


class VenueError(CryptobotError):
    """A venue did not do what was asked."""


class OrderRefused(VenueError):  # noqa: N818 - named for the outcome it proves
    """The venue definitely refused; the order does not exist there.

    Args:
        message: What the venue said.
        code: A short stable name of the cause, such as ``insufficient_funds``.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class NotSent(VenueError):  # noqa: N818 - named for the outcome it proves
    """Proof that the request was not executed: it never left, or was refused unread.

    Args:
        message: What stopped it.
        code: A short stable name of the cause, such as ``connection_refused``.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class StoppedHere(NotSent):
    """We did not let it out; the venue never heard of it. An order ends ``denied``."""


class FenceClosed(StoppedHere):
    """The fence stopped a live order at the last point before the wire."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "fence")


class CircuitOpen(StoppedHere):
    """The circuit breaker lets nothing of this kind through now."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "circuit_open")


class Silenced(StoppedHere):
    """The venue banned us, or told us to wait: nothing is sent to it until that is over.

    Args:
        message: One line for people.
        left_s: Seconds until it is over.
    """

    def __init__(self, message: str, left_s: float = 0.0) -> None:
        super().__init__(message, "banned")
        self.left_s = left_s


class OutcomeUnknown(VenueError):  # noqa: N818 - named for the outcome
    """Sent, and no evidence of what became of it. Never treated as a rejection.

    Args:
        message: What happened on the wire.
        code: A short stable name of the cause, such as ``timeout``.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class ReadFailed(VenueError):  # noqa: N818 - named for the outcome
    """A read gave nothing usable; asking again is safe.

    Args:
        message: What went wrong.
        code: A short stable name of the cause, such as ``timeout``; it decides whether and when
            the read is tried again.
    """

    def __init__(self, message: str, code: str = "unreadable") -> None:
        super().__init__(message)
        self.code = code


class ReadUnsupported(ReadFailed):
    """The venue has no such read: asking again will not help, and its silence proves nothing."""


class JournalUnavailable(CryptobotError):  # noqa: N818 - named for the condition
    """The journal could not commit; no live order may be sent."""
