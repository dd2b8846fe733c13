// Sweeps over coordinates by one block of threads; see the reference for what each kernel means.
#include "kernel.h"

// The smallest magnitude of the top entries, or the largest of the others, and its entry; -1 if there is none.
// Every thread of the block calls it.
template <typename T>
__device__ int64 extreme(const T* x, const bool* top, bool is_top, int64 n)
{
    __shared__ T largest[BLOCK];
    __shared__ int64 entries[BLOCK];
    const int thread = threadIdx.x;
    T most = 0;
    int64 found = -1;
    for (int64 j = thread; j < n; j += blockDim.x) {
        const T size = is_top ? -magnitude(x[j]) : magnitude(x[j]);
        if (top[j] == is_top && (found < 0 || size > most)) {
            most = size;
            found = j;
        }
    }
    __syncthreads();  // other threads may still read the last choice
    largest[thread] = most;
    entries[thread] = found;
    __syncthreads();
    for (int half = BLOCK / 2; half > 0; half /= 2) {
        if (thread < half) {
            const int64 mine = entries[thread], other = entries[thread + half];
            const T a = largest[thread], b = largest[thread + half];
            if (other >= 0 && (mine < 0 || b > a || (b == a && other < mine))) {
                largest[thread] = b;
                entries[thread] = other;
            }
        }
        __syncthreads();
    }
    return entries[0];
}

// The global minimiser of the function of one coordinate.
template <typename T>
__device__ T minimiser(T a, T old, T v, T tau, T lam, T c)
{
    const T size = magnitude(v), sign = v >= 0 ? T(1) : T(-1), outer = size + (c - 1) * lam / a;
    T inner = size - lam / a, best = old, most = 0;
    if (inner < 0) inner = 0;
    for (int k = 0; k < 2; ++k) {
        if (k == 0 ? inner > tau : outer < tau) continue;
        const T u = sign * (k == 0 ? inner : outer), before = magnitude(old), after = magnitude(u);
        T gain = a / 2 * (old - u) * (old + u - 2 * v) + lam * (before - after);
        gain -= c * lam * ((before > tau ? before : tau) - (after > tau ? after : tau));
        if (gain > most) {
            best = u;
            most = gain;
        }
    }
    return best;
}

template <typename T, typename I>
__global__ void ratio_sweep(const I* order, const T* columns, const T* curvature, T* x, T* r, bool* top, T lam,
                            int64 steps, int64 m, int64 n)
{
    T squares = 0, sizes = 0, total = 0;
    for (int64 j = threadIdx.x; j < m; j += blockDim.x) squares += r[j] * r[j];
    for (int64 j = threadIdx.x; j < n; j += blockDim.x) {
        sizes += magnitude(x[j]);
        if (top[j]) total += magnitude(x[j]);
    }
    squares = block_sum(squares);
    sizes = block_sum(sizes);
    total = block_sum(total);
    for (int64 step = 0; step < steps; ++step) {
        const int64 i = order[step];
        const T* g = columns + i * m;
        const bool is_top = top[i];
        const int64 rival = extreme(x, top, !is_top, n);
        const T a = curvature[i], old = x[i], tau = rival >= 0 ? magnitude(x[rival]) : T(0);
        T slope = 0;
        for (int64 j = threadIdx.x; j < m; j += blockDim.x) slope += g[j] * r[j];
        slope = block_sum(slope);
        const T c = (squares / 2 + lam * sizes) / (lam * total), best = minimiser(a, old, old - slope / a, tau, lam, c);
        if (best == old) continue;
        const T move = best - old, size = magnitude(best);
        squares = 0;
        for (int64 j = threadIdx.x; j < m; j += blockDim.x) {
            r[j] += move * g[j];
            squares += r[j] * r[j];
        }
        squares = block_sum(squares);  // after this no thread reads x or top for this step
        sizes += size - magnitude(old);
        total += (is_top || size > tau) ? (size > tau ? size : tau) - (is_top ? magnitude(old) : tau) : T(0);
        if (threadIdx.x == 0) {
            x[i] = best;
            if (rival >= 0 && (is_top ? size < tau : size > tau)) {
                top[i] = !is_top;
                top[rival] = is_top;
            }
        }
        __syncthreads();
    }
}

