"""MLX, loaded when it is needed, and whether it has an Apple GPU here."""

from __future__ import annotations

import importlib
import importlib.util
import platform
import sys
from typing import Any

from trimetal.transpiler.errors import LaunchError, TrimetalError
from trimetal.transpiler.target import Target, get_target, target_for_architecture


def core() -> Any:
    """mlx.core."""
    return sys.modules.get("mlx.core") or importlib.import_module("mlx.core")


def has_metal() -> bool:
    """Whether MLX is installed and finds an Apple GPU. Loads MLX only where that may be so."""
    if "mlx.core" not in sys.modules and not is_apple():
        return False
    return importlib.util.find_spec("mlx") is not None and bool(core().metal.is_available())


def is_apple() -> bool:
    """Whether this is a Mac with an Apple GPU."""
    return sys.platform == "darwin" and platform.machine() == "arm64"


def target() -> Target:
    """The chip of this machine's GPU; the default one where there is none that MLX finds."""
    if not has_metal():
        return get_target()
    information: dict[str, Any] = core().device_info()
    try:
        return get_target(str(information.get("device_name", "")).removeprefix("Apple "))
    except TrimetalError:  # a name that is not known yet
        return target_for_architecture(str(information["architecture"]))


def require_metal() -> None:
    """Raises a LaunchError that says what is missing for device "metal", and what to do."""
    if has_metal():
        return
    where = f"{platform.system()} on {platform.machine()}"
    if not is_apple():
        raise LaunchError(
            f"device 'metal' needs an Apple GPU, and this is {where}",
            note="device='cpu' runs the same shader here; on a Mac with Apple silicon, MLX is all "
            "that is needed: pip install 'trimetal[metal]'",
        )
    if importlib.util.find_spec("mlx") is None:
        raise LaunchError("device 'metal' needs MLX", note="pip install 'trimetal[metal]'")
    raise LaunchError(
        "device 'metal' needs MLX with its Metal backend, and this MLX has none",
        note="pip install --force-reinstall mlx",
    )
