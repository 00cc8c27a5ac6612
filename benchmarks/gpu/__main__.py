"""Shaders on an NVIDIA GPU beside Triton's own: `python -m benchmarks.gpu [--quick] [NAME ...]`.

The same jit functions are compiled twice: by Triton for the GPU, and by Triton up to TTGIR, by
Trimetal to MSL, and by NVRTC with the MSL library's CUDA mode. Both run in turns on the same
arguments. Divisions and exponentials have Triton's accuracy in both builds, in ours MSL's with
`--accuracy metal`. Results are compared with PyTorch in float64. Needs torch, Triton and the extra
`cuda`.
"""
# torch and Triton have no types that a strict checker understands.
# pyright: basic, reportMissingImports=false

from __future__ import annotations

import argparse
import json
import math
import sys
from datetime import date
from pathlib import Path

import torch
import triton
from rich.console import Console
from rich.table import Table

import trimetal

from .cases import Maker, Work
from .measure import Outcome, copy_bandwidth, measure, shader_of

_FOLDER = Path("build/gpu")


def main() -> int:
    """Measure, show and write; 1 if a result is wrong."""
    options = _options()
    options.out.mkdir(parents=True, exist_ok=True)
    console = Console(width=120 if not sys.stdout.isatty() else None)
    repeats = 20 if options.quick else 60
    scale = 4 if options.quick else 1
    bandwidth = copy_bandwidth(2**32 // scale, repeats)
    console.print(f"copy within the GPU: {bandwidth / 1e12:.2f} TB/s")
    outcomes: list[Outcome] = []
    for make in Maker("cuda", scale).all():
        for work in make():
            if not options.names or any(name in work.name for name in options.names):
                outcomes.append(_outcome(work, bandwidth, repeats, options, console))
    console.print(_table(outcomes))
    compared = [each.ratio for each in outcomes if each.memory_bound and each.ratio]
    mean = math.exp(sum(map(math.log, compared)) / len(compared)) if compared else 0.0
    console.print(f"geometric mean of {len(compared)} bound by memory: {mean:.3f}")
    _write(options, outcomes, bandwidth, mean)
    return 0 if all(each.right for each in outcomes) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.gpu", description=__doc__)
    parser.add_argument("names", nargs="*", help="only kernels whose name contains one of these")
    parser.add_argument("--quick", action="store_true", help="smaller arrays, fewer runs")
    parser.add_argument(
        "--accuracy", choices=("triton", "metal"), default="triton", help="of `/`, exp and exp2"
    )
    parser.add_argument("--out", type=Path, default=_FOLDER, help="folder for JSON, PNG and MSL")
    return parser.parse_args()


def _outcome(
    work: Work, bandwidth: float, repeats: int, options: argparse.Namespace, console: Console
) -> Outcome:
    """One line, shown as soon as it is there; what is refused is a line too."""
    try:
        name = work.name.replace(" ", "_")
        (options.out / f"{name}.metal").write_text(shader_of(work).source, encoding="utf-8")
        outcome = measure(work, bandwidth, repeats, options.accuracy)
    except (trimetal.TrimetalError, RuntimeError) as error:
        outcome = Outcome(work.name, work.memory_bound, math.inf, 0, False, refused=str(error))
        console.print(f"[red]{work.name}[/red]: {error}", highlight=False)
        return outcome
    console.print(
        f"{work.name}: {outcome.ours:.1f} us, {outcome.ratio:.3f} of Triton's speed, "
        f"error {outcome.error:.1e}",
        highlight=False,
    )
    return outcome


def _table(outcomes: list[Outcome]) -> Table:
    gpu = torch.cuda.get_device_name()
    table = Table(title=f"{gpu}, Triton {triton.__version__}, {date.today()}")
    table.add_column("kernel", no_wrap=True)
    for name in ("us", "Triton us", "speed / Triton's", "of copy", "registers", "error", ""):
        table.add_column(name, justify="right")
    for each in outcomes:
        registers = f"{each.registers} / {each.triton_registers}"
        times = (f"{each.ours:.1f}", f"{each.triton:.1f}", f"{each.ratio:.3f}")
        share = f"{each.bandwidth:.2f}" if each.memory_bound else ""
        words = "" if each.right else "refused" if each.refused else "WRONG"
        table.add_row(each.name, *times, share, registers, f"{each.error:.1e}", words)
    return table


def _write(
    options: argparse.Namespace, outcomes: list[Outcome], bandwidth: float, mean: float
) -> None:
    """The JSON file and the plot."""
    out: Path = options.out
    found = {
        "accuracy": options.accuracy,
        "gpu": torch.cuda.get_device_name(),
        "triton": triton.__version__,
        "torch": torch.__version__,
        "date": str(date.today()),
        "copy_bytes_per_second": bandwidth,
        "geometric_mean": mean,
        "kernels": [each.as_json() for each in outcomes],
    }
    (out / "gpu.json").write_text(json.dumps(found, indent=2), encoding="utf-8")
    _plot(out / "gpu.png", [each for each in outcomes if each.memory_bound and each.ratio])


def _plot(path: Path, outcomes: list[Outcome]) -> None:
    """A bar a kernel: our speed as a share of Triton's."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 0.32 * len(outcomes) + 1.2))
    names = [each.name for each in outcomes][::-1]
    axes.barh(names, [each.ratio for each in outcomes][::-1], color="#4878a8")
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set_xlabel("speed, Triton's own CUDA build = 1")
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


if __name__ == "__main__":
    sys.exit(main())
