"""Types of TTGIR values. All are frozen, hashable and compare by content."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

if TYPE_CHECKING:
    from .encodings import Encoding, SharedEncoding


@dataclass(frozen=True)
class IntegerType:
    """A signless integer (`i32`), or one with a sign in tensor descriptors (`si8`, `ui16`)."""

    width: int
    sign: str = ""

    def __str__(self) -> str:
        return f"{self.sign}i{self.width}"


@dataclass(frozen=True)
class FloatType:
    """A floating type by its MLIR name: f16, bf16, f32, f64, f8E4M3FN, ..."""

    name: str

    @property
    def width(self) -> int:
        """Bits."""
        return FLOAT_WIDTHS[self.name]

    def __str__(self) -> str:
        return self.name


FLOAT_WIDTHS = {
    "f16": 16,
    "bf16": 16,
    "tf32": 32,
    "f32": 32,
    "f64": 64,
    "f8E4M3FN": 8,
    "f8E5M2": 8,
    "f8E4M3FNUZ": 8,
    "f8E5M2FNUZ": 8,
    "f8E4M3B11FNUZ": 8,
    "f8E4M3": 8,
}


@dataclass(frozen=True)
class IndexType:
    """MLIR's `index`; 64 bits here."""

    width: int = 64

    def __str__(self) -> str:
        return "index"


COHERENT = "coherent"


@dataclass(frozen=True)
class PointerType:
    """`!tt.ptr<T>`; `space` is "" (global memory) or what the text says: "constant", "4", ...

    The space "coherent" is of our own: see passes/coherence.py.
    """

    pointee: Type
    space: str = ""

    @property
    def width(self) -> int:
        """Bits."""
        return 64

    def __str__(self) -> str:
        if not self.space:
            return f"!tt.ptr<{self.pointee}>"
        space = self.space if self.space.isdigit() else f'"{self.space}"'
        return f"!tt.ptr<{self.pointee}, {space}>"


ScalarType: TypeAlias = IntegerType | FloatType | IndexType | PointerType


@dataclass(frozen=True)
class TensorType:
    """A block of elements, distributed over the threads of a program by `encoding`."""

    shape: tuple[int, ...]
    element: Type
    encoding: Encoding | None = None

    @property
    def rank(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    def with_element(self, element: Type) -> TensorType:
        """The same shape and encoding over another element type."""
        return TensorType(self.shape, element, self.encoding)

    def __str__(self) -> str:
        dims = "".join(f"{d}x" for d in self.shape)
        encoding = f", {self.encoding}" if self.encoding is not None else ""
        return f"tensor<{dims}{self.element}{encoding}>"


@dataclass(frozen=True)
class VectorType:
    """A short vector held by one thread (`vector<4xf32>`), after lowering."""

    size: int
    element: Type

    def __str__(self) -> str:
        return f"vector<{self.size}x{self.element}>"


@dataclass(frozen=True)
class MemDescType:
    """A view of threadgroup (shared) memory, or of NVIDIA's tensor memory.

    `alloc_shape` differs from `shape` for sub-views: addresses follow the allocation.
    """

    shape: tuple[int, ...]
    element: Type
    encoding: SharedEncoding | Encoding
    space: str = "#ttg.shared_memory"
    mutable: bool = False
    alloc_shape: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"!ttg.memdesc<{self.body()}>"

    def body(self) -> str:
        """What stands between the angle brackets."""
        dims = "".join(f"{d}x" for d in self.shape)
        mutable = ", mutable" if self.mutable else ""
        alloc = ""
        if self.alloc_shape and self.alloc_shape != self.shape:
            alloc = ", " + "x".join(str(d) for d in self.alloc_shape)
        return f"{dims}{self.element}, {self.encoding}, {self.space}{mutable}{alloc}"


@dataclass(frozen=True)
class TensorDescType:
    """`!tt.tensordesc<64x64xf16[, #shared]>`: a block-shaped window on a tensor in memory."""

    shape: tuple[int, ...]
    element: Type
    encoding: SharedEncoding | Encoding | None = None

    def __str__(self) -> str:
        dims = "".join(f"{d}x" for d in self.shape)
        encoding = f", {self.encoding}" if self.encoding is not None else ""
        return f"!tt.tensordesc<{dims}{self.element}{encoding}>"


@dataclass(frozen=True)
class ArrayType:
    """`!metal.array<4xf32, thread>`: an array of scalars or vectors, after lowering.

    `space` is Metal's address space, or "simdgroup": what the lanes of a SIMD-group hold together,
    a matrix.
    """

    SPACES: ClassVar[tuple[str, ...]] = ("thread", "simdgroup", "threadgroup", "device")

    count: int
    element: Type
    space: str

    @property
    def size_in_bytes(self) -> int:
        """Bytes of the whole array, as Metal lays it out (bool: 1 byte)."""
        lanes = self.element.size if isinstance(self.element, VectorType) else 1
        return self.count * lanes * max(1, bit_width(self.element) // 8)

    def __str__(self) -> str:
        return f"!metal.array<{self.count}x{self.element}, {self.space}>"


@dataclass(frozen=True)
class OpaqueType:
    """Any other dialect type, kept as its text: `!ttg.async.token`, `!nvws.aref<...>`."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class FunctionType:
    """`(T, T) -> (T)`."""

    inputs: tuple[Type, ...]
    results: tuple[Type, ...]

    def __str__(self) -> str:
        inputs = ", ".join(map(str, self.inputs))
        results = ", ".join(map(str, self.results))
        bare = len(self.results) == 1 and not isinstance(self.results[0], FunctionType)
        return f"({inputs}) -> {results if bare else f'({results})'}"


Type: TypeAlias = (
    IntegerType
    | FloatType
    | IndexType
    | PointerType
    | TensorType
    | VectorType
    | MemDescType
    | TensorDescType
    | ArrayType
    | OpaqueType
    | FunctionType
)

I1 = IntegerType(1)
I8 = IntegerType(8)
I16 = IntegerType(16)
I32 = IntegerType(32)
I64 = IntegerType(64)
U32 = IntegerType(32, "u")  # words of any bits, in lowered code
F16 = FloatType("f16")
BF16 = FloatType("bf16")
F32 = FloatType("f32")
F64 = FloatType("f64")
INDEX = IndexType()


def element_of(type_: Type) -> Type:
    """The element type of a tensor, vector or memory view; a scalar's own type."""
    if isinstance(type_, TensorType | VectorType | MemDescType | TensorDescType):
        return type_.element
    return type_


def shape_of(type_: Type) -> tuple[int, ...]:
    """The shape of a tensor; () of a scalar."""
    return type_.shape if isinstance(type_, TensorType) else ()


def bit_width(type_: Type) -> int:
    """Bits of one element."""
    element = element_of(type_)
    if isinstance(element, IntegerType | FloatType | IndexType | PointerType):
        return element.width
    raise TypeError(f"{element} has no width")
