"""The example that shards a matmul over processes, with processes of this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAUNCH = "from mlx._distributed_utils.launch import main; main()"


def free_ports(count: int) -> int:
    """The first of so many ports in a row that nobody listens on."""
    for _ in range(100):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first: int = probe.getsockname()[1]
        if all(_is_free(port) for port in range(first, first + count)):
            return first
    pytest.fail("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return port < 65536 and probe.connect_ex(("127.0.0.1", port)) != 0


# Sizes that three processes share unevenly: the third has 16 rows of 80, and none of the depth.
@pytest.mark.parametrize(("processes", "size"), [(2, (112, 80, 96)), (3, (80, 64, 16))])
def test_every_process_has_the_right_product(processes: int, size: tuple[int, int, int]) -> None:
    run = subprocess.run(
        [
            *(sys.executable, "-c", LAUNCH, "-n", str(processes), "--backend", "ring"),
            *("--starting-port", str(free_ports(processes)), "--"),
            *(sys.executable, "-m", "examples.distributed", "--size", *map(str, size)),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    for rank in range(processes):
        for name in ("rows", "depth"):
            lines = [
                line
                for line in run.stdout.splitlines()
                if line.startswith(f"process {rank} of {processes}: {name}: error ")
            ]
            assert len(lines) == 1, run.stdout + run.stderr
            assert lines[0].endswith(" ok")


def test_one_process_has_all() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "examples.distributed", "--size", "64", "64", "32"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert run.stdout.count(" ok\n") == 2
