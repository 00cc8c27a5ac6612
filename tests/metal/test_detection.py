"""Which chip a machine has: by the name that MLX gives it, or by its architecture."""

# MLX's stubs leave much unknown to a strict checker.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from __future__ import annotations

from unittest import mock

import mlx.core as mx
import pytest

from trimetal import runtime
from trimetal.transpiler.target import DEFAULT_TARGET


@pytest.mark.parametrize(
    ("name", "architecture", "expected"),
    [
        ("Apple M1", "applegpu_g13g", "m1"),
        ("Apple M1 Ultra", "applegpu_g13d", "m1-ultra"),
        ("Apple M2 Pro", "applegpu_g14s", "m2-pro"),
        ("Apple M3 Pro", "applegpu_g15s", "m3-pro"),
        ("Apple M3 Max", "applegpu_g15s", "m3-max"),
        ("Apple M4", "applegpu_g16g", "m4"),
        ("Apple M5 Max", "applegpu_g17s", "m5-max"),
        ("Apple M9 Pro", "applegpu_g21s", "m5-max"),
        ("", "applegpu_g14d", "m2-ultra"),
    ],
)
def test_the_chip_of_a_mac(name: str, architecture: str, expected: str) -> None:
    information = {"device_name": name, "architecture": architecture}
    with (
        mock.patch.object(mx.metal, "is_available", lambda: True),
        mock.patch.object(mx, "device_info", lambda: information),
    ):
        assert runtime.devices() == ("metal", "cpu")
        assert runtime.target().name == expected


def test_a_machine_without_a_gpu_has_the_default() -> None:
    with mock.patch.object(mx.metal, "is_available", lambda: False):
        assert runtime.devices() == ("cpu",)
        assert runtime.target().name == DEFAULT_TARGET
