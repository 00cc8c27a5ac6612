// half on a GPU whose compiler has no such type of its own: a class around the processor's
// instructions. As a type of the language would, it converts from and to every number by itself;
// beside a float it counts as a float, beside an integer the integer counts as a half.
#pragma once

// Conversions that the compiler understands, unlike assembly.
extern "C" float __nv_half2float(ushort);
extern "C" ushort __nv_float2half_rn(float);

namespace metal {

// What a literal is rewritten to.
struct half_bits {
    uint bits;
};

struct half {
    ushort bits;

    half() = default;
    METAL_FUNC constexpr half(half_bits of) : bits((ushort)of.bits) {}
    template <class T, class = enable_if_t<trimetal::is_scalar<T>>>
    METAL_FUNC half(T value) : bits(__nv_float2half_rn((float)value)) {}
    METAL_FUNC operator float() const { return __nv_half2float(bits); }
};

// The arithmetic of the processor; a quotient of float rounds to the right half.
#define TRIMETAL_ARITHMETIC(op, instruction)                                                       \
    METAL_FUNC half operator op(half a, half b) {                                                  \
        half r;                                                                                    \
        asm(instruction " %0, %1, %2;" : "=h"(r.bits) : "h"(a.bits), "h"(b.bits));                 \
        return r;                                                                                  \
    }
TRIMETAL_ARITHMETIC(+, "add.rn.f16")
TRIMETAL_ARITHMETIC(-, "sub.rn.f16")
TRIMETAL_ARITHMETIC(*, "mul.rn.f16")
#undef TRIMETAL_ARITHMETIC
METAL_FUNC half operator/(half a, half b) { return half(trimetal::quotient(a, b)); }
METAL_FUNC half operator-(half a) {
    a.bits = (ushort)(a.bits ^ 0x8000u);
    return a;
}
METAL_FUNC half operator+(half a) { return a; }

#define TRIMETAL_COMPARE(op)                                                                       \
    METAL_FUNC bool operator op(half a, half b) { return (float)a op (float)b; }
TRIMETAL_COMPARE(==)
TRIMETAL_COMPARE(!=)
TRIMETAL_COMPARE(<)
TRIMETAL_COMPARE(>)
TRIMETAL_COMPARE(<=)
TRIMETAL_COMPARE(>=)
#undef TRIMETAL_COMPARE

} // namespace metal

namespace trimetal {
template <class T> using integer_beside_half =
    enable_if_t<is_integer<plain<T>> || is_same_v<plain<T>, bool>>;
}

namespace metal {

#define TRIMETAL_MIXED(op)                                                                         \
    template <class T, class = trimetal::integer_beside_half<T>>                                   \
    METAL_FUNC auto operator op(half a, T b) { return a op half(b); }                              \
    template <class T, class = trimetal::integer_beside_half<T>>                                   \
    METAL_FUNC auto operator op(T a, half b) { return half(a) op b; }                              \
    METAL_FUNC auto operator op(half a, float b) { return (float)a op b; }                         \
    METAL_FUNC auto operator op(float a, half b) { return a op (float)b; }
TRIMETAL_MIXED(+)
TRIMETAL_MIXED(-)
TRIMETAL_MIXED(*)
TRIMETAL_MIXED(/)
TRIMETAL_MIXED(==)
TRIMETAL_MIXED(!=)
TRIMETAL_MIXED(<)
TRIMETAL_MIXED(>)
TRIMETAL_MIXED(<=)
TRIMETAL_MIXED(>=)
#undef TRIMETAL_MIXED
#define TRIMETAL_ASSIGN(op)                                                                        \
    template <class T> METAL_FUNC half& operator op##=(half& a, T b) { return a = half(a op b); }
TRIMETAL_ASSIGN(+)
TRIMETAL_ASSIGN(-)
TRIMETAL_ASSIGN(*)
TRIMETAL_ASSIGN(/)
#undef TRIMETAL_ASSIGN

} // namespace metal
