"""What became of one test, and why."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import trimetal
from trimetal.transpiler.errors import (
    CompileError,
    LaunchError,
    TrimetalError,
    UnsupportedError,
)

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"

# Reasons of failures, in the order of the table.
REFUSED = "refused"
FRONT_END = "refused by Triton's front end"
WRONG = "wrong result"
LAUNCH = "launch refused"
NOT_MSL = "MSL does not compile"
INTERNAL = "internal error"
ERROR = "other exception"
CRASH = "crash"
TIME_OUT = "time-out"
OTHER_GPU = "needs another GPU"
NOT_COLLECTED = "file cannot be read"
REASONS = (
    REFUSED,
    FRONT_END,
    WRONG,
    LAUNCH,
    NOT_MSL,
    INTERNAL,
    ERROR,
    CRASH,
    TIME_OUT,
    OTHER_GPU,
    NOT_COLLECTED,
)

_OUR_CODE = Path(trimetal.__file__).parent

# OutOfResourcesError is an UnsupportedError.
_REASONS_OF_OURS: tuple[tuple[type[TrimetalError], str], ...] = (
    (UnsupportedError, REFUSED),
    (CompileError, NOT_MSL),
    (LaunchError, LAUNCH),
)

# What tests say that ask PyTorch for a GPU of NVIDIA's, or for the code that LLVM makes for one.
_NEEDS_CUDA = (
    "Torch not compiled with CUDA",
    "Found no NVIDIA driver",
    "requires a CUDA",
    "Unknown key: 'llir'",
    "Unknown key: 'ptx'",
)
_TORCH_CUDA = "torch/cuda/"


@dataclass(frozen=True)
class Outcome:
    """One test's end. `reason` and `message` are for failures (`message` also for skips)."""

    test: str
    outcome: str
    seconds: float = 0.0
    reason: str = ""
    message: str = ""
    # Whether it passes as well when kernels are compiled only.
    vacuous: bool | None = None  # passes without kernels too; None: not yet tried


def reason_of(error: BaseException) -> tuple[str, str]:
    """The reason of a failure and the line that says the most about it."""
    chain = list(_chain(error))
    for ours in (each for each in chain if isinstance(each, TrimetalError)):
        reason = next((r for type_, r in _REASONS_OF_OURS if isinstance(ours, type_)), INTERNAL)
        named = f"{type(ours).__name__}: {ours.message}"
        return reason, named if reason == INTERNAL else ours.message
    for each in chain:
        place = _place_in_our_code(each)
        if place:
            return INTERNAL, f"{type(each).__name__}: {_first_line(str(each))} ({place})"
    text = str(error)
    if any(phrase in text for phrase in _NEEDS_CUDA) or _TORCH_CUDA in _raised_in(error):
        return OTHER_GPU, _first_line(text)
    if type(error).__name__ in ("CompilationError", "UnsupportedLanguageConstruct"):
        return FRONT_END, last_line(str(chain[-1]))
    if isinstance(error, AssertionError) or type(error).__name__ == "Failed":
        return WRONG, _first_line(text)
    return ERROR, f"{type(error).__name__}: {last_line(text)}"


def _raised_in(error: BaseException) -> str:
    """The file whose code raised the error, with slashes."""
    frames = traceback.extract_tb(error.__traceback__)
    return Path(frames[-1].filename).as_posix() if frames else ""


def _place_in_our_code(error: BaseException) -> str:
    """Where the error was raised, if that is in Trimetal's code: then it is a bug of its own."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or not Path(frames[-1].filename).is_relative_to(_OUR_CODE):
        return ""
    return f"{Path(frames[-1].filename).relative_to(_OUR_CODE)}:{frames[-1].lineno}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0][:300] if lines else ""


def last_line(text: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""
