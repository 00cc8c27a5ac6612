// Bessel function of the first kind, order 1.
// Coefficients: tests/arith/coefficients.py.
inline float trimetal_j1(float x) {
    const float a = fabs(x);
    if (a < 5.0f) {
        const float u = fma(a * 0.08f, a, -1.0f);
        float p = 2.05062776e-8f;
        p = fma(p, u, -4.02067144e-7f);
        p = fma(p, u, 6.81024903e-6f);
        p = fma(p, u, -8.59260326e-5f);
        p = fma(p, u, 0.000755256333f);
        p = fma(p, u, -0.0042402274f);
        p = fma(p, u, 0.0130907772f);
        p = fma(p, u, -0.0158759542f);
        return x * (a - 3.83170605f + 7.68505932e-8f) * (a + 3.83170597f) * p;
    }
    const float y = trimetal_bessel_far_1(a).x;
    return x < 0.0f ? -y : y;
}
