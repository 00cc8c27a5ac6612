// Four of the eight bytes of x and y, by the low three bits of each nibble of a selector.
inline uint trimetal_byte_perm(uint x, uint y, uint selector) {
    const ulong bytes = ulong(y) << 32 | x;
    uint result = 0;
    for (uint i = 0; i < 4; ++i) {
        const uint which = selector >> (i * 4) & 7;
        result |= (uint(bytes >> (which * 8)) & 255) << (i * 8);
    }
    return result;
}
