// The vector work of MINRES; see the reference for what each kernel means.
#include "kernel.h"

// The rows of `found` hold the pieces of u^H u, of z^H u, and of alpha, whose first piece is its whole value.
template <typename T>
__global__ void minres_lanczos(const bool* live, const real<T>* aa, int64 aa_count, const real<T>* bb, int64 bb_count,
                               const real<T>* bb_old, int64 bb_old_count, const real<T>* overlap, int64 overlap_count,
                               const T* q, const T* z, const T* u, T* u_old, real<T>* found, int64 n)
{
    const real<T> aa_sum = sum_pieces(aa, aa_count), bb_sum = sum_pieces(bb, bb_count);
    const real<T> old_sum = sum_pieces(bb_old, bb_old_count), overlap_sum = sum_pieces(overlap, overlap_count);
    const bool go = *live && bb_sum > 0 && old_sum > 0;
    const real<T> beta = sqrt(bb_sum), beta_old = sqrt(old_sum), alpha = aa_sum / bb_sum - overlap_sum / beta_old;
    const real<T> from_q = 1 / beta, from_u = -alpha / beta, from_old = -beta / beta_old;
    real<T> uu = go ? 0 : not_a_number<real<T>>(), zu = uu;
    for (int64 i = first(); go && i < n; i += stride()) {
        const T v = from_q * q[i] + from_u * u[i] + from_old * u_old[i];
        u_old[i] = v;
        uu += inner(v, v);
        zu += inner(z[i], v);
    }
    uu = block_sum(uu);
    zu = block_sum(zu);
    if (threadIdx.x == 0) {
        found[blockIdx.x] = uu;
        found[gridDim.x + blockIdx.x] = zu;
        found[2 * gridDim.x + blockIdx.x] = !go ? uu : blockIdx.x == 0 ? alpha : 0;
    }
}

constexpr int STATE = 7;  // numbers in a row of `state`

template <typename R>
struct Step {
    bool go;
    R from_z, from_old, from_w, phi, keep, take, norm;
};

// Every block computes the same; the first writes the row of `state` that no block reads in this step.
template <typename R>
__device__ Step<R> rotate(const bool* live, const R* alpha_pieces, int64 alpha_count, const R* bb, int64 bb_count,
                          const R* bb_next, int64 bb_next_count, R* state, int64 step)
{
    const R alpha = sum_pieces(alpha_pieces, alpha_count), bb_sum = sum_pieces(bb, bb_count);
    const R next = sum_pieces(bb_next, bb_next_count), beta = sqrt(bb_sum), eps = epsilon<R>();
    const R* here = state + step % 2 * STATE;
    R* there = state + (step + 1) % 2 * STATE;
    const bool begun = step > 0;
    const R c = begun ? here[0] : -1, s = begun ? here[1] : 0, diagonal = begun ? here[2] : 0;
    const R above = begun ? here[3] : 0, norm = begun ? here[4] : beta;
    const R size = fmax(here[6], fmax(fabs(alpha), sqrt(fabs(next)))), tiny = 10 * eps * size;
    const R beta_next = next > tiny * tiny ? sqrt(next) : 0;
    const R delta = c * diagonal + s * alpha, pivot = s * diagonal - c * alpha;
    const R mapped = hypot(pivot, c * beta_next), limit = here[5];
    const bool go = *live && bb_sum > 0 && next >= -tiny * tiny && mapped > tiny && mapped > limit * size;
    const R gamma = hypot(pivot, beta_next), new_c = pivot / gamma, new_s = beta_next / gamma;
    if (go && blockIdx.x == 0 && threadIdx.x == 0) {
        there[0] = new_c;
        there[1] = new_s;
        there[2] = -c * beta_next;
        there[3] = s * beta_next;
        there[4] = new_s * norm;
        there[5] = limit;
        there[6] = size;
    }
    return {go, 1 / (beta * gamma), -above / gamma, -delta / gamma, new_c * norm, new_s * new_s, -norm * new_c / gamma,
            new_s * norm};
}

template <typename T>
__global__ void minres_update(const bool* live, const real<T>* alpha, int64 alpha_count, const real<T>* bb,
                              int64 bb_count, const real<T>* bb_next, int64 bb_next_count, real<T>* state, const T* z,
                              T* w_old, const T* w, T* x, real<T>* rr, int64 step, int64 n)
{
    const Step<real<T>> k = rotate(live, alpha, alpha_count, bb, bb_count, bb_next, bb_next_count, state, step);
    for (int64 i = first(); k.go && i < n; i += stride()) {
        const T v = k.from_z * z[i] + k.from_old * w_old[i] + k.from_w * w[i];
        w_old[i] = v;
        x[i] += k.phi * v;
    }
    if (blockIdx.x == 0 && threadIdx.x == 0) rr[0] = k.go ? k.norm * k.norm : not_a_number<real<T>>();
}

template <typename T>
__global__ void minres_update_residual(const bool* live, const real<T>* alpha, int64 alpha_count, const real<T>* bb,
                                       int64 bb_count, const real<T>* bb_next, int64 bb_next_count, real<T>* state,
                                       const T* z, T* w_old, const T* w, T* x, const T* u_next, T* r, real<T>* rr,
                                       int64 step, int64 n)
{
    const Step<real<T>> k = rotate(live, alpha, alpha_count, bb, bb_count, bb_next, bb_next_count, state, step);
    real<T> total = k.go ? 0 : not_a_number<real<T>>();
    for (int64 i = first(); k.go && i < n; i += stride()) {
        const T v = k.from_z * z[i] + k.from_old * w_old[i] + k.from_w * w[i];
        w_old[i] = v;
        x[i] += k.phi * v;
        const T e = k.keep * r[i] + k.take * u_next[i];
        r[i] = e;
        total += inner(e, e);
    }
    total = block_sum(total);
    if (threadIdx.x == 0) rr[blockIdx.x] = total;
}
