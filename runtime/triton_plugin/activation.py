"""Whether Triton should use this backend: the environment and the machine decide."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, MutableMapping

# Of the entry point, and of the GPUTarget. There are other backends that call themselves "metal".
BACKEND = "trimetal"

_REQUESTED = "TRITON_BACKEND"
_SELECTED = "TRITON_DEFAULT_BACKEND"
_OUR_NAMES = ("metal", BACKEND)


def machine_has_metal() -> bool:
    """Whether this is a Mac with an Apple GPU."""
    return sys.platform == "darwin" and platform.machine() == "arm64"


def is_wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the backend is asked for, or at home here and no other one is asked for."""
    if selected := environment.get(_SELECTED):
        return selected == BACKEND
    if requested := environment.get(_REQUESTED):
        return requested.lower() in _OUR_NAMES
    return machine_has_metal()


def select_if_requested(environment: MutableMapping[str, str] = os.environ) -> None:
    """Tell Triton (3.7 and later) to take this backend where a GPU's own one is active as well."""
    if environment.get(_REQUESTED, "").lower() in _OUR_NAMES:
        environment.setdefault(_SELECTED, BACKEND)
