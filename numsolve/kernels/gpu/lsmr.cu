// The vector work of LSMR; see the reference for what the kernel means.
#include "kernel.h"

// Every block computes the rotations from `old`; the first writes `next`, which no block of this launch reads.
template <typename T>
__global__ void lsmr_update(const bool* live, const real<T>* bb, int64 bb_count, const real<T>* aa, int64 aa_count,
                            const real<T>* old, real<T>* next, const T* v, T* h, T* g, T* x, real<T>* rr, int64 n)
{
    const real<T> beta = sqrt(sum_pieces(bb, bb_count)), alpha = sqrt(sum_pieces(aa, aa_count));
    const real<T> rho = hypot(old[0], beta), theta = beta / rho * alpha, rho_bar = hypot(old[2] * rho, theta);
    const bool go = *live && rho_bar > 0;
    const real<T> c = old[2] * rho / rho_bar, s = theta / rho_bar;
    const real<T> step = c * old[1] / (rho * rho_bar), turn = theta / rho;
    const real<T> back = old[3] * rho * rho / old[4], inverse = alpha > 0 ? 1 / alpha : 0;
    if (first() == 0) {
        if (go) {
            next[0] = old[0] / rho * alpha;
            next[1] = -s * old[1];
            next[2] = c;
            next[3] = s;
            next[4] = rho * rho_bar;
        }
        rr[0] = go ? s * old[1] * s * old[1] : not_a_number<real<T>>();
    }
    for (int64 i = first(); go && i < n; i += stride()) {
        const T direction = h[i] - back * g[i];
        g[i] = direction;
        x[i] += step * direction;
        h[i] = inverse * v[i] - turn * h[i];
    }
}
