"""Shaders on an NVIDIA GPU beside Triton's own CUDA build of the same kernels."""
