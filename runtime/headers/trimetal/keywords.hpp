// MSL's own keywords, last, so that nothing above meets them as macros. On the host the source
// rewriter has taken them out of the text; for the check they stand for OpenCL's address spaces
// (`kernel` and `constant` are keywords there too).
#pragma once

// All of this memory is coherent as far as these compilers go.
#if __METAL_VERSION__ >= 320
#define coherent(scope)
#endif

#if TRIMETAL_CHECK
#define device __global
#define threadgroup __local
#define thread __private
#endif
