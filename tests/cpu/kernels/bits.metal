#include <metal_stdlib>
using namespace metal;

// Eight halves as one 16-byte access, and integer functions.
kernel void bits(device const uint4* x [[buffer(0)]],
                 device uint4* out [[buffer(1)]],
                 device const uint* words [[buffer(2)]],
                 device uint* results [[buffer(3)]],
                 uint i [[thread_position_in_grid]]) {
    const uint4 raw = x[i];
    half2 pairs[4];
    pairs[0] = as_type<half2>(raw.x);
    pairs[1] = as_type<half2>(raw.y);
    pairs[2] = as_type<half2>(raw.z);
    pairs[3] = as_type<half2>(raw.w);
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; ++j) pairs[j] = pairs[j] * half2(2.0h, -1.0h);
    out[i] = uint4(as_type<uint>(pairs[0]), as_type<uint>(pairs[1]), as_type<uint>(pairs[2]),
                   as_type<uint>(pairs[3]));

    const uint w = words[i];
    const int s = as_type<int>(w);
    results[8u * i] = rotate(w, 13u);
    results[8u * i + 1u] = reverse_bits(w);
    results[8u * i + 2u] = mulhi(w, 0x9e3779b9u);
    results[8u * i + 3u] = extract_bits(w, 5u, 9u);
    results[8u * i + 4u] = insert_bits(w, 0x155u, 4u, 9u);
    results[8u * i + 5u] = absdiff(s, 1000);
    results[8u * i + 6u] = as_type<uint>(addsat(s, s)) ^ subsat(w, 0x80000000u);
    results[8u * i + 7u] = uint(popcount(ushort(w))) + uint(clz(uchar(w))) * 100u +
                           uint(ctz(short(s))) * 10000u;
}
