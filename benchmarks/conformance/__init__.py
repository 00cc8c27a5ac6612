"""Triton's own tests, run on the plugin: `python -m benchmarks.conformance --triton CHECKOUT`.

The checkout's tests are used as they are, with tensors of the CPU (`--device=cpu`). One process
collects them and forks workers, so that a worker which crashes or hangs costs one test.
"""
