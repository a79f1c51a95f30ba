"""Ports on the loopback interface."""

import secrets
import socket
from contextlib import closing

HOST = "127.0.0.1"
HIGHEST = 65_535
# Ports that no system gives away by itself, as it does for connections: a server of another program
# could have such a port before the one that it was meant for has started.
UNASSIGNED = range(20_000, 32_768)
TRIES = 100


def free_port() -> int:
    """Return a port that is free at the moment. Raises OSError if none is found."""
    for _ in range(TRIES):
        port = secrets.choice(UNASSIGNED)
        if is_free(port):
            return port
    raise OSError("no free port was found")


def is_free(port: int) -> bool:
    """Tell whether a server could bind the port. Raises PermissionError for a privileged one."""
    with closing(socket.socket()) as probe:
        # As servers do: connections of a server that has just ended do not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise
        except OSError:
            return False
    return True


def accepts(port: int) -> bool:
    """Tell whether a server accepts connections on the port."""
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False
