"""Layout encodings of TTGIR (`#ttg.blocked<...>` and the rest), each turned into a LinearLayout."""

from .distributed_encodings import (
    BlockedEncoding,
    GenericLinearEncoding,
    LinearEncoding,
    SliceEncoding,
)
from .encoding_base import Encoding, SharedEncoding
from .mma_encodings import DotOperandEncoding
from .shared_encodings import SwizzledSharedEncoding

__all__ = [
    "BlockedEncoding",
    "DotOperandEncoding",
    "Encoding",
    "GenericLinearEncoding",
    "LinearEncoding",
    "SharedEncoding",
    "SliceEncoding",
    "SwizzledSharedEncoding",
]
