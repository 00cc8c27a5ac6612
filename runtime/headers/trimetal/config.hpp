// Which compiler reads this, and the few spellings that differ between the modes.
#pragma once

#if defined(__OPENCL_CPP_VERSION__)
#define TRIMETAL_CHECK 1
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
#define TRIMETAL_INLINE inline __attribute__((always_inline))
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
typedef __SIZE_TYPE__ size_t;
typedef __PTRDIFF_TYPE__ ptrdiff_t;

#if TRIMETAL_HOST
typedef _Float16 half;
#endif
