// Inverse error function. Coefficients: M. Giles, "Approximating the erfinv function",
// GPU Computing Gems Jade Edition (2011), single precision.
inline float trimetal_erfinv(float x) {
    const float w = -precise::log((1.0f - x) * (1.0f + x));
    float p;
    if (w < 5.0f) {
        const float v = w - 2.5f;
        p = 2.81022636e-8f;
        p = fma(p, v, 3.43273939e-7f);
        p = fma(p, v, -3.5233877e-6f);
        p = fma(p, v, -4.39150654e-6f);
        p = fma(p, v, 2.1858087e-4f);
        p = fma(p, v, -1.25372503e-3f);
        p = fma(p, v, -4.17768164e-3f);
        p = fma(p, v, 2.46640727e-1f);
        p = fma(p, v, 1.50140941f);
    } else {
        const float v = precise::sqrt(w) - 3.0f;
        p = -2.00214257e-4f;
        p = fma(p, v, 1.00950558e-4f);
        p = fma(p, v, 1.34934322e-3f);
        p = fma(p, v, -3.67342844e-3f);
        p = fma(p, v, 5.73950773e-3f);
        p = fma(p, v, -7.6224613e-3f);
        p = fma(p, v, 9.43887047e-3f);
        p = fma(p, v, 1.00167406f);
        p = fma(p, v, 2.83297682f);
    }
    return fabs(x) == 1.0f ? x * INFINITY : p * x;
}
