// Which compiler reads this, and the few spellings that differ between the modes.
#pragma once

#if defined(__OPENCL_CPP_VERSION__)
#define TRIMETAL_CHECK 1
#elif defined(__CUDACC_RTC__)
#define TRIMETAL_CUDA 1
#else
#define TRIMETAL_HOST 1
#endif

#define __METAL__ 1
#if !defined(__METAL_VERSION__)
#define __METAL_VERSION__ 310
#endif
#define __HAVE_BFLOAT__ 1

#if TRIMETAL_CHECK
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#pragma OPENCL EXTENSION __cl_clang_non_portable_kernel_param_types : enable
#pragma OPENCL EXTENSION __cl_clang_function_pointers : disable
#define TRIMETAL_DEVICE __global
#define TRIMETAL_THREADGROUP __local
#define TRIMETAL_CONSTANT __constant
#define TRIMETAL_THREAD __private
#define TRIMETAL_INLINE inline
// OpenCL predefines these names as types; ours take their place.
#define atomic_int trimetal_atomic_int
#define atomic_uint trimetal_atomic_uint
#define atomic_bool trimetal_atomic_bool
#define atomic_float trimetal_atomic_float
#define atomic_long trimetal_atomic_long
#define atomic_ulong trimetal_atomic_ulong
#else
#define TRIMETAL_DEVICE
#define TRIMETAL_THREADGROUP
#define TRIMETAL_CONSTANT
#define TRIMETAL_THREAD
#if TRIMETAL_CUDA
#define TRIMETAL_INLINE __forceinline__
#else
#define TRIMETAL_INLINE inline __attribute__((always_inline))
#endif
#endif

// Names that MSL has at program scope. CUDA has its own float4 there, and argument-dependent look-up
// would find its max beside ours: there MSL's names, and the kernel itself, are in namespace metal.
#if TRIMETAL_CUDA
#define TRIMETAL_PROGRAM_SCOPE_BEGIN namespace metal {
#define TRIMETAL_PROGRAM_SCOPE_END }
#else
#define TRIMETAL_PROGRAM_SCOPE_BEGIN
#define TRIMETAL_PROGRAM_SCOPE_END
#endif

#define METAL_FUNC TRIMETAL_INLINE

typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;
typedef signed char int8_t;
typedef short int16_t;
typedef int int32_t;
typedef long int64_t;
typedef uchar uint8_t;
typedef ushort uint16_t;
typedef uint uint32_t;
typedef ulong uint64_t;
typedef decltype(sizeof(0)) size_t;
typedef decltype((char*)0 - (char*)0) ptrdiff_t;

#if TRIMETAL_HOST
typedef _Float16 half;
#endif