// A derivative at t of the quartic polynomial with the coefficients c, over the factorial of `times`.
__device__ inline double derivative(const double* c, int times, double t)
{
    double value = 0;
    for (int k = 4; k >= times; --k) {
        double factor = 1;
        for (int l = 0; l < times; ++l) factor *= double(k - l) / double(l + 1);
        value = value * t + factor * c[k];
    }
    return value;
}

// The root of the polynomial c at which N / sqrt(P) is smallest, or zero; see the kernel of the CPU.
__device__ inline double best_step(const double* p, const double* n, const double* c)
{
    const double farthest = 1e4;
    double points[6] = {-farthest, farthest}, roots[6];
    int count = 2;
    for (int degree = 1; degree < 5; ++degree) {
        int found = 1;
        roots[0] = -farthest;
        for (int k = 0; k + 1 < count; ++k) {
            double low = points[k], high = points[k + 1];
            const bool sign = derivative(c, 4 - degree, low) < 0;
            if (sign == (derivative(c, 4 - degree, high) < 0)) continue;
            for (int halving = 0; halving < 70; ++halving) {
                const double middle = (low + high) / 2;
                if ((derivative(c, 4 - degree, middle) < 0) == sign) low = middle;
                else high = middle;
            }
            roots[found++] = (low + high) / 2;
        }
        roots[found] = farthest;
        count = found + 1;
        for (int k = 0; k < count; ++k) points[k] = roots[k];
    }
    double best = 0, least = n[0] / sqrt(p[0]);
    for (int k = 1; k + 1 < count; ++k) {
        const double t = points[k], power = derivative(p, 0, t);
        const double value = (n[0] + t * (n[1] + t * n[2])) / sqrt(power);
        if (power > 0 && value < least) {
            best = t;
            least = value;
        }
    }
    return best;
}

template <typename T, typename I>
__global__ void kurtosis_sweep(const I* order, const T* columns, T* x, T* z, T theta, int64 steps, int64 m, int64 n)
{
    T length = 0;
    for (int64 j = threadIdx.x; j < n; j += blockDim.x) length += x[j] * x[j];
    length = block_sum(length);
    for (int64 step = 0; step < steps; ++step) {
        const int64 i = order[step];
        const T* a = columns + i * m;
        T sums[5] = {0, 0, 0, 0, 0};
        for (int64 j = threadIdx.x; j < m; j += blockDim.x) {
            const T uu = a[j] * a[j], uv = a[j] * z[j], vv = z[j] * z[j];
            sums[0] += vv * vv;
            sums[1] += 4 * uv * vv;
            sums[2] += 6 * uv * uv;
            sums[3] += 4 * uu * uv;
            sums[4] += uu * uu;
        }
        double p[5];
        for (int k = 0; k < 5; ++k) p[k] = block_sum(sums[k]);
        const T old = x[i];
        const double q[3] = {double(length), 2 * double(old), 1 + double(theta)};
        const double c[5] = {
            2 * q[1] * p[0] - q[0] * p[1],
            4 * q[2] * p[0] + q[1] * p[1] - 2 * q[0] * p[2],
            3 * q[2] * p[1] - 3 * q[0] * p[3],
            2 * q[2] * p[2] - q[1] * p[3] - 4 * q[0] * p[4],
            q[2] * p[3] - 2 * q[1] * p[4],
        };
        const T t = T(best_step(p, q, c));
        if (t == 0) continue;
        const T fresh = old + t;
        length += (fresh - old) * (fresh + old);
        __syncthreads();  // every thread has read entry i of x
        if (threadIdx.x == 0) x[i] = fresh;
        for (int64 j = threadIdx.x; j < m; j += blockDim.x) z[j] += t * a[j];
        __syncthreads();
    }
}
