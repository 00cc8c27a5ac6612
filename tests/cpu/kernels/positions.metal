#include <metal_stdlib>
using namespace metal;

// Where a thread is, in every form.
kernel void positions(device uint* out [[buffer(0)]],
                      uint3 thread_position [[thread_position_in_grid]],
                      uint3 local_position [[thread_position_in_threadgroup]],
                      uint3 program [[threadgroup_position_in_grid]],
                      uint3 size [[threads_per_threadgroup]],
                      uint3 programs [[threadgroups_per_grid]],
                      uint3 all_threads [[threads_per_grid]],
                      uint thread_index [[thread_index_in_threadgroup]],
                      ushort simdgroups [[simdgroups_per_threadgroup]],
                      uint simdgroup_index [[simdgroup_index_in_threadgroup]],
                      uint lane [[thread_index_in_simdgroup]],
                      uint width [[threads_per_simdgroup]]) {
    const uint group = program.x + programs.x * (program.y + programs.y * program.z);
    device uint* o = out + 12u * (group * size.x + thread_index);
    o[0] = thread_position.x;
    o[1] = thread_position.y;
    o[2] = thread_position.z;
    o[3] = local_position.x + local_position.y + local_position.z;
    o[4] = size.x * size.y * size.z;
    o[5] = programs.x + 100u * programs.y + 10000u * programs.z;
    o[6] = all_threads.x;
    o[7] = thread_index;
    o[8] = simdgroups;
    o[9] = simdgroup_index;
    o[10] = lane;
    o[11] = width;
}
