// The vector work of BiCGStab; see the reference for what each kernel means.
#include "kernel.h"

template <typename T>
__global__ void bicgstab_half(const T* rho, int64 rho_count, const T* vs, int64 vs_count, const real<T>* vv,
                              int64 vv_count, const real<T>* ss, int64 ss_count, real<T> eps, const T* v, T* r,
                              T* alpha_out, int64 n)
{
    const T rho_sum = sum_pieces(rho, rho_count), vs_sum = sum_pieces(vs, vs_count);
    const real<T> vv_sum = sum_pieces(vv, vv_count), ss_sum = sum_pieces(ss, ss_count);
    const bool sound = magnitude(vs_sum) > eps * sqrt(vv_sum) * sqrt(ss_sum);
    const real<T> none = is_finite(vv_sum) ? 0 : not_a_number<real<T>>();
    const T alpha = sound && is_finite(vv_sum) ? divide(rho_sum, conj_(vs_sum)) : none * rho_sum;
    const bool go = is_finite(magnitude(alpha));
    for (int64 i = first(); go && i < n; i += stride()) r[i] -= alpha * v[i];
    if (first() == 0) alpha_out[0] = alpha;
}

template <typename T>
__global__ void bicgstab_update(const bool* live, const T* alpha, int64 alpha_count, const T* tr, int64 tr_count,
                                const real<T>* tt, int64 tt_count, const real<T>* before, int64 before_count,
                                real<T> eps, const T* y, const T* z, const T* t, const T* s, T* x, T* r, T* rho,
                                real<T>* rr, int64 n)
{
    const T alpha_sum = sum_pieces(alpha, alpha_count), tr_sum = sum_pieces(tr, tr_count);
    const real<T> tt_sum = sum_pieces(tt, tt_count), before_sum = sum_pieces(before, before_count);
    const real<T> a = magnitude(alpha_sum), c = magnitude(tr_sum);
    const bool moves = a > 0 || c > eps * sqrt(tt_sum) * sqrt(before_sum);
    const bool go = *live && moves && is_finite(a) && is_finite(c) && is_finite(tt_sum);
    const T omega = tt_sum > 0 ? divide(tr_sum, T(tt_sum)) : tr_sum;
    real<T> square = go ? 0 : not_a_number<real<T>>();
    T product = T(square);
    for (int64 i = first(); go && i < n; i += stride()) {
        x[i] += alpha_sum * y[i] + omega * z[i];  // z may be r
        const T value = r[i] - omega * t[i];
        r[i] = value;
        product += conj_(s[i]) * value;
        square += inner(value, value);
    }
    product = block_sum(product);
    square = block_sum(square);
    if (threadIdx.x == 0) {
        rho[blockIdx.x] = product;
        rr[blockIdx.x] = square;
    }
}

template <typename T>
__global__ void bicgstab_direction(const T* old, int64 old_count, const T* rho, int64 rho_count, const real<T>* rr,
                                   int64 rr_count, const real<T>* ss, int64 ss_count, const T* alpha,
                                   int64 alpha_count, const T* tr, int64 tr_count, const real<T>* tt,
                                   int64 tt_count, real<T> eps, const T* v, const T* r, T* s, T* p, T* rho_out,
                                   real<T>* ss_out, int64 n)
{
    const T old_sum = sum_pieces(old, old_count), rho_sum = sum_pieces(rho, rho_count);
    const T alpha_sum = sum_pieces(alpha, alpha_count), tr_sum = sum_pieces(tr, tr_count);
    const real<T> rr_sum = sum_pieces(rr, rr_count), ss_sum = sum_pieces(ss, ss_count);
    const real<T> tt_sum = sum_pieces(tt, tt_count), size = eps * sqrt(rr_sum);
    const bool go = is_finite(rr_sum);
    const bool sound = magnitude(alpha_sum) > 0 && magnitude(rho_sum) > size * sqrt(ss_sum)
                       && magnitude(tr_sum) > size * sqrt(tt_sum);
    const T omega = divide(tr_sum, T(tt_sum));
    const T beta = divide(rho_sum, old_sum) * divide(alpha_sum, omega);
    for (int64 i = first(); go && i < n; i += stride()) {
        p[i] = sound ? r[i] + beta * (p[i] - omega * v[i]) : r[i];
        if (!sound) s[i] = r[i];
    }
    if (first() == 0) {
        rho_out[0] = !go ? not_a_number<real<T>>() * rho_sum : sound ? rho_sum : T(rr_sum);
        ss_out[0] = !go ? not_a_number<real<T>>() : sound ? ss_sum : rr_sum;
    }
}
