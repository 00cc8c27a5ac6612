// The Metal Shading Language's compute library for compilers that are not Apple's.
//
// The same MSL text compiles in three modes, told apart by the compiler itself:
//   check  clang as C++ for OpenCL, syntax only: address spaces are real, bodies compute nothing
//   host   any C++17 compiler: the text runs on the CPU, threads and SIMD-groups through `abi.hpp`
//   CUDA   NVIDIA's NVRTC: the text runs on a GPU, a SIMD-group is a warp (`cuda/`)
//
// No standard header is included, so that a kernel sees nothing but MSL's own names. What is ours
// stands in namespace `trimetal`; namespace `metal` holds what Metal documents.
#pragma once
#pragma GCC system_header

#include "config.hpp"
#if TRIMETAL_CUDA
#include "cuda/builtins.hpp"
#endif
#include "traits.hpp"
#if TRIMETAL_CUDA
#include "cuda/half.hpp"
#include "cuda/pointer.hpp"
#endif
#include "abi.hpp"
#include "profile.hpp"
#include "place.hpp"
#include "pointer.hpp"
#include "overflow.hpp"
#include "bfloat.hpp"
#include "vector.hpp"
#include "vector_operators.hpp"
#include "packed.hpp"
#include "names.hpp"
#include "lift.hpp"
#include "math.hpp"
#include "integer.hpp"
#include "common.hpp"
#include "execution.hpp"
#include "simd.hpp"
#include "atomic.hpp"
#include "simdgroup_matrix.hpp"
#include "keywords.hpp"
