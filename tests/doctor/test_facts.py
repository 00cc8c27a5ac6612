"""What the doctor says of machines, this one and others."""

from __future__ import annotations

import importlib.util
import platform
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trimetal.runtime.doctor.facts import Fact, facts
from trimetal.runtime.metal import library

# The module's private functions are what a fact is made by.
look: Any = sys.modules["trimetal.runtime.doctor.facts"]


def by_name(found: list[Fact]) -> dict[str, Fact]:
    return {fact.name: fact for fact in found}


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """A machine on which some modules are not installed."""
    find = importlib.util.find_spec

    def find_other(name: str, package: str | None = None) -> Any:
        return None if name.partition(".")[0] in names else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find_other)


def test_this_machine() -> None:
    found = by_name(facts())
    assert found["Python"].value.startswith(platform.python_version())
    assert "GiB" in found["memory"].value
    assert "cpu" in found["devices that run shaders"].value
    assert found["numpy"].state == "there"
    assert all(fact.remedy for fact in found.values() if fact.state == "missing")
    assert not [fact for fact in found.values() if str(Path.home()) in fact.value]


@pytest.mark.parametrize(
    ("package", "name", "remedy"),
    [
        ("mlx", "MLX", 'pip install "trimetal[metal]"'),
        ("ml_dtypes", "ml_dtypes", 'pip install "trimetal[cpu]"'),
    ],
)
def test_what_is_missing_has_its_command(
    monkeypatch: pytest.MonkeyPatch, package: str, name: str, remedy: str
) -> None:
    without(monkeypatch, package)
    fact = by_name(facts())[name]
    assert (fact.state, fact.remedy) == ("missing", remedy)


@pytest.mark.parametrize(
    ("system", "state", "remedy"),
    [("linux", "missing", 'pip install "trimetal[triton]"'), ("darwin", "absent", "")],
)
def test_triton_can_only_be_installed_on_linux(
    monkeypatch: pytest.MonkeyPatch, system: str, state: str, remedy: str
) -> None:
    without(monkeypatch, "triton")
    monkeypatch.setattr(sys, "platform", system)
    (fact,) = look._triton()
    assert (fact.state, fact.remedy) == (state, remedy)


def test_no_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without(monkeypatch, "ziglang")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("TRIMETAL_CXX", raising=False)
    (fact,) = look._compiler()
    assert fact == Fact("C++ compiler", "none", "missing", 'pip install "trimetal[cpu]"')


def test_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TRIMETAL_CACHE_DIR", str(tmp_path / "file"))
    (fact,) = look._cache()
    assert fact.state == "missing"
    assert "Not a directory" in fact.value


def gpu_facts(monkeypatch: pytest.MonkeyPatch, information: dict[str, object]) -> dict[str, Fact]:
    """What is said of a Mac whose MLX says this of its GPU."""
    core = SimpleNamespace(device_info=lambda: information)
    monkeypatch.setattr(library, "has_metal", lambda: True)
    monkeypatch.setattr(library, "core", lambda: core)
    return by_name(list(look._apple_gpu(information)))


@pytest.mark.parametrize(
    ("architecture", "name", "target", "bfloat", "caching"),
    [
        ("applegpu_g13g", "M1", "m1 (family Apple7)", "converted to float and back", "no"),
        ("applegpu_g15s", "M3 Pro", "m3-pro (family Apple9)", "computed natively", "yes"),
        ("applegpu_g17g", "unheard of", "m5 (family Apple10)", "computed natively", "yes"),
    ],
)
def test_an_apple_gpu(
    monkeypatch: pytest.MonkeyPatch,
    architecture: str,
    name: str,
    target: str,
    bfloat: str,
    caching: str,
) -> None:
    information: dict[str, object] = {
        "architecture": architecture,
        "device_name": f"Apple {name}",
        "max_recommended_working_set_size": 24 << 30,
    }
    found = gpu_facts(monkeypatch, information)
    assert found["Metal"].value == f"Apple {name}, {architecture}"
    assert found["memory for the GPU"].value == "24 GiB"
    assert found["target"].value == target
    assert found["bfloat"].value == bfloat
    assert found["dynamic caching"].value.startswith(caching)


def test_an_unknown_gpu_is_a_fact(monkeypatch: pytest.MonkeyPatch) -> None:
    fact = gpu_facts(monkeypatch, {"architecture": "something else"})["target"]
    assert (fact.state, fact.value) == (
        "missing",
        'no target for the architecture "something else"',
    )


def test_what_raises_is_a_fact(monkeypatch: pytest.MonkeyPatch) -> None:
    def _broken_package() -> list[Fact]:
        raise RuntimeError("it is broken")

    monkeypatch.setattr(look, "_LOOKS", (_broken_package,))
    assert facts() == [Fact("broken package", "RuntimeError: it is broken", "missing")]
