"""Small things that tests with real processes need."""
import socket
import time


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(true, *, within_s=60, every_s=0.05):
    """Wait until ``true()`` is; fails after ``within_s``, which only stands for never."""
    deadline = time.monotonic() + within_s
    while not (answer := true()):
        assert time.monotonic() < deadline, f"{true} did not come true"
        time.sleep(every_s)
    return answer
