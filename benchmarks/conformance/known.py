"""Failures that are known, and why they are none of the transpiler's.

The cause is in the test, in its age, or in how long a CPU takes. Each is counted as a failure all
the same; docs/support.md tells the cause instead of the message.
"""

from __future__ import annotations

import re

from .outcome import FAILED, REFUSED, Outcome

_OLDER = "the checkout is older than the Triton that was installed: "
_SIZE = "takes a GPU: on a CPU it does not end in time"

_CANCELLING = (
    r"test_scaled_dot\[64-64-(64-False-False-False-e4m3-e4m3|128-False-False-True-e4m3-fp16)-4-"
)

# What a test's name and message match, and why it fails.
_CAUSES: tuple[tuple[str, str, str], ...] = (
    (r"test_scan2d\[cum\w+-bfloat16", "tolerance", _OLDER + "it summed bfloat16 as float32"),
    (r"test_reduce\[", "too many indices", _OLDER + "it let a pointer be indexed"),
    (r"test_frontend|test_line_info", "", _OLDER + "its front end wrote other TTIR"),
    (r"test_atomic_poll_rejects", "", _OLDER + "it did not poll tensors"),
    (_CANCELLING, "not close", "the sum cancels: one element of 4,096 is 1.3 % off, not 1 %"),
    (r"test_fp8_support", "DID NOT RAISE", "expects a refusal of 8-bit floats that are supported"),
    (r"test_print\[.*(scalar|no_arg)", "", "prints a scalar once a thread; here once a program"),
    (r"test_pointer_arguments\[cpu", "", "expects that a GPU cannot read a CPU's tensor"),
    (r"test_triton_reproducer_path", "", "names the stages of other backends"),
    (r"test_mxfp8_mxfp4_matmul_tma|test_typeconvert|same_ptr", "more than", _SIZE),
)


def cause(outcome: Outcome) -> str:
    """Why a test failed, in a few words; its message where nothing better is known."""
    assert outcome.outcome == FAILED
    if outcome.reason == REFUSED and re.search(r"\bf64\b", outcome.message):
        return "64-bit floats"
    if outcome.reason == REFUSED and re.search(r"64-bit atomics|of 64 bits", outcome.message):
        return "64-bit atomics"
    for test, message, why in _CAUSES:
        if re.search(test, outcome.test) and message in outcome.message:
            return why
    return outcome.message
