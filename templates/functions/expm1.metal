// exp(x) - 1, exact near 0 too. Method: W. Kahan, in N. Higham, "Accuracy and Stability of
// Numerical Algorithms" (2002), section 1.14.1: the errors of u cancel in the quotient.
inline float trimetal_expm1(float x) {
    const float u = precise::exp(x);
    if (u == 1.0f) {
        return x;
    }
    if (fabs(x) > 17.0f) {
        return u - 1.0f;
    }
    return (u - 1.0f) * (x / precise::log(u));
}
