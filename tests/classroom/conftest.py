"""What the classroom tests share."""

import socket

import pytest


@pytest.fixture(scope="module")
def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]
