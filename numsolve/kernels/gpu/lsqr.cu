// The vector work of LSQR; see the reference for what the kernel means.
#include "kernel.h"

// Every block computes the rotation from `old`; the first writes `next`, which no block of this launch reads.
template <typename T>
__global__ void lsqr_update(const bool* live, const real<T>* bb, int64 bb_count, const real<T>* aa, int64 aa_count,
                            const real<T>* old, real<T>* next, const T* v, T* w, T* x, real<T>* rr, int64 n)
{
    const real<T> beta = sqrt(sum_pieces(bb, bb_count)), alpha = sqrt(sum_pieces(aa, aa_count));
    const real<T> rho = hypot(old[0], beta);
    const bool go = *live && rho > 0 && alpha >= 0;
    const real<T> c = old[0] / rho, s = beta / rho;
    const real<T> step = c * old[1] / rho, turn = s * alpha / rho, inverse = alpha > 0 ? 1 / alpha : 0;
    if (first() == 0) {
        if (go) {
            next[0] = -c * alpha;
            next[1] = s * old[1];
        }
        const real<T> gradient = s * old[1] * c * alpha;
        rr[0] = go ? gradient * gradient : not_a_number<real<T>>();
    }
    for (int64 i = first(); go && i < n; i += stride()) {
        x[i] += step * w[i];
        w[i] = inverse * v[i] - turn * w[i];
    }
}
