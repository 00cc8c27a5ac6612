// High half of the 128-bit signed product.
inline long trimetal_mulhi_signed(long x, long y) {
    const ulong high = trimetal_mulhi(ulong(x), ulong(y));
    return long(high - (x < 0 ? ulong(y) : 0) - (y < 0 ? ulong(x) : 0));
}
