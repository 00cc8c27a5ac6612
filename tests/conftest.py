"""What all tests share: golden files, and the skipping of tests whose machine this is not."""

from __future__ import annotations

import difflib
import importlib.util
import os
import platform
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.device import VARIABLE

GOLDEN = Path(__file__).parent / "golden"

Golden = Callable[..., None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite tests/golden instead of comparing"
    )
    parser.addoption("--device", default="cpu", help="where the tests of kernels run: cpu or cuda")


def pytest_configure(config: pytest.Config) -> None:
    os.environ[VARIABLE] = str(config.getoption("--device"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = {
        "triton": importlib.util.find_spec("triton") is None,
        "cuda": not Path("/dev/nvidiactl").exists(),
        "metal": not (sys.platform == "darwin" and platform.machine() == "arm64"),
    }
    for item in items:
        for marker, is_missing in missing.items():
            if is_missing and item.get_closest_marker(marker) is not None:
                item.add_marker(pytest.mark.skip(reason=f"this machine has no {marker}"))


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """`golden(text)` compares with tests/golden/<test file>/<test name>.txt.

    A second argument is another ending: `golden(shader.source, ".metal")`. With --update-golden
    (`make golden`) the file is written instead.
    """
    test_file = request.path.relative_to(Path(__file__).parent)
    folder = GOLDEN / test_file.parent / test_file.stem.removeprefix("test_")
    name = re.sub(r"[^A-Za-z0-9_.]+", "-", request.node.name.removeprefix("test_")).strip("-")
    update = bool(request.config.getoption("--update-golden"))

    def compare(text: str, ending: str = ".txt") -> None:
        path = folder / f"{name}{ending}"
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        shown = path.relative_to(GOLDEN.parent.parent)
        if not path.exists():
            pytest.fail(f"{shown} is missing: `make golden` writes it")
        expected = path.read_text(encoding="utf-8")
        if text != expected:
            lines = difflib.unified_diff(
                expected.splitlines(), text.splitlines(), str(shown), "this run", lineterm=""
            )
            pytest.fail("\n".join([*lines, "", "if this is meant: `make golden`"]), pytrace=False)

    return compare
