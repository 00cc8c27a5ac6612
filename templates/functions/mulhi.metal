// High half of the 128-bit product.
inline ulong trimetal_mulhi(ulong x, ulong y) {
    const ulong x_low = x & 0xffffffff;
    const ulong y_low = y & 0xffffffff;
    const ulong middle = (x >> 32) * y_low + (x_low * y_low >> 32);
    const ulong other = x_low * (y >> 32) + (middle & 0xffffffff);
    return (x >> 32) * (y >> 32) + (middle >> 32) + (other >> 32);
}
