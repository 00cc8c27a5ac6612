// OS threads that wait for launches, and the workers that they take turns with.
#pragma once

namespace trimetal {

struct Pool {
    pthread_mutex_t lock;
    pthread_cond_t work;   // helpers wait here for a launch
    pthread_cond_t done;   // a launch waits here for its helpers
    unsigned threads;      // helpers that exist
    unsigned wanted;       // helpers that the present launch still asks for
    unsigned busy;         // helpers that run it
    Launch* launch;
    bool taken;            // a launch uses the helpers
    Worker* idle;
};

static Pool pool = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER,
                    0, 0, 0, nullptr, false, nullptr};

inline Worker* acquire_worker() {
    pthread_mutex_lock(&pool.lock);
    Worker* w = pool.idle;
    if (w) pool.idle = w->next;
    pthread_mutex_unlock(&pool.lock);
    return w ? w : make_worker();
}

inline void release_worker(Worker* w) {
    pthread_mutex_lock(&pool.lock);
    w->next = pool.idle;
    pool.idle = w;
    pthread_mutex_unlock(&pool.lock);
}

inline void report(Launch& launch, const Worker& w) {
    if (__atomic_exchange_n(&launch.failed, 1, __ATOMIC_ACQ_REL)) return;
    snprintf(launch.message, report_bytes, "threadgroup (%u, %u, %u): %s", w.group.position[0],
             w.group.position[1], w.group.position[2], w.message);
}

inline void position_of(const Launch& launch, uint64_t index, unsigned position[3]) {
    if (launch.schedule & 1) index = launch.total - 1 - index;
    position[0] = (unsigned)(index % launch.groups[0]);
    position[1] = (unsigned)(index / launch.groups[0] % launch.groups[1]);
    position[2] = (unsigned)(index / launch.groups[0] / launch.groups[1]);
}

inline void make_ready(Worker& w, Launch& launch) {
    w.launch = &launch;
    w.simdgroup_count = (launch.threads + simd_width - 1) / simd_width;
    for (int i = 0; i < 3; ++i) w.group.groups[i] = launch.groups[i];
    w.group.threads = launch.threads;
    set_order(w, launch.schedule);
    make_race_fibers(w, launch.threads);
    w.running = &w.main;
}

// The threadgroups that one OS thread runs in turn: one, and those that wait for memory to change.
// A chip runs as many as fit, and makes no promise beyond.
class Residents {
  public:
    Residents(Launch& launch, Worker* first) : launch_(launch), spare_(first) {}
    ~Residents() {
        set_stuck(false);
        for (unsigned i = 0; i < count_; ++i) {
            abandon_fibers(*suspended_[i]);
            release_worker(suspended_[i]);
        }
        if (spare_) release_worker(spare_);
    }

    // Starts a threadgroup, or goes on with the next suspended one; false when all have ended.
    bool step() {
        if (start_next()) return true;
        if (!count_) return false;
        if (turn_ >= count_) {
            turn_ = 0;
            end_round();
        }
        Worker* w = suspended_[turn_];
        worker = w;
        resume_group(*w);
        if (w->suspended) {
            ++turn_;
        } else {
            suspended_[turn_] = suspended_[--count_];
            ended(w);
        }
        return true;
    }

  private:
    static constexpr unsigned most = 64;
    static constexpr long patience = 30;  // seconds in which no threadgroup of a launch goes on

    bool start_next() {
        if (count_ == most || __atomic_load_n(&launch_.next, __ATOMIC_RELAXED) >= launch_.total)
            return false;
        Worker* w = spare_ ? spare_ : acquire_worker();
        if (!w) return false;
        const uint64_t index = __atomic_fetch_add(&launch_.next, 1, __ATOMIC_RELAXED);
        spare_ = w;
        if (index >= launch_.total) return false;
        spare_ = nullptr;
        make_ready(*w, launch_);
        unsigned position[3];
        position_of(launch_, index, position);
        worker = w;
        run_group(*w, position);
        if (w->suspended) suspended_[count_++] = w;
        else ended(w);
        return true;
    }

    void ended(Worker* w) {
        if (w->failed) report(launch_, *w);
        if (spare_) release_worker(spare_);
        spare_ = w;
        moved_ = true;
    }

