// Passes over coefficients by one block of threads; see the reference for what each kernel means.
#include "kernel.h"

constexpr int64 LOGISTIC = 1, HUBER = 2, POISSON = 3, QUADRATIC = 4;

// The derivative of the loss in the prediction.
template <typename T>
__device__ T slope(int64 loss, T delta, T z, T y)
{
    if (loss == LOGISTIC) return -y / (1 + exp(y * z));
    if (loss == POISSON) return exp(z) - y;
    T r = z - y;
    if (loss == HUBER) {
        r = r < -delta ? -delta : r;
        r = r > delta ? delta : r;
    }
    return r;
}

template <typename T>
__device__ T clipped(T t, const T* penalty, int64 j, int64 n)
{
    t = t < penalty[2 * n + j] ? penalty[2 * n + j] : t;
    return t > penalty[3 * n + j] ? penalty[3 * n + j] : t;
}

// The proximal map of A times the penalty; NaN stays NaN.
template <typename T>
__device__ T prox(T t, T A, const T* penalty, int64 j, int64 n)
{
    const T kink = A * penalty[j];
    if ((t < 0 ? -t : t) <= kink)
        t = t - t;
    else
        t -= t < 0 ? -kink : kink;
    return clipped(t / (1 + A * penalty[n + j]), penalty, j, n);
}

template <typename T>
__global__ void cyclic_dense(int64 backward, int64 width, int64 loss, T delta, T theta, T a, T A, const T* X, const T* y,
                             const T* s, T* z, T* g, const T* base, const T* extra, const T* penalty, const T* old,
                             T* zeta, T* p, T* v, T* x, int64 m, int64 n)
{
    const int64 blocks = (n + width - 1) / width;
    for (int64 block = 0; block < blocks; ++block) {
        const int64 start = (backward ? blocks - 1 - block : block) * width, end = start + width < n ? start + width : n;
        for (int64 j = start; j < end; ++j) {
            T value = T(0);
            if (loss != QUADRATIC)
                for (int64 i = threadIdx.x; i < m; i += blockDim.x) value += X[j * m + i] * g[i];
            value = loss == QUADRATIC ? z[j] - y[j] : block_sum(value);
            if (threadIdx.x == 0) {
                p[j] = value;
                zeta[j] += a * (value + extra[j]);
                v[j] = prox(base[j] - zeta[j], A, penalty, j, n);
            }
        }
        __syncthreads();
        for (int64 j = start; j < end; ++j) {
            const T now = clipped((1 - theta) * old[j] + theta * v[j], penalty, j, n), d = now - x[j];
            for (int64 i = threadIdx.x; i < m; i += blockDim.x) z[i] += d * X[j * m + i];
            __syncthreads();
            if (threadIdx.x == 0) x[j] = now;
        }
        if (loss != QUADRATIC)
            for (int64 i = threadIdx.x; i < m; i += blockDim.x) g[i] = s[i] * slope(loss, delta, z[i], y[i]);
        __syncthreads();
    }
}

template <typename T, typename I>
__global__ void cyclic_csc(int64 backward, int64 width, int64 loss, T delta, T theta, T a, T A, const I* indptr,
                           const I* indices, const T* data, const T* y, const T* s, T* z, T* g, const T* base,
                           const T* extra, const T* penalty, const T* old, T* zeta, T* p, T* v, T* x, int64 n)
{
    const int64 blocks = (n + width - 1) / width;
    for (int64 block = 0; block < blocks; ++block) {
        const int64 start = (backward ? blocks - 1 - block : block) * width, end = start + width < n ? start + width : n;
        for (int64 j = start; j < end; ++j) {
            T value = T(0);
            if (loss != QUADRATIC)
                for (int64 k = indptr[j] + threadIdx.x; k < indptr[j + 1]; k += blockDim.x) value += data[k] * g[indices[k]];
            value = loss == QUADRATIC ? z[j] - y[j] : block_sum(value);
            if (threadIdx.x == 0) {
                p[j] = value;
                zeta[j] += a * (value + extra[j]);
                v[j] = prox(base[j] - zeta[j], A, penalty, j, n);
            }
        }
        __syncthreads();
        for (int64 j = start; j < end; ++j) {
            const T now = clipped((1 - theta) * old[j] + theta * v[j], penalty, j, n), d = now - x[j];
            for (int64 k = indptr[j] + threadIdx.x; k < indptr[j + 1]; k += blockDim.x) {
                const int64 i = indices[k];
                z[i] += d * data[k];
                if (loss != QUADRATIC) g[i] = s[i] * slope(loss, delta, z[i], y[i]);
            }
            __syncthreads();
            if (threadIdx.x == 0) x[j] = now;
        }
        __syncthreads();
    }
}

