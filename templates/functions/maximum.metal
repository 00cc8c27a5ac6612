// Maximum; NaN if either is NaN.
inline float trimetal_maximum(float x, float y) {
    return isnan(x) || isnan(y) ? NAN : precise::fmax(x, y);
}
