// What every kernel includes: index types, complex numbers, sums over a block and over a few lanes.
#pragma once

constexpr int BLOCK = 256;  // threads a block; the launcher uses no other number

using int64 = long long;

template <typename R>
struct complex_t {
    R re, im;
    complex_t() = default;
    __device__ complex_t(R re, R im = 0) : re(re), im(im) {}
    __device__ complex_t& operator+=(complex_t b) { re += b.re; im += b.im; return *this; }
    __device__ complex_t& operator-=(complex_t b) { re -= b.re; im -= b.im; return *this; }
};
using complex64 = complex_t<float>;
using complex128 = complex_t<double>;

template <typename T> struct real_of { using type = T; };
template <typename R> struct real_of<complex_t<R>> { using type = R; };
template <typename T> using real = typename real_of<T>::type;

template <typename R> __device__ complex_t<R> operator+(complex_t<R> a, complex_t<R> b) { return {a.re + b.re, a.im + b.im}; }
template <typename R> __device__ complex_t<R> operator-(complex_t<R> a, complex_t<R> b) { return {a.re - b.re, a.im - b.im}; }
template <typename R> __device__ complex_t<R> operator*(complex_t<R> a, complex_t<R> b)
{
    return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
template <typename R> __device__ complex_t<R> operator*(R a, complex_t<R> b) { return {a * b.re, a * b.im}; }

__device__ inline float conj_(float a) { return a; }
__device__ inline double conj_(double a) { return a; }
template <typename R> __device__ complex_t<R> conj_(complex_t<R> a) { return {a.re, -a.im}; }

__device__ inline float real_part(float a) { return a; }
__device__ inline double real_part(double a) { return a; }
template <typename R> __device__ R real_part(complex_t<R> a) { return a.re; }

__device__ inline float imaginary_part(float) { return 0; }
__device__ inline double imaginary_part(double) { return 0; }
template <typename R> __device__ R imaginary_part(complex_t<R> a) { return a.im; }

__device__ inline float magnitude(float a) { return fabsf(a); }
__device__ inline double magnitude(double a) { return fabs(a); }
template <typename R> __device__ R magnitude(complex_t<R> a) { return hypot(a.re, a.im); }

__device__ inline float divide(float a, float b) { return a / b; }
__device__ inline double divide(double a, double b) { return a / b; }
template <typename R> __device__ complex_t<R> divide(complex_t<R> a, complex_t<R> b)
{
    const R inverse = 1 / magnitude(b);  // multiplied twice, because its square may overflow
    return inverse * (a * (inverse * conj_(b)));
}

// The real part of conj(a) b.
template <typename T> __device__ real<T> inner(T a, T b) { return real_part(conj_(a) * b); }

// The distance from one to the next real number of the precision of T.
template <typename T> __device__ real<T> epsilon()
{
    return sizeof(real<T>) == 4 ? real<T>(1.0 / (1ll << 23)) : real<T>(1.0 / (1ll << 52));
}
template <typename R> __device__ R not_a_number() { return R(nan("")); }
template <typename R> __device__ bool is_finite(R a) { return a - a == 0; }

// A grid strides over the items: thread `first` begins, and each goes on by `stride`.
__device__ inline int64 first() { return int64(blockIdx.x) * blockDim.x + threadIdx.x; }
__device__ inline int64 stride() { return int64(gridDim.x) * blockDim.x; }

// The sum of `value` over the block, for all its threads; every thread must call it.
template <typename T>
__device__ T block_sum(T value)
{
    __shared__ T scratch[BLOCK];
    const int t = threadIdx.x;
    __syncthreads();  // other threads may still read the last sum
    scratch[t] = value;
    __syncthreads();
    for (int half = BLOCK / 2; half > 0; half /= 2) {
        if (t < half) scratch[t] += scratch[t + half];
        __syncthreads();
    }
    return scratch[0];
}

// The largest `value` of the block, for all its threads; every thread must call it.
template <typename T>
__device__ T block_max(T value)
{
    __shared__ T scratch[BLOCK];
    const int t = threadIdx.x;
    __syncthreads();
    scratch[t] = value;
    __syncthreads();
    for (int half = BLOCK / 2; half > 0; half /= 2) {
        if (t < half && scratch[t + half] > scratch[t]) scratch[t] = scratch[t + half];
        __syncthreads();
    }
    return scratch[0];
}

// Make `most` the larger of itself and `value`.
template <typename R> __device__ void raise(R& most, R value)
{
    if (value > most) most = value;
}

// The sum of the pieces that an earlier kernel left: the same bits in every block and at every launch.
template <typename R>
__device__ R sum_pieces(const R* pieces, int64 count)
{
    R total = 0;
    for (int64 i = threadIdx.x; i < count; i += blockDim.x) total += pieces[i];
    return block_sum(total);
}

template <typename R> __device__ R shuffle_down(R value, int distance, int width)
{
    return __shfl_down_sync(0xffffffffu, value, distance, width);
}
template <typename R> __device__ complex_t<R> shuffle_down(complex_t<R> value, int distance, int width)
{
    return {shuffle_down(value.re, distance, width), shuffle_down(value.im, distance, width)};
}

// The sum over `lanes` neighbouring threads, a power of two up to 32, for the first of them.
template <typename T>
__device__ T lane_sum(T value, int lanes)
{
    for (int distance = lanes / 2; distance > 0; distance /= 2) value += shuffle_down(value, distance, lanes);
    return value;
}

// The product of a CSR row with `x`, by `lanes` neighbouring threads, for the first of them.
// Every thread of the block calls it, also those beyond the last row: lane_sum needs whole warps.
template <typename T, typename I>
__device__ T row_product(const I* indptr, const I* indices, const T* data, const T* x, int64 row, int64 n, int lanes)
{
    T sum = T(0);
    if (row < n) {
        const int64 end = indptr[row + 1];
        for (int64 k = indptr[row] + threadIdx.x % lanes; k < end; k += lanes) sum += data[k] * x[indices[k]];
    }
    return lane_sum(sum, lanes);
}

// A block of vectors has up to WIDEST columns, side by side; its rows are taken TILE at a time.
constexpr int WIDEST = 16, TILE = 32;

// Add conj(x_i) y_j to `sum` over the rows of a tile in shared memory: thread t has the pair t % (k k).
template <typename T>
__device__ void add_to_gram(T* sum, const T* x, const T* y, int64 rows, int64 k)
{
    const int64 pairs = k * k, pair = threadIdx.x % pairs, groups = BLOCK / pairs;
    __syncthreads();
    for (int64 row = threadIdx.x / pairs; row < rows && threadIdx.x < groups * pairs; row += groups)
        *sum += conj_(x[row * k + pair / k]) * y[row * k + pair % k];
    __syncthreads();
}

// Write the sums of the block to its column of `pieces`, which has a row for each pair.
template <typename T>
__device__ void write_gram(T sum, T* pieces, int64 k)
{
    __shared__ T scratch[BLOCK];
    const int64 pairs = k * k, groups = BLOCK / pairs;
    scratch[threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.x < pairs) {
        T total = T(0);
        for (int64 group = 0; group < groups; ++group) total += scratch[group * pairs + threadIdx.x];
        pieces[threadIdx.x * gridDim.x + blockIdx.x] = total;
    }
}

// Entry (row, c) of A B, where A has rows of `inner` numbers and B rows of k.
template <typename T>
__device__ T entry(const T* A, const T* B, int64 row, int64 c, int64 inner, int64 k)
{
    T sum = T(0);
    for (int64 l = 0; l < inner; ++l) sum += A[row * inner + l] * B[l * k + c];
    return sum;
}
