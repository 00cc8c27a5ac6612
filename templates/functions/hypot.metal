// sqrt(x * x + y * y), without overflow on the way. An infinity wins over a NaN.
inline float trimetal_hypot(float x, float y) {
    if (isinf(x) || isinf(y)) {
        return INFINITY;
    }
    const float low = precise::fmin(fabs(x), fabs(y));
    const float high = precise::fmax(fabs(x), fabs(y));
    if (isnan(x) || isnan(y) || high == 0.0f) {
        return x + y;
    }
    const float ratio = low / high;
    return high * precise::sqrt(fma(ratio, ratio, 1.0f));
}
