// Bessel function of the second kind, order 0; NaN of negative numbers.
// Coefficients: tests/arith/coefficients.py.
inline float trimetal_y0(float x) {
    if (x < 5.0f) {
        const float u = fma(x * 0.08f, x, -1.0f);
        float p = -6.83892722e-6f;
        p = fma(p, u, 0.000130627755f);
        p = fma(p, u, -0.00180316414f);
        p = fma(p, u, 0.0176347978f);
        p = fma(p, u, -0.111516558f);
        p = fma(p, u, 0.388516575f);
        p = fma(p, u, -0.470576435f);
        p = fma(p, u, -0.432655841f);
        p = fma(p, u, 0.483724862f);
        return fma(0.636619772f * precise::log(x), trimetal_j0(x), p);
    }
    return trimetal_bessel_far_0(x).y;
}
