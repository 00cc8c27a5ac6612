"""TTGIR text in, a shader out. Imports neither numpy nor the runtime."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from . import collector
from .ir.core import Module
from .shader import Argument, Shader
from .target import DEFAULT_TARGET, Target, get_target

__all__ = ["Argument", "Shader", "Target", "transpile"]


def _to_stderr(text: str) -> None:
    print(text, file=sys.stderr)


def transpile(
    source: str | os.PathLike[str] | Module,
    target: str | Target = DEFAULT_TARGET,
    *,
    enable_fp_fusion: bool = True,
    print_after: str | Sequence[str] = (),
    verify: bool = False,
    printer: Callable[[str], object] | None = None,
) -> Shader:
    """Transpile a TTGIR text (or a path to one, or a parsed module, which is used up).

    With `enable_fp_fusion`, Triton's own option, products that are added to something become `fma`.
    `print_after` names passes after which the IR is printed (to stderr, or by `printer`);
    `verify` checks the IR after every pass. Raises ParseError, VerifyError, UnsupportedError or
    OutOfResourcesError, with the place in the text.
    """
    from .emit.kernel import emit
    from .ir.printer import print_module
    from .ir.verify import verify as verify_module
    from .parser import parse
    from .pipeline import passes

    chip = get_target(target)
    wanted = {print_after} if isinstance(print_after, str) else set(print_after)
    say = printer or _to_stderr
    with collector.paused():
        module = source if isinstance(source, Module) else parse(source)
        for each in passes(enable_fp_fusion=enable_fp_fusion):
            module = each.run(module, chip)
            if verify:
                verify_module(module)
            if each.name in wanted:
                say(f"// after {each.name}\n{print_module(module)}")
        return emit(module, chip)
