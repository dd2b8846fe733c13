// The vector work of MINRES; see the reference for what each kernel means.
#include "kernel.h"

template <typename T>
__global__ void minres_lanczos(const bool* live, const real<T>* aa, int64 aa_count, const real<T>* bb, int64 bb_count,
                               const real<T>* bb_old, int64 bb_old_count, const T* q, const T* u, T* u_old,
                               real<T>* uu, int64 n)
{
    const real<T> aa_sum = sum_pieces(aa, aa_count), bb_sum = sum_pieces(bb, bb_count);
    const real<T> old_sum = sum_pieces(bb_old, bb_old_count), beta = sqrt(bb_sum);
    const bool go = *live && bb_sum > 0 && old_sum > 0;
    const real<T> from_q = 1 / beta, from_u = -aa_sum / bb_sum / beta, from_old = -beta / sqrt(old_sum);
    real<T> total = go ? 0 : not_a_number<real<T>>();
    for (int64 i = first(); go && i < n; i += stride()) {
        const T v = from_q * q[i] + from_u * u[i] + from_old * u_old[i];
        u_old[i] = v;
        total += inner(v, v);
    }
    total = block_sum(total);
    if (threadIdx.x == 0) uu[blockIdx.x] = total;
}

constexpr int STATE = 6;  // numbers in a row of `state`

template <typename R>
struct Step {
    bool go;
    R from_z, from_old, from_w, phi, keep, take, norm;
};

// Every block computes the same; the first writes the row of `state` that no block reads in this step.
template <typename R>
__device__ Step<R> rotate(const bool* live, const R* aa, int64 aa_count, const R* bb, int64 bb_count, const R* bb_next,
                          int64 bb_next_count, R* state, R epsilon, int64 step)
{
    const R aa_sum = sum_pieces(aa, aa_count), bb_sum = sum_pieces(bb, bb_count);
    const R next_sum = sum_pieces(bb_next, bb_next_count);
    const R* here = state + step % 2 * STATE;
    R* there = state + (step + 1) % 2 * STATE;
    const R alpha = aa_sum / bb_sum, beta = sqrt(bb_sum);
    const bool begun = step > 0;
    const R c = begun ? here[0] : -1, s = begun ? here[1] : 0, diagonal = begun ? here[2] : 0;
    const R above = begun ? here[3] : 0, norm = begun ? here[4] : beta;
    const R size = fmax(here[5], fmax(fabs(alpha), sqrt(fabs(next_sum))));
    const R tiny = 10 * epsilon * size;
    const R beta_next = next_sum > tiny * tiny ? sqrt(next_sum) : 0;
    const R delta = c * diagonal + s * alpha, pivot = s * diagonal - c * alpha;
    const bool go = *live && next_sum >= -tiny * tiny && hypot(pivot, c * beta_next) > tiny;
    const R gamma = hypot(pivot, beta_next), new_c = pivot / gamma, new_s = beta_next / gamma;
    if (go && blockIdx.x == 0 && threadIdx.x == 0) {
        there[0] = new_c;
        there[1] = new_s;
        there[2] = -c * beta_next;
        there[3] = s * beta_next;
        there[4] = new_s * norm;
        there[5] = size;
    }
    return {go, 1 / (beta * gamma), -above / gamma, -delta / gamma, new_c * norm, new_s * new_s, -norm * new_c / gamma,
            new_s * norm};
}

__device__ inline float epsilon_of(float) { return 1.1920929e-7f; }
__device__ inline double epsilon_of(double) { return 2.220446049250313e-16; }

template <typename T>
__global__ void minres_update(const bool* live, const real<T>* aa, int64 aa_count, const real<T>* bb, int64 bb_count,
                              const real<T>* bb_next, int64 bb_next_count, real<T>* state, const T* z, T* w_old,
                              const T* w, T* x, real<T>* rr, int64 step, int64 n)
{
    const Step<real<T>> k = rotate(live, aa, aa_count, bb, bb_count, bb_next, bb_next_count, state,
                                   epsilon_of(real<T>(0)), step);
    for (int64 i = first(); k.go && i < n; i += stride()) {
        const T v = k.from_z * z[i] + k.from_old * w_old[i] + k.from_w * w[i];
        w_old[i] = v;
        x[i] += k.phi * v;
    }
    if (blockIdx.x == 0 && threadIdx.x == 0) rr[0] = k.go ? k.norm * k.norm : not_a_number<real<T>>();
}

template <typename T>
__global__ void minres_update_residual(const bool* live, const real<T>* aa, int64 aa_count, const real<T>* bb,
                                       int64 bb_count, const real<T>* bb_next, int64 bb_next_count, real<T>* state,
                                       const T* z, T* w_old, const T* w, T* x, const T* u_next, T* r, real<T>* rr,
                                       int64 step, int64 n)
{
    const Step<real<T>> k = rotate(live, aa, aa_count, bb, bb_count, bb_next, bb_next_count, state,
                                   epsilon_of(real<T>(0)), step);
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
