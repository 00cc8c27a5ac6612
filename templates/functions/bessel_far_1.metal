// Bessel functions of order 1, of the first and second kind, from 5 on: modulus and phase.
// Coefficients: tests/arith/coefficients.py.
inline float2 trimetal_bessel_far_1(float x) {
    const float z = 1.0f / (x * x);
    float modulus = -2.74273729f;
    modulus = fma(modulus, z, 0.688611925f);
    modulus = fma(modulus, z, -0.192067668f);
    modulus = fma(modulus, z, 0.187495232f);
    modulus = fma(modulus, z, 1.0f);
    float phase = 8.46491051f;
    phase = fma(phase, z, -1.85870779f);
    phase = fma(phase, z, 0.364807725f);
    phase = fma(phase, z, -0.164033532f);
    phase = fma(phase, z, 0.37499997f);
    const float sine = precise::sin(phase / x);
    const float cosine = precise::cos(phase / x);
    const float c = precise::cos(x) + precise::sin(x);
    const float s = precise::sin(x) - precise::cos(x);
    const float2 waves = float2(s * cosine + c * sine, s * sine - c * cosine);
    return isinf(x) ? float2(0.0f) : 0.564189584f * modulus * precise::rsqrt(x) * waves;
}
