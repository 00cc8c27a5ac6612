// Quotient, rounded up.
template <typename T>
T trimetal_ceildiv(T x, T y) {
    const T quotient = x / y;
    return x % y != 0 && (x < 0) == (y < 0) ? quotient + 1 : quotient;
}
