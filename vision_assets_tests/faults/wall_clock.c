/* Preloaded: a wall clock that runs ahead of the machine's by as many seconds as a file says.
 *
 * WALL_CLOCK names the file: eight bytes, shared, so that all processes step at the same moment.
 * Other clocks, and the times of files, stay: as if the disk were another machine's. A wait until
 * a time of this clock ends in time where it begins after the step; one under way goes on.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define LONGEST_UPTIME_S 1000000000 /* a later time is one of the wall clock: after 2001 */

static const volatile int64_t *ahead_s;
static __typeof__(&clock_gettime) real_clock_gettime;
static __typeof__(&syscall) real_syscall;

static void find_real(void)
{
    real_clock_gettime = (__typeof__(&clock_gettime))dlsym(RTLD_NEXT, "clock_gettime");
    real_syscall = (__typeof__(&syscall))dlsym(RTLD_NEXT, "syscall");
}

__attribute__((constructor)) static void open_clock(void)
{
    find_real();
    const char *path = getenv("WALL_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *shared = file < 0 ? MAP_FAILED : mmap(NULL, 8, PROT_READ, MAP_SHARED, file, 0);
    if (shared == MAP_FAILED)
        abort();
    close(file);
    ahead_s = shared;
}

static struct timespec of_the_machine(const struct timespec *at)
{
    struct timespec time = *at;
    time.tv_sec -= ahead_s ? *ahead_s : 0;
    return time;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (!real_clock_gettime) /* called by a library that was loaded first */
        find_real();
    int failed = real_clock_gettime(clock, now);
    if (!failed && ahead_s && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += *ahead_s;
    return failed;
}

time_t time(time_t *now)
{
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    if (now)
        *now = found.tv_sec;
    return found.tv_sec;
}

int gettimeofday(struct timeval *now, void *zone)
{
    struct timespec found;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &found);
    now->tv_sec = found.tv_sec;
    now->tv_usec = found.tv_nsec / 1000;
    return 0;
}

int sem_timedwait(sem_t *semaphore, const struct timespec *until)
{
    struct timespec time = of_the_machine(until);
    return sem_clockwait(semaphore, CLOCK_REALTIME, &time);
}

int pthread_cond_timedwait(
    pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until)
{
    if (until->tv_sec < LONGEST_UPTIME_S)
        return pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, until);
    struct timespec time = of_the_machine(until);
    return pthread_cond_clockwait(condition, mutex, CLOCK_REALTIME, &time);
}

long syscall(long number, ...)
{
    va_list more;
    long given[6];
    struct timespec time;
    va_start(more, number);
    for (int i = 0; i < 6; i++)
        given[i] = va_arg(more, long);
    va_end(more);
    if (number == SYS_futex && given[1] & FUTEX_CLOCK_REALTIME && given[3]) {
        time = of_the_machine((struct timespec *)given[3]);
        given[3] = (long)&time;
    }
    if (!real_syscall)
        find_real();
    return real_syscall(
        number, given[0], given[1], given[2], given[3], given[4], given[5]);
}
