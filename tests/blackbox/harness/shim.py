"""A shim between a program and the C library, compiled on the spot, that follows one number: programs have it mapped, so it may change
while they run."""
import os
import pathlib
import shutil
import struct
import subprocess

import pytest

NUMBER = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile const int64_t *number;
static const int64_t none;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("SHIM_%(name)s");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *p = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    number = p == MAP_FAILED ? &none : p;
    if (fd >= 0)
        close(fd);
}
"""

# Seconds that CLOCK_REALTIME is ahead.
CLOCK = r"""
int clock_gettime(clockid_t id, struct timespec *ts) {
    int rc = (int)syscall(SYS_clock_gettime, id, ts);
    if (rc == 0 && number && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        ts->tv_sec += *number;
    return rc;
}

int gettimeofday(struct timeval *restrict tv, void *restrict tz) {
    struct timespec ts;
    (void)tz;
    clock_gettime(CLOCK_REALTIME, &ts);
    tv->tv_sec = ts.tv_sec;
    tv->tv_usec = ts.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    if (out)
        *out = ts.tv_sec;
    return ts.tv_sec;
}
"""

# Milliseconds that each flush to the disk takes longer.
DISK = r"""
static void wait(void) {
    int64_t ms = number ? *number : 0;
    struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    if (ms > 0)
        nanosleep(&ts, NULL);
}

int fsync(int fd) {
    wait();
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd) {
    wait();
    return (int)syscall(SYS_fdatasync, fd);
}
"""


MACHINE_CLOCK = pytest.mark.skipif("HONGYAN_TEST_DATABASE" in os.environ, reason="on PostgreSQL a gateway goes by the server's clock")


class Shim:
    def __init__(self, folder, name, source):
        folder = pathlib.Path(folder)
        self.file, shim = folder / (name + "-number"), folder / (name + "-shim.so")
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-x", "c", "-o", shim, "-", "-ldl"], check=True, text=True,
                       input=NUMBER.replace("%(name)s", name.upper()) + source)
        self.set(0)
        # A sanitizer's runtime wants to be first, and asks the next one for the time all the same.
        asan = os.environ.get("ASAN_OPTIONS", "")
        self.env = {"LD_PRELOAD": str(shim), "SHIM_" + name.upper(): str(self.file),
                    "ASAN_OPTIONS": asan + ":" * bool(asan) + "verify_asan_link_order=0"}

    def set(self, number):
        """In place."""
        if not self.file.exists():
            self.file.write_bytes(struct.pack("q", number))
            return
        with open(self.file, "r+b") as f:
            f.write(struct.pack("q", number))


class ShiftedClock(Shim):
    """set(): seconds ahead."""

    def __init__(self, folder):
        super().__init__(folder, "clock", CLOCK)


class SlowDisk(Shim):
    """set(): milliseconds more for each flush."""

    def __init__(self, folder):
        super().__init__(folder, "disk", DISK)
