"""A shader as JSON: what Triton keeps in its cache, and hands to the driver as the binary."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from trimetal.runtime.shaders import shader_from_fields, shader_to_fields
from trimetal.transpiler.shader import Shader

if TYPE_CHECKING:
    from .triton_api import Metadata

# The key in a kernel's metadata for all of the shader but its text.
SHADER = "shader"


def describe(shader: Shader) -> dict[str, object]:
    """All of a shader that a launch must know besides its text."""
    fields = shader_to_fields(shader)
    del fields["source"]
    return fields


def write_shader(source: object, metadata: Metadata) -> bytes:
    """The stage that puts the text and the rest together."""
    if not isinstance(source, str):  # a file that was meant to override the text
        raise NotImplementedError("Triton cannot read MSL back: override ttir or ttgir instead")
    content = {"source": source, **cast("dict[str, object]", metadata[SHADER])}
    return json.dumps(content, indent=1).encode()


def read_shader(text: bytes) -> Shader:
    """The shader that `write_shader` wrote."""
    return shader_from_fields(json.loads(text))
