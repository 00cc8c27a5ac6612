"""Measurements, each a command of its own, such as `python -m benchmarks.compile_time`."""
