"""The table of chips: names, facts and the ways to a target."""

from __future__ import annotations

from dataclasses import replace

import pytest

from trimetal.transpiler.errors import TrimetalError
from trimetal.transpiler.target import (
    TARGETS,
    Banks,
    Target,
    get_target,
    target_for_architecture,
)


def test_the_default_is_m3():
    assert get_target().name == "m3"
    assert get_target("m3") is get_target()


@pytest.mark.parametrize("name", TARGETS)
def test_facts_that_hold_on_every_chip(name: str):
    target = TARGETS[name]
    assert target.name == name
    assert 7 <= target.family <= 10
    assert target.simd_width == 32
    assert target.threadgroup_memory == 32768
    assert target.max_threads_per_threadgroup == 1024
    assert target.max_simdgroups == 32
    assert target.max_buffers == 31
    assert target.msl_version == (3, 1)
    assert target.banks.row in (128, 256)
    assert not target.has_tensor_operations


def test_generations_have_their_variants():
    assert list(TARGETS) == [
        *("m1", "m1-pro", "m1-max", "m1-ultra"),
        *("m2", "m2-pro", "m2-max", "m2-ultra"),
        *("m3", "m3-pro", "m3-max", "m3-ultra"),
        *("m4", "m4-pro", "m4-max"),
        *("m5", "m5-pro", "m5-max"),
    ]


@pytest.mark.parametrize("chip", ["m1", "m2", "m3", "m4", "m5"])
def test_a_larger_variant_has_more_of_everything(chip: str):
    variants = [t for t in TARGETS.values() if t.name.split("-")[0] == chip]
    assert [t.gpu_cores for t in variants] == sorted(t.gpu_cores for t in variants)
    assert [t.bandwidth for t in variants] == sorted(t.bandwidth for t in variants)


def test_what_the_generations_differ_in():
    assert [get_target(f"m{n}").family for n in range(1, 6)] == [7, 8, 9, 9, 10]
    assert [get_target(f"m{n}").native_bfloat for n in range(1, 6)] == [False] * 2 + [True] * 3
    assert [get_target(f"m{n}").dynamic_caching for n in range(1, 6)] == [False] * 2 + [True] * 3
    assert [get_target(f"m{n}").atomics64 for n in range(1, 6)] == ["none"] + ["min_max"] * 4
    assert get_target("m1").banks == Banks(32, 4)
    assert get_target("m3").banks == Banks(32, 8)


def test_the_matrix_unit_of_m5_needs_msl_4():
    m5 = get_target("m5")
    assert m5.matrix_unit == "tensor"
    assert replace(m5, msl_version=(4, 0)).has_tensor_operations
    assert not replace(get_target("m4"), msl_version=(4, 0)).has_tensor_operations


@pytest.mark.parametrize("spelling", ["m3-pro", "M3 Pro", "m3_pro", " m3-PRO "])
def test_spellings_of_a_name(spelling: str):
    assert get_target(spelling).name == "m3-pro"


def test_a_target_passes_through():
    target = replace(get_target("m2"), threadgroup_memory=65536)
    assert get_target(target) is target


def test_an_unknown_name_lists_the_names_and_the_closest():
    with pytest.raises(TrimetalError) as caught:
        get_target("m3-por")
    assert 'no target "m3-por"; did you mean "m3-pro"?' in str(caught.value)
    assert "m1, m1-pro" in str(caught.value)
    with pytest.raises(TrimetalError) as caught:
        get_target("radeon")
    assert "did you mean" not in str(caught.value)


@pytest.mark.parametrize(
    ("architecture", "name"),
    [
        ("applegpu_g13g", "m1"),
        ("applegpu_g13d", "m1-ultra"),
        ("applegpu_g14g", "m2"),
        ("applegpu_g15g", "m3"),
        ("applegpu_g15s", "m3-max"),
        ("applegpu_g15d", "m3-ultra"),
        ("applegpu_g16p", "m4"),
        ("applegpu_g16d", "m4-max"),
        ("applegpu_g17s", "m5-max"),
        ("applegpu_g17", "m5"),
        ("applegpu_g19s", "m5-max"),
    ],
)
def test_architecture_strings(architecture: str, name: str):
    assert target_for_architecture(architecture).name == name


@pytest.mark.parametrize("architecture", ["", "sm_90", "applegpu_g12p", "applegpu_gxx"])
def test_other_architecture_strings_are_refused(architecture: str):
    with pytest.raises(TrimetalError, match="no target for the architecture"):
        target_for_architecture(architecture)


def test_an_msl_version_below_the_floor_is_refused():
    with pytest.raises(TrimetalError, match=r"MSL 2\.4 is too old"):
        replace(get_target("m1"), msl_version=(2, 4))


def test_targets_are_values():
    target = get_target("m4")
    assert hash(target) == hash(replace(target))
    assert isinstance(target, Target)
