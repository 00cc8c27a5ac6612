"""Layout encodings of TTGIR (`#ttg.blocked<...>` and the rest), each turned into a LinearLayout."""

from .distributed_encodings import (
    BlockedEncoding,
    GenericLinearEncoding,
    LinearEncoding,
    SliceEncoding,
)
from .encoding_base import Encoding, SharedEncoding
from .mma_encodings import (
    AmdMfmaEncoding,
    AmdWmmaEncoding,
    DotOperandEncoding,
    NvidiaMmaEncoding,
)
from .shared_encodings import (
    AmdRotatingSharedEncoding,
    NvmmaSharedEncoding,
    PaddedSharedEncoding,
    PartitionedSharedEncoding,
    SharedLinearEncoding,
    SwizzledSharedEncoding,
    TensorMemoryEncoding,
)

__all__ = [
    "AmdMfmaEncoding",
    "AmdRotatingSharedEncoding",
    "AmdWmmaEncoding",
    "BlockedEncoding",
    "DotOperandEncoding",
    "Encoding",
    "GenericLinearEncoding",
    "LinearEncoding",
    "NvidiaMmaEncoding",
    "NvmmaSharedEncoding",
    "PaddedSharedEncoding",
    "PartitionedSharedEncoding",
    "SharedEncoding",
    "SharedLinearEncoding",
    "SliceEncoding",
    "SwizzledSharedEncoding",
    "TensorMemoryEncoding",
]
