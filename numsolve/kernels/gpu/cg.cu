// The vector work of conjugate gradients; see the reference for what each kernel means.
#include "kernel.h"

template <typename T>
__global__ void cg_update(const bool* live, const real<T>* rz, int64 rz_count, const real<T>* pq, int64 pq_count,
                          const T* p, const T* q, T* x, T* r, real<T>* rr, int64 n)
{
    const real<T> rz_sum = sum_pieces(rz, rz_count), pq_sum = sum_pieces(pq, pq_count);
    const bool go = *live && rz_sum > 0 && pq_sum > 0;
    const real<T> alpha = rz_sum / pq_sum;
    real<T> total = go ? 0 : not_a_number<real<T>>();
    for (int64 i = first(); go && i < n; i += stride()) {
        x[i] += alpha * p[i];
        r[i] -= alpha * q[i];
        total += inner(r[i], r[i]);
    }
    total = block_sum(total);
    if (threadIdx.x == 0) rr[blockIdx.x] = total;
}

template <typename T>
__global__ void cg_direction(const bool* live, const real<T>* rz, int64 rz_count, const real<T>* rz_old,
                             int64 rz_old_count, const T* z, T* p, int64 n)
{
    const real<T> beta = sum_pieces(rz, rz_count) / sum_pieces(rz_old, rz_old_count);
    const bool go = *live;
    for (int64 i = first(); go && i < n; i += stride()) p[i] = z[i] + beta * p[i];
}
