// Bessel functions of order 1, of the first and second kind, from 5 on: modulus and phase.
// Coefficients: tests/arith/coefficients.py.
inline float2 trimetal_bessel_far_1(float x) {
    const float z = 1.0f / (x * x);
    float modulus = -2.74273252f;
    modulus = fma(modulus, z, 0.688611746f);
    modulus = fma(modulus, z, -0.192067668f);
    modulus = fma(modulus, z, 0.187495232f);
    modulus = fma(modulus, z, 1.0f);
    float phase = 8.46582985f;
    phase = fma(phase, z, -1.85878348f);
    phase = fma(phase, z, 0.364809662f);
    phase = fma(phase, z, -0.164033547f);
    phase = fma(phase, z, 0.37499997f);
    const float sine = precise::sin(phase / x);
    const float cosine = precise::cos(phase / x);
    const float c = precise::cos(x) + precise::sin(x);
    const float s = precise::sin(x) - precise::cos(x);
    const float2 waves = float2(s * cosine + c * sine, s * sine - c * cosine);
    return isinf(x) ? float2(0.0f) : 0.564189584f * modulus * precise::rsqrt(x) * waves;
}
