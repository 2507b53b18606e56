"""A clock that can be set: a shim between the program and the C library that shifts CLOCK_REALTIME by the seconds in a file."""
import os
import pathlib
import shutil
import struct
import subprocess

SHIM = r"""
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

static volatile const int64_t *shift;
static const int64_t none;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("CLOCK_SHIFT");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *p = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    shift = p == MAP_FAILED ? &none : p;
    if (fd >= 0)
        close(fd);
}

int clock_gettime(clockid_t id, struct timespec *ts) {
    int rc = (int)syscall(SYS_clock_gettime, id, ts);
    if (rc == 0 && shift && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        ts->tv_sec += *shift;
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


class ShiftedClock:
    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.file, shim = folder / "clock-shift", folder / "clock-shim.so"
        source = folder / "clock-shim.c"
        source.write_text(SHIM)
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", shim, source, "-ldl"], check=True)
        self.set(0)
        # A sanitizer's runtime wants to be first, and asks the next one for the time all the same.
        asan = os.environ.get("ASAN_OPTIONS", "")
        self.env = {"LD_PRELOAD": str(shim), "CLOCK_SHIFT": str(self.file),
                    "ASAN_OPTIONS": asan + ":" * bool(asan) + "verify_asan_link_order=0"}

    def set(self, seconds):
        """In place: the program has the file mapped."""
        if not self.file.exists():
            self.file.write_bytes(struct.pack("q", seconds))
            return
        with open(self.file, "r+b") as f:
            f.write(struct.pack("q", seconds))
