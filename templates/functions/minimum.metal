// Minimum; NaN if either is NaN.
inline float trimetal_minimum(float x, float y) {
    return isnan(x) || isnan(y) ? NAN : precise::fmin(x, y);
}
