#include <metal_stdlib>
using namespace metal;

// What the lanes of a SIMD-group tell each other.
kernel void lanes(device const float* x [[buffer(0)]],
                  device float* floats [[buffer(1)]],
                  device const uint* words [[buffer(2)]],
                  device uint* out [[buffer(3)]],
                  uint i [[thread_position_in_grid]],
                  ushort lane [[thread_index_in_simdgroup]]) {
    const float value = x[i];
    device float* f = floats + 12u * i;
    f[0] = simd_shuffle(value, ushort((lane * 7u + 3u) % 32u));
    f[1] = simd_shuffle_xor(value, ushort(5));
    f[2] = simd_shuffle_up(value, ushort(3));
    f[3] = simd_shuffle_down(value, ushort(9));
    f[4] = simd_shuffle_rotate_up(value, ushort(2));
    f[5] = simd_shuffle_rotate_down(value, ushort(31));
    f[6] = simd_broadcast(value, ushort(17));
    f[7] = simd_min(value);
    f[8] = simd_max(value);
    f[9] = simd_prefix_inclusive_sum(value);
    f[10] = simd_prefix_exclusive_sum(value);
    f[11] = quad_shuffle_xor(value, ushort(1)) + simd_sum(float2(value, 1.0f)).y;

    const uint word = words[i];
    device uint* u = out + 10u * i;
    u[0] = simd_sum(word);
    u[1] = simd_and(word);
    u[2] = simd_or(word);
    u[3] = simd_xor(word);
    u[4] = simd_product(word | 1u);
    u[5] = uint(ulong(simd_vote::vote_t(simd_ballot((word & 1u) != 0u))));
    u[6] = simd_any(word == 0u) ? 1u : 0u;
    u[7] = simd_all(word != 0u) ? 1u : 0u;
    u[8] = uint(simd_shuffle(uchar(word), ushort(4))) + uint(simd_shuffle(short(7), ushort(0)));
    u[9] = simd_shuffle_xor(ushort4(word, 1u, 2u, 3u), ushort(16)).x;
}
