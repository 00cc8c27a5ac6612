//// double
double d = 1.0;  // <- language
x[0] = float(d);
//// long_long
long long d = 1;  // <- language
x[0] = float(d);
//// literal_without_suffix
x[0] = x[1] * 2.0;  // <- literal
//// literal_with_exponent_without_suffix
x[0] = x[1] * 1e-3;  // <- literal
//// long_long_literal
wide[0] = 5LL;  // <- literal
//// long_double_literal
x[0] = float(1.0L);  // <- literal
//// no_fourth_component
float3 v = float3(1.0f);
x[0] = v.w;  // <- compiler
//// component_twice_on_the_left
float4 v = float4(1.0f);
v.xx = float2(1.0f);  // <- compiler
x[0] = v.x;
//// store_to_a_const_swizzle
const float4 v = float4(1.0f);
v.xy = float2(2.0f);  // <- compiler
x[0] = v.x;
//// swizzle_of_a_scalar
float value = 1.0f;
x[0] = value.xx.x;  // <- compiler
//// int4_to_float4
int4 i = int4(1);
float4 v = i;  // <- compiler
x[0] = v.x;
//// float4_to_half4
float4 f = float4(1.0f);
half4 v = f;  // <- compiler
h[0] = v.x;
//// float3_to_float4
float4 v = float3(1.0f);  // <- compiler
x[0] = v.x;
//// float4_to_a_scalar
x[0] = float4(1.0f);  // <- compiler
//// half4_times_float4
half4 a = half4(1.0h);
float4 b = float4(1.0f);
x[0] = float((a * b).x);  // <- compiler
//// half4_times_float
half4 a = half4(1.0h);
float b = x[0];
h[0] = (a * b).x;  // <- compiler
//// int4_times_float
int4 a = int4(1);
x[0] = float((a * x[1]).x);  // <- compiler
//// vectors_of_two_lengths
x[0] = (float4(1.0f) + float2(1.0f)).x;  // <- compiler
//// too_few_components
float4 v = float4(1.0f, 2.0f, 3.0f);  // <- compiler
x[0] = v.x;
//// too_many_components
float4 v = float4(float3(1.0f), 2.0f, 3.0f);  // <- compiler
x[0] = v.x;
//// component_of_another_type
float4 v = float4(half2(1.0h), 2.0f, 3.0f);  // <- compiler
x[0] = v.x;
//// narrowing_between_braces
float f = x[0];
uint4 v = uint4{f, f, f, f};  // <- c++11-narrowing
bits[0] = v.x;
//// comparison_is_not_int4
int4 mask = float4(1.0f) < float4(2.0f);  // <- compiler
x[0] = float(mask.x);
//// vector_as_a_condition
if (float4(1.0f) < float4(2.0f)) x[0] = 1.0f;  // <- compiler
//// vector_condition_of_a_conditional
float4 v = float4(1.0f) < float4(2.0f) ? float4(1.0f) : float4(2.0f);  // <- compiler
x[0] = v.x;
//// select_by_a_scalar
float4 v = select(float4(1.0f), float4(2.0f), true);  // <- compiler
x[0] = v.x;
//// select_of_two_types
float4 v = select(float4(1.0f), half4(2.0h), bool4(true));  // <- compiler
x[0] = v.x;
//// reinterpretation_of_another_size
x[0] = as_type<float>(ulong(1));  // <- compiler
//// reinterpretation_of_a_half
x[0] = as_type<float>(h[0]);  // <- compiler
//// and_of_floats
x[0] = x[1] & x[2];  // <- compiler
//// remainder_of_floats
x[0] = x[1] % x[2];  // <- compiler
//// remainder_of_float_vectors
x[0] = (float2(1.0f) % float2(2.0f)).x;  // <- compiler
//// shift_of_a_float
x[0] = x[1] << 2;  // <- compiler
//// pointer_plus_float
x[0] = *(x + 1.0f);  // <- compiler
//// float_to_bfloat
b[0] = x[0];  // <- compiler
//// half_to_bfloat
bfloat v = h[0];  // <- compiler
b[0] = v;
//// bfloat_plus_integer
b[0] = b[1] + 1;  // <- compiler
//// bfloat_plus_half
x[0] = float(b[1] + h[1]);  // <- compiler
//// bfloat_result_of_a_float_product
b[0] = b[1] * 2.0f;  // <- compiler
//// unknown_function
x[0] = frobnicate(x[1]);  // <- compiler
//// error_function
x[0] = erf(x[1]);  // <- compiler
//// log1p
x[0] = log1p(x[1]);  // <- compiler
//// maximum_of_int_and_uint
bits[0] = max(int(thread_index), n);  // <- compiler
//// maximum_of_uint_and_a_literal
bits[0] = max(n, 0);  // <- compiler
//// minimum_of_float_and_half
x[0] = min(x[0], h[0]);  // <- compiler
//// clamp_of_two_types
bits[0] = clamp(n, 0, 4u);  // <- compiler
//// fused_product_of_two_types
x[0] = fma(x[0], h[0], 1.0f);  // <- compiler
