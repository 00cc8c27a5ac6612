// Bessel function of the first kind, order 0.
// Coefficients: tests/arith/coefficients.py.
inline float trimetal_j0(float x) {
    const float a = fabs(x);
    if (a < 5.0f) {
        const float u = fma(a * 0.08f, a, -1.0f);
        float p = 1.00823749e-8f;
        p = fma(p, u, 2.95954692e-7f);
        p = fma(p, u, -6.35712559e-6f);
        p = fma(p, u, 9.41926555e-5f);
        p = fma(p, u, -0.00101339072f);
        p = fma(p, u, 0.00737586757f);
        p = fma(p, u, -0.0327778608f);
        p = fma(p, u, 0.0743663087f);
        p = fma(p, u, -0.057280805f);
        return (a - 2.40482545f - 1.08705905e-7f) * (a + 2.40482555f) * p;
    }
    return trimetal_bessel_far_0(a).x;
}