// The points of a step begin where the last one ended.
template <typename T>
__device__ void begin(T theta, const T* center, const T* v, T* points, int64 n)
{
    for (int64 j = threadIdx.x; j < n; j += blockDim.x) {
        points[2 * n + j] = points[j];
        points[3 * n + j] = points[4 * n + j] = (1 - theta) * center[j] + theta * v[j];
    }
    __syncthreads();
}

template <typename T>
__device__ T correction(int64 loss, T delta, T ratio, T last, T repeated, T now, T y, T s, T z)
{
    const T extra = ratio * (slope(loss, delta, last, y) - slope(loss, delta, repeated, y));
    return s * (slope(loss, delta, now, y) - slope(loss, delta, z, y) + extra);
}

template <typename T>
__device__ void end_block(int64 start, int64 end, int64 steps, T theta, T A, const T* base, const T* penalty,
                          const T* center, const T* zeta, T* v, T* points, int64 n)
{
    __syncthreads();
    for (int64 j = start + threadIdx.x; j < end; j += blockDim.x) {
        v[j] = prox(base[j] - zeta[j] / T(steps), A, penalty, j, n);
        points[4 * n + j] = (1 - theta) * center[j] + theta * v[j];
        points[2 * n + j] = points[n + j];
    }
    __syncthreads();
}

template <typename T>
__device__ void end_step(T* points, T* total, int64 n)
{
    for (int64 j = threadIdx.x; j < n; j += blockDim.x) {
        points[j] = points[3 * n + j];
        points[n + j] = points[4 * n + j];
        total[j] += points[4 * n + j];
    }
    __syncthreads();
}

template <typename T, typename I>
__global__ void sampled_dense(int64 first, int64 steps, int64 width, int64 loss, int64 count, int64 blocks, T delta, T a,
                              T ratio, T before, const I* rows, const T* X, const T* y, const T* s, const T* z,
                              const T* base, const T* mu, const T* penalty, const T* center, T* zeta, T* v, T* points,
                              T* total, int64 n)
{
    const T theta = a / (before + a);
    for (int64 k = 0; k < count; ++k) {
        begin(theta, center, v, points, n);
        for (int64 block = blocks - 1; block >= 0; --block) {
            const int64 i = rows[k * blocks + block];
            T last = T(0), repeated = T(0), now = T(0);
            for (int64 j = threadIdx.x; j < n; j += blockDim.x) {
                last += X[i * n + j] * points[j];
                repeated += X[i * n + j] * points[2 * n + j];
                now += X[i * n + j] * points[4 * n + j];
            }
            last = block_sum(last);
            repeated = block_sum(repeated);
            now = block_sum(now);
            const T c = correction(loss, delta, first + k ? T(1) : ratio, last, repeated, now, y[i], s[i], z[i]);
            const int64 start = block * width, end = start + width < n ? start + width : n;
            for (int64 j = start + threadIdx.x; j < end; j += blockDim.x) zeta[j] += a * (mu[j] + c * X[i * n + j]);
            end_block(start, end, steps, theta, before + a * T(first + k + 1) / T(steps), base, penalty, center, zeta, v,
                      points, n);
        }
        end_step(points, total, n);
    }
}

template <typename T, typename I>
__global__ void sampled_csr(int64 first, int64 steps, int64 width, int64 loss, int64 count, int64 blocks, T delta, T a,
                            T ratio, T before, const I* rows, const I* indptr, const I* indices, const T* data,
                            const T* y, const T* s, const T* z, const T* base, const T* mu, const T* penalty,
                            const T* center, T* zeta, T* v, T* points, T* total, int64 n)
{
    const T theta = a / (before + a);
    for (int64 k = 0; k < count; ++k) {
        begin(theta, center, v, points, n);
        for (int64 block = blocks - 1; block >= 0; --block) {
            const int64 i = rows[k * blocks + block];
            T last = T(0), repeated = T(0), now = T(0);
            for (int64 l = indptr[i] + threadIdx.x; l < indptr[i + 1]; l += blockDim.x) {
                const int64 j = indices[l];
                last += data[l] * points[j];
                repeated += data[l] * points[2 * n + j];
                now += data[l] * points[4 * n + j];
            }
            last = block_sum(last);
            repeated = block_sum(repeated);
            now = block_sum(now);
            const T c = correction(loss, delta, first + k ? T(1) : ratio, last, repeated, now, y[i], s[i], z[i]);
            const int64 start = block * width, end = start + width < n ? start + width : n;
            for (int64 j = start + threadIdx.x; j < end; j += blockDim.x) zeta[j] += a * mu[j];
            __syncthreads();
            for (int64 l = indptr[i] + threadIdx.x; l < indptr[i + 1]; l += blockDim.x) {
                const int64 j = indices[l];
                if (start <= j && j < end) zeta[j] += a * c * data[l];
            }
            end_block(start, end, steps, theta, before + a * T(first + k + 1) / T(steps), base, penalty, center, zeta, v,
                      points, n);
        }
        end_step(points, total, n);
    }
}
