// Bessel function of the second kind, order 1; NaN of negative numbers.
// Coefficients: tests/arith/coefficients.py.
inline float trimetal_y1(float x) {
    if (x == 0.0f) {
        return -INFINITY;
    }
    if (x < 5.0f) {
        const float u = fma(x * 0.08f, x, -1.0f);
        float p = -3.3047931e-7f;
        p = fma(p, u, 8.77121784e-6f);
        p = fma(p, u, -0.000141600234f);
        p = fma(p, u, 0.00166876963f);
        p = fma(p, u, -0.013433299f);
        p = fma(p, u, 0.0663469657f);
        p = fma(p, u, -0.16312024f);
        p = fma(p, u, 0.0910865068f);
        p = fma(p, u, 0.139749393f);
        const float y = fma(precise::log(x), trimetal_j1(x), -1.0f / x);
        return fma(x, p, 0.636619772f * y);
    }
    return trimetal_bessel_far_1(x).y;
}
