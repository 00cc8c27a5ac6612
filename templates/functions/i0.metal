// Modified Bessel function of the first kind, order 0.
// Coefficients: tests/arith/coefficients.py.
inline float trimetal_i0(float x) {
    const float a = fabs(x) > 100.0f ? 100.0f : fabs(x);
    if (a < 5.0f) {
        const float q = 0.25f * a * a;
        float p = 8.20711943e-10f;
        p = fma(p, q, 3.73539812e-8f);
        p = fma(p, q, 1.93878191e-6f);
        p = fma(p, q, 6.94195987e-5f);
        p = fma(p, q, 0.00173614221f);
        p = fma(p, q, 0.0277777631f);
        p = fma(p, q, 0.25f);
        p = fma(p, q, 1.0f);
        p = fma(p, q, 1.0f);
        return p;
    }
    const float t = 1.0f / a;
    float p = -26.3838978f;
    p = fma(p, t, 16.5502663f);
    p = fma(p, t, -3.52144551f);
    p = fma(p, t, 0.432852507f);
    p = fma(p, t, 0.00792835187f);
    p = fma(p, t, 0.0286098607f);
    p = fma(p, t, 0.0498621203f);
    p = fma(p, t, 0.398942292f);
    const float e = precise::exp(0.5f * a);  // twice, since its square might not fit
    return p * precise::rsqrt(a) * e * e;
}