    // All suspended threadgroups had their turn. Where nothing moves in any OS thread, for long,
    // they wait for each other, or for what no program of the launch does.
    void end_round() {
        timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (moved_ || !stuck_) since_ = now.tv_sec;
        set_stuck(!moved_);
        moved_ = false;
        sched_yield();
        const bool all = __atomic_load_n(&launch_.stuck, __ATOMIC_RELAXED) ==
                         __atomic_load_n(&launch_.active, __ATOMIC_RELAXED);
        if (!all) since_ = now.tv_sec;
        if (now.tv_sec - since_ < patience) return;
        Worker& w = *suspended_[0];
        snprintf(w.message, sizeof w.message,
                 "line %u: thread %u waits for a change in memory that no program makes",
                 w.current->line, w.current->thread);
        report(launch_, w);
    }

    void set_stuck(bool stuck) {
        if (stuck && !stuck_) __atomic_fetch_add(&launch_.stuck, 1, __ATOMIC_RELAXED);
        if (!stuck && stuck_) __atomic_fetch_sub(&launch_.stuck, 1, __ATOMIC_RELAXED);
        stuck_ = stuck;
    }

    Launch& launch_;
    Worker* spare_;
    Worker* suspended_[most];
    unsigned count_ = 0;
    unsigned turn_ = 0;
    bool moved_ = false;
    bool stuck_ = false;
    long since_ = 0;
};

// Runs threadgroups of the launch until none is left or one has failed.
inline void work_on(Launch& launch) {
    Worker* first = acquire_worker();
    if (!first) {
        if (!__atomic_exchange_n(&launch.failed, 1, __ATOMIC_ACQ_REL))
            snprintf(launch.message, report_bytes, "out of memory");
        return;
    }
    SignalStack signal_stack(*first);
    Worker* outer = worker;
    __atomic_fetch_add(&launch.active, 1, __ATOMIC_RELAXED);
    Residents residents(launch, first);
    while (!__atomic_load_n(&launch.failed, __ATOMIC_ACQUIRE) && residents.step()) {}
    __atomic_fetch_sub(&launch.active, 1, __ATOMIC_RELAXED);
    worker = outer;
}

inline void* helper_main(void*) {
    pthread_mutex_lock(&pool.lock);
    for (;;) {
        while (!pool.wanted) pthread_cond_wait(&pool.work, &pool.lock);
        --pool.wanted;
        ++pool.busy;
        Launch* launch = pool.launch;
        pthread_mutex_unlock(&pool.lock);
        work_on(*launch);
        pthread_mutex_lock(&pool.lock);
        if (--pool.busy == 0) pthread_cond_signal(&pool.done);
    }
    return nullptr;
}

// Called with the lock held. Helpers last as long as the process; signals are not for them.
inline void grow_pool(unsigned threads) {
    sigset_t all, before;
    sigfillset(&all);
    sigdelset(&all, SIGSEGV), sigdelset(&all, SIGBUS), sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    while (pool.threads < threads) {
        pthread_t thread;
        if (pthread_create(&thread, nullptr, helper_main, nullptr) != 0) break;
        pthread_detach(thread);
        ++pool.threads;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// Spreads a launch over `workers` OS threads, the caller's among them. One launch at a time has
// the helpers; others run on their callers' threads alone.
inline void run_launch(Launch& launch, unsigned workers) {
    if (workers > launch.total) workers = (unsigned)launch.total;
    bool helped = false;
    if (workers > 1) {
        pthread_mutex_lock(&pool.lock);
        if (!pool.taken) {
            helped = pool.taken = true;
            grow_pool(workers - 1);
            pool.launch = &launch;
            pool.wanted = workers - 1 < pool.threads ? workers - 1 : pool.threads;
            pthread_cond_broadcast(&pool.work);
        }
        pthread_mutex_unlock(&pool.lock);
    }
    work_on(launch);
    if (!helped) return;
    pthread_mutex_lock(&pool.lock);
    pool.wanted = 0;  // who has not woken up yet need not any more
    while (pool.busy) pthread_cond_wait(&pool.done, &pool.lock);
    pool.taken = false;
    pthread_mutex_unlock(&pool.lock);
}

// A forked child has no helpers, and locks may have been held by threads that it lacks.
inline void forget_helpers() {
    pthread_mutex_init(&pool.lock, nullptr);
    pthread_cond_init(&pool.work, nullptr);
    pthread_cond_init(&pool.done, nullptr);
    pool.threads = pool.wanted = pool.busy = 0;
    pool.taken = false;
}

}  // namespace trimetal
