"""Python's garbage collector, and when not to run it."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Generator


@contextlib.contextmanager
def paused() -> Generator[None]:
    """Pauses the collector while IR is built and changed.

    Ops and values refer to one another until the module goes: each run of the collector would look
    at all of them and free next to nothing, which makes the cost of a large module more than
    linear. What a pass drops is freed afterwards.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
