// Bessel functions of order 0, of the first and second kind, from 5 on: modulus and phase.
// Coefficients: tests/arith/coefficients.py.
inline float2 trimetal_bessel_far_0(float x) {
    const float z = 1.0f / (x * x);
    float modulus = 1.94562471f;
    modulus = fma(modulus, z, -0.453074127f);
    modulus = fma(modulus, z, 0.102529354f);
    modulus = fma(modulus, z, -0.0624963753f);
    modulus = fma(modulus, z, 1.0f);
    float phase = -6.13249636f;
    phase = fma(phase, z, 1.25173032f);
    phase = fma(phase, z, -0.205155805f);
    phase = fma(phase, z, 0.0650848076f);
    phase = fma(phase, z, -0.124999985f);
    const float sine = precise::sin(phase / x);
    const float cosine = precise::cos(phase / x);
    const float c = precise::cos(x) + precise::sin(x);
    const float s = precise::sin(x) - precise::cos(x);
    const float2 waves = float2(c * cosine - s * sine, s * cosine + c * sine);
    return isinf(x) ? float2(0.0f) : 0.564189584f * modulus * precise::rsqrt(x) * waves;
}
