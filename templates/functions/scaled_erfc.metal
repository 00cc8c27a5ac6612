// exp(x * x) * erfc(x) for x from 0. Coefficients: tests/arith/coefficients.py.
inline float trimetal_scaled_erfc(float x) {
    const float q = 1.0f - 4.0f / (x + 2.0f);
    float p = -2.23480693e-5f;
    p = fma(p, q, 6.30786963e-5f);
    p = fma(p, q, 2.28552119e-4f);
    p = fma(p, q, -3.57113866e-4f);
    p = fma(p, q, -1.47304649e-3f);
    p = fma(p, q, 1.2165939e-3f);
    p = fma(p, q, 8.73015635e-3f);
    p = fma(p, q, -8.01859889e-3f);
    p = fma(p, q, -5.42219356e-2f);
    p = fma(p, q, 1.64049387e-1f);
    p = fma(p, q, -1.66030169e-1f);
    p = fma(p, q, -9.27637592e-2f);
    p = fma(p, q, 1.27697837f);
    return 0.5f * p / (x + 0.5f);
}
