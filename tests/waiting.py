"""How tests wait: for a condition, and so long that only something that hangs takes longer."""

import time

PATIENCE = 900.0  # seconds; nothing takes a tenth of it where nothing else runs


def wait_for(found, what: str):
    """The first true value of `found()`."""
    deadline = time.monotonic() + PATIENCE
    while not (value := found()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.01)
    return value
