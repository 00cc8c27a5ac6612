"""The hook under `triton.jit`: a Triton backend named `trimetal`, for Triton 3.4 to 3.9.

Triton finds `compiler` and `driver` through the entry point in pyproject.toml. It imports both
with itself, on every machine, so what they import at once is small.
"""
