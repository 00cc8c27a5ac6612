"""When Triton takes the backend."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from trimetal.runtime.triton_plugin import activation

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("environment", "on_a_mac", "elsewhere"),
    [
        ({}, True, False),
        ({"TRITON_BACKEND": "metal"}, True, True),
        ({"TRITON_BACKEND": "Metal"}, True, True),
        ({"TRITON_BACKEND": "cuda"}, False, False),
        ({"TRITON_DEFAULT_BACKEND": "trimetal"}, True, True),
        ({"TRITON_DEFAULT_BACKEND": "metal"}, False, False),
        ({"TRITON_DEFAULT_BACKEND": "nvidia", "TRITON_BACKEND": "metal"}, False, False),
    ],
)
def test_when_it_is_active(
    environment: dict[str, str],
    on_a_mac: bool,
    elsewhere: bool,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(activation, "machine_has_metal", lambda: True)
    assert activation.is_wanted(environment) is on_a_mac
    monkeypatch.setattr(activation, "machine_has_metal", lambda: False)
    assert activation.is_wanted(environment) is elsewhere


def test_a_request_is_a_selection_too():
    environment = {"TRITON_BACKEND": "metal"}
    activation.select_if_requested(environment)
    assert environment["TRITON_DEFAULT_BACKEND"] == "trimetal"
    for others in ({}, {"TRITON_BACKEND": "cuda"}):
        environment = dict(others)
        activation.select_if_requested(environment)
        assert environment == others


def in_a_new_process(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    others = {k: v for k, v in os.environ.items() if not k.startswith(("TRITON_", "TRIMETAL_"))}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**others, **environment},
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


needs_entry_point = pytest.mark.skipif(
    not [e for e in entry_points(group="triton.backends") if e.name == "trimetal"],
    reason="the package is not installed",
)


@needs_entry_point
@pytest.mark.triton
@pytest.mark.parametrize(
    "setting", [{"TRITON_BACKEND": "metal"}, {"TRITON_DEFAULT_BACKEND": "trimetal"}]
)
def test_triton_finds_it(setting: dict[str, str]):
    show = "import triton; print(triton.runtime.driver.active.get_current_target())"
    result = in_a_new_process(show, **setting, TRIMETAL_TARGET="m2-max")
    assert "GPUTarget(backend='trimetal', arch='m2-max'" in result.stdout, result.stderr


@needs_entry_point
@pytest.mark.triton
def test_it_costs_other_users_of_triton_next_to_nothing():
    show = (
        "import sys, triton\n"
        "ours = {name for name in sys.modules if name.startswith('trimetal.')}\n"
        "print(*sorted(ours))\n"
    )
    result = in_a_new_process(show)
    loaded = set(result.stdout.split())
    plugin = "trimetal.runtime.triton_plugin"
    assert f"{plugin}.driver" in loaded, result.stderr
    modules = ("activation", "compiler", "driver", "options", "settings", "triton_api")
    assert loaded == {"trimetal.runtime", plugin, *(f"{plugin}.{name}" for name in modules)}


@pytest.mark.triton
@pytest.mark.parametrize("name", ["compiler", "driver", "frontend", "memory"])
def test_a_part_may_be_imported_before_triton(name: str):
    plugin = "trimetal.runtime.triton_plugin"
    result = in_a_new_process(
        f"import {plugin}.{name}, triton; print(len(triton.backends.backends))"
    )
    assert result.returncode == 0, result.stderr
