"""A shader as JSON: what Triton keeps in its cache, and hands to the driver as the binary."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

from trimetal.transpiler.debug import sites_from_text
from trimetal.transpiler.shader import Argument, Shader

if TYPE_CHECKING:
    from .triton_api import Metadata

# The key in a kernel's metadata for all of the shader but its text.
SHADER = "shader"


def describe(shader: Shader) -> dict[str, object]:
    """All of a shader that a launch must know besides its text."""
    return {
        "name": shader.name,
        "arguments": [asdict(argument) for argument in shader.arguments],
        "threads_per_threadgroup": shader.threads_per_threadgroup,
        "threadgroup_memory": shader.threadgroup_memory,
        "target": shader.target,
        "debug": [asdict(site) for site in shader.debug],
    }


def arguments_of(description: dict[str, Any]) -> tuple[Argument, ...]:
    """The arguments in a description."""
    return tuple(Argument(**argument) for argument in description["arguments"])


def write_shader(source: object, metadata: Metadata) -> bytes:
    """The stage that puts the text and the rest together."""
    if not isinstance(source, str):  # a file that was meant to override the text
        raise NotImplementedError("Triton cannot read MSL back: override ttir or ttgir instead")
    content = {"source": source, **cast("dict[str, object]", metadata[SHADER])}
    return json.dumps(content, indent=1).encode()


def read_shader(text: bytes) -> Shader:
    """The shader that `write_shader` wrote."""
    content: dict[str, Any] = json.loads(text)
    content["arguments"] = arguments_of(content)
    content["debug"] = sites_from_text(json.dumps(content["debug"]))
    return Shader(**content)
