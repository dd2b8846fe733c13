// CUDA on one CPU thread: each CUDA thread is a fiber, and blocks and threads run in a seeded random order.
// A fiber serves one thread of each block in turn, because making one takes two system calls.
// A barrier that only part of a block reaches, and an access outside an array, end the launch with an error.
#ifndef CUDA_EMULATION_H
#define CUDA_EMULATION_H
#include <csetjmp>
#include <csignal>
#include <cmath>
#include <cstring>
#include <functional>
#include <numeric>
#include <random>
#include <type_traits>
#include <vector>
#include <algorithm>
#include <ucontext.h>

#define __global__
#define __device__
#define __host__
#define __shared__ static

namespace emulation {
enum Wait { READY, BARRIER, WARP, DONE };
enum Error { NONE = 0, DIVERGENT = 1, OUT_OF_BOUNDS = 2 };
struct Dim { int x; };
struct Fiber {
    ucontext_t context;
    sigjmp_buf point;
    std::vector<char> stack = std::vector<char>(64 * 1024);
    bool started = false;
    double slot, seen;  // the value that the lane passes to its warp now, and that which it passed last
};
inline std::vector<Fiber> fibers;
inline std::vector<Wait> waits;  // what each fiber waits for
inline sigjmp_buf scheduler, rescue;
inline std::vector<int> order;  // in which threads run until each of them waits
inline int current, place;
inline std::function<void()> body;
inline Dim block_index, block_size, grid_size;
inline void enter();

[[noreturn]] inline void pass_on()  // to the next thread that is ready, after the last one to the scheduler
{
    while (place < block_size.x) {
        const int t = order[place++];
        if (waits[t] != READY) continue;
        Fiber& f = fibers[current = t];
        if (f.started) _longjmp(f.point, 1);
        f.started = true;
        getcontext(&f.context);
        f.context.uc_stack.ss_sp = f.stack.data();
        f.context.uc_stack.ss_size = f.stack.size();
        f.context.uc_link = nullptr;
        makecontext(&f.context, enter, 0);
        setcontext(&f.context);
    }
    _longjmp(scheduler, 1);
}
inline void pause(Wait wait)
{
    waits[current] = wait;
    if (!_setjmp(fibers[current].point)) pass_on();
}
inline void enter()
{
    while (true) {
        body();
        pause(DONE);
    }
}
inline bool all_of(int from, int to, Wait wait)
{
    return std::all_of(waits.begin() + from, waits.begin() + to, [=](Wait w) { return w == wait; });
}
inline Error run_block(std::mt19937& random)
{
    const int threads = block_size.x;
    order.resize(threads);
    std::iota(order.begin(), order.end(), 0);
    waits.assign(threads, READY);
    while (!all_of(0, threads, DONE)) {
        std::shuffle(order.begin(), order.end(), random);
        bool moved = std::count(waits.begin(), waits.end(), READY);
        place = 0;
        if (!_setjmp(scheduler)) pass_on();
        for (int warp = 0; warp < threads; warp += 32) {
            const int end = std::min(warp + 32, threads);
            if (!all_of(warp, end, WARP)) continue;
            for (int t = warp; t < end; ++t) { fibers[t].seen = fibers[t].slot; waits[t] = READY; }
            moved = true;
        }
        if (all_of(0, threads, BARRIER)) {
            waits.assign(threads, READY);
            moved = true;
        }
        if (!moved) return DIVERGENT;
    }
    return NONE;
}
inline void leave_kernel(int) { siglongjmp(rescue, 1); }

inline int launch(int grid, int block, unsigned seed, std::function<void()> kernel)
{
    struct sigaction guard = {}, segv, bus;
    guard.sa_handler = leave_kernel;
    guard.sa_flags = SA_NODEFER;
    sigaction(SIGSEGV, &guard, &segv);
    sigaction(SIGBUS, &guard, &bus);
    static std::mt19937 random;
    static std::vector<int> blocks;
    static Error error;
    random.seed(seed);
    fibers.resize(block);
    body = kernel;
    grid_size = {grid};
    block_size = {block};
    blocks.resize(grid);
    std::iota(blocks.begin(), blocks.end(), 0);
    std::shuffle(blocks.begin(), blocks.end(), random);
    error = NONE;
    if (sigsetjmp(rescue, 1)) error = OUT_OF_BOUNDS;
    else
        for (int b : blocks) {
            block_index = {b};
            error = run_block(random);
            if (error) break;
        }
    sigaction(SIGSEGV, &segv, nullptr);
    sigaction(SIGBUS, &bus, nullptr);
    if (error) fibers.clear();  // some are in the middle of a block
    return error;
}
}  // namespace emulation

#define threadIdx (emulation::Dim{emulation::current})
#define blockIdx emulation::block_index
#define blockDim emulation::block_size
#define gridDim emulation::grid_size

inline void __syncthreads() { emulation::pause(emulation::BARRIER); }

template <typename R>
R __shfl_down_sync(unsigned, R value, int distance, int width)
{
    const int me = emulation::current, lane = me % width;
    std::memcpy(&emulation::fibers[me].slot, &value, sizeof value);
    emulation::pause(emulation::WARP);
    if (lane + distance < width) std::memcpy(&value, &emulation::fibers[me + distance].seen, sizeof value);
    return value;
}

#endif
