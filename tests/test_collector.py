"""The garbage collector rests while a module is built and changed."""

from __future__ import annotations

import gc
from collections.abc import Generator
from pathlib import Path

import pytest

import trimetal
from trimetal.transpiler import collector

ROOT = Path(__file__).resolve().parent.parent
DUMP = ROOT / "examples/vector_add/kernel.f32.ttgir"


@pytest.fixture(autouse=True)
def collector_as_it_was() -> Generator[None]:
    yield
    gc.enable()


def test_it_runs_again_afterwards() -> None:
    with collector.paused():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_runs_again_after_an_error() -> None:
    with pytest.raises(trimetal.ParseError):
        trimetal.parse("module {\n")
    assert gc.isenabled()


def test_who_has_turned_it_off_finds_it_off() -> None:
    gc.disable()
    assert trimetal.transpile(DUMP).source
    assert not gc.isenabled()


def test_it_rests_during_every_pass() -> None:
    states: list[bool] = []
    trimetal.transpile(
        DUMP, print_after=("canonicalize", "lower"), printer=lambda _: states.append(gc.isenabled())
    )
    assert states == [False, False]
    assert gc.isenabled()
