#include <metal_stdlib>
using namespace metal;

kernel void wide_integers(device const long* x [[buffer(0)]],
                          device long* out [[buffer(1)]],
                          device const ulong* u [[buffer(2)]],
                          device ulong* product [[buffer(3)]],
                          constant long& factor [[buffer(4)]],
                          uint i [[thread_position_in_grid]]) {
    const long value = x[i];
    out[4u * i] = as_type<long>(as_type<ulong>(value) * as_type<ulong>(factor));
    out[4u * i + 1u] = mulhi(value, factor);
    out[4u * i + 2u] = value / factor;
    out[4u * i + 3u] = value >> 5;
    product[3u * i] = mulhi(u[i], u[i]);
    product[3u * i + 1u] = (u[i] << 7ul) | (u[i] >> 57ul);
    product[3u * i + 2u] = popcount(u[i]) + clz(u[i]) * 100ul + ctz(u[i]) * 10000ul;
}
