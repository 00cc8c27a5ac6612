"""What compiling costs, beside what Triton's own compiler for NVIDIA's GPUs costs.

`python -m benchmarks.compile_time` measures, for each kernel of `benchmarks/kernels.py`, the
transpilation of its TTGIR (parsing, passes, emission) against Triton's llir and ptx stages for
cuda:80; a cold start, from a new process to MSL; and how the cost grows with the size of a module.
"""
