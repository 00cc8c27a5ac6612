// Place of the lowest bit that is set, from 1; 0 of 0.
inline int trimetal_ffs(uint x) {
    return x == 0 ? 0 : int(ctz(x)) + 1;
}
