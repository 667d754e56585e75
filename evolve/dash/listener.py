"""Address of the live view, which listens on this machine only."""

from __future__ import annotations

import errno
import os
import socket

from evolve.errors import EvolveError

HOST = "127.0.0.1"
DEFAULT_PORT = 8745


def check_extra() -> None:
    """Raise EvolveError if the packages of the live view are not installed."""
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        message = "the live view needs packages that are not installed"
        raise EvolveError(message, "run: pip install 'evolve-trading[dash]'") from None


def open_listener(port: int | None) -> socket.socket:
    """Open the socket of the server on the loopback interface.

    Args:
        port: the port; 0 for any free one; None for the default, or any free one if it is in use.

    Raises:
        EvolveError: if the port is in use or not permitted.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":  # elsewhere it would share a port that is in use
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        try:
            listener.bind((HOST, DEFAULT_PORT if port is None else port))
        except OSError as error:
            if port is not None or error.errno != errno.EADDRINUSE:
                raise
            listener.bind((HOST, 0))
        listener.listen()
    except OSError as error:
        listener.close()
        is_used = error.errno == errno.EADDRINUSE
        reason = "it is in use" if is_used else error.strerror
        message = f"cannot listen on port {port or DEFAULT_PORT} of {HOST}: {reason}"
        hint = "choose another one, such as --port 0 for any that is free"
        raise EvolveError(message, hint) from None
    return listener


def format_address(listener: socket.socket) -> str:
    """Return the address of a server."""
    return f"http://{HOST}:{listener.getsockname()[1]}"
