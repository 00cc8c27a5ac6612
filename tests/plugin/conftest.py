"""The plugin is made Triton's active backend for the tests in this folder."""

from __future__ import annotations

import importlib.util
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

HAS_TRITON = importlib.util.find_spec("triton") is not None


@pytest.fixture(autouse=True)
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """Our driver, whatever else Triton would choose, and an empty cache."""
    if not HAS_TRITON:
        yield
        return
    import importlib

    runtime: Any = importlib.import_module("triton.runtime.driver")
    backends: Any = importlib.import_module("triton.backends")
    from trimetal.runtime.triton_plugin.compiler import TrimetalBackend
    from trimetal.runtime.triton_plugin.driver import TrimetalDriver

    # Where the package is not installed, Triton has not found the entry point.
    ours = backends.Backend(compiler=TrimetalBackend, driver=TrimetalDriver)
    monkeypatch.setitem(backends.backends, "trimetal", ours)
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path / "triton"))
    for name in ("TRIMETAL_LAUNCH", "TRIMETAL_TARGET", "TRIMETAL_DEVICE"):
        monkeypatch.delenv(name, raising=False)
    driver = TrimetalDriver()
    runtime.driver.set_active(driver)
    yield
    # It stays: kernels that outlive the test ask it to unload them.
    runtime.driver.set_active(driver)
