// exp(x * x) * erfc(x) for x from 0. Coefficients: tests/arith/coefficients.py.
inline float trimetal_scaled_erfc(float x) {
    const float q = 1.0f - 4.0f / (x + 2.0f);
    float p = -2.23480693e-5f;
    p = fma(p, q, 6.30786963e-5f);
    p = fma(p, q, 0.000228552119f);
    p = fma(p, q, -0.000357113866f);
    p = fma(p, q, -0.00147304649f);
    p = fma(p, q, 0.0012165939f);
    p = fma(p, q, 0.00873015635f);
    p = fma(p, q, -0.00801859889f);
    p = fma(p, q, -0.0542219356f);
    p = fma(p, q, 0.164049387f);
    p = fma(p, q, -0.166030169f);
    p = fma(p, q, -0.0927637592f);
    p = fma(p, q, 1.27697837f);
    return 0.5f * p / (x + 0.5f);
}
