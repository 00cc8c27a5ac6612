"""The hook under `triton.jit`: a Triton backend named `trimetal`, for Triton 3.4 to 3.9.

Triton finds `compiler` and `driver` through the entry point in pyproject.toml. It imports both
with itself, on every machine, so what they import at once is small.
"""

import importlib
import importlib.util

# First Triton, which then imports us: the other way round, it would find us half imported.
if importlib.util.find_spec("triton") is not None:
    importlib.import_module("triton")
