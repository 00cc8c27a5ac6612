"""The compiler half of the backend: a jit function, TTIR, TTGIR, MSL, and the shader."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .activation import BACKEND
from .options import MetalOptions, parse_options
from .triton_api import BaseBackend, GPUTarget, knobs, late

if TYPE_CHECKING:
    # Triton looks for classes in this module, and on Python 3.10 takes `dict[...]` for one.
    from .triton_api import Metadata


class TrimetalBackend(BaseBackend):
    """Triton's compiler for Metal: `kernel.asm["msl"]` is the text of the shader."""

    # The last stage's name.
    binary_ext = "shader"
    # Triton's own code looks at alignment and divisibility by 16, and no more is asked for.
    supports_native_tensor_specialization = True

    @staticmethod
    def supports_target(target: GPUTarget) -> bool:
        """Whether the target is this backend's."""
        return target.backend == BACKEND

    def hash(self) -> str:
        """What tells this compiler from every other one; part of the key of Triton's cache."""
        from trimetal.runtime.fingerprint import fingerprint

        sources = fingerprint("transpiler", "templates", "runtime/triton_plugin")
        return f"{BACKEND}-{self.target.arch}-{sources}"

    def parse_options(self, opts: Mapping[str, Any]) -> MetalOptions:
        """The options of one compilation."""
        return parse_options(opts, str(self.target.arch))

    def pack_metadata(self, metadata: Any) -> tuple[int, int, int]:
        """What a launch gets of the metadata; our launcher has what it needs already."""
        return metadata.num_warps, metadata.num_ctas, metadata.shared

    def get_codegen_implementation(self, options: MetalOptions) -> dict[str, Callable[..., Any]]:
        """What the front end asks while it makes TTIR."""
        from .fp8e4b15 import convert

        return {"min_dot_size": _min_dot_size, "convert_custom_types": convert}

    def get_module_map(self) -> dict[str, ModuleType]:
        """Device libraries: the transpiler knows the functions by CUDA's names."""
        try:
            library = late("language.extra.cuda.libdevice")
        except ModuleNotFoundError:  # Triton built without its part for NVIDIA
            library = late("language.extra.libdevice")
        return {"triton.language.extra.libdevice": library}

    def load_dialects(self, context: object) -> None:
        """All dialects that are used here are Triton's common ones."""

    def add_stages(
        self, stages: dict[str, Callable[..., Any]], options: MetalOptions, language: Any = None
    ) -> None:
        """Adds the stages in order; each takes the last one's result, and the metadata."""
        from .pipeline import make_ttgir, make_ttir
        from .shader_text import write_shader

        if getattr(language, "name", "TRITON") != "TRITON":
            raise NotImplementedError("kernels in Gluon are for one vendor's GPUs")
        stages["ttir"] = make_ttir
        stages["ttgir"] = functools.partial(make_ttgir, options=options)
        stages["msl"] = functools.partial(_make_msl, options=options)
        stages["shader"] = write_shader
        inspect = getattr(knobs.runtime, "add_stages_inspection_hook", None)
        if inspect is not None:
            inspect(self, stages, options, language, None)


def _make_msl(module: Any, metadata: Metadata, *, options: MetalOptions) -> str:
    """TTGIR to MSL; fills in the metadata that Triton, its hooks and the next stage read."""
    from trimetal.transpiler import transpile
    from trimetal.transpiler.errors import TrimetalError

    from .failures import triton_error
    from .shader_text import SHADER, describe

    # Locations bring the names of variables and the lines of the source.
    text = module.str_nodebug() if knobs.compilation.disable_line_info else str(module)
    try:
        shader = transpile(text, options.arch, enable_fp_fusion=options.enable_fp_fusion)
    except TrimetalError as error:
        raise triton_error(error, text) from error
    metadata["name"] = module.get_entry_func_name()
    metadata["shared"] = shader.threadgroup_memory
    metadata[SHADER] = describe(shader)
    for scratch in ("global_scratch", "profile_scratch"):
        metadata[f"{scratch}_size"] = 0
        metadata[f"{scratch}_align"] = 1
    return shader.source


def _min_dot_size(lhs: object, rhs: object) -> tuple[int, int, int]:
    """The smallest M, N and K of a `tl.dot`."""
    return 1, 1, 1
