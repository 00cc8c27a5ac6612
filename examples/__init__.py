"""Kernels in Triton, the TTGIR that Triton made of them, and a demo that runs them."""
