/* Makes the n-th file operation below a folder fail. Preloaded (LD_PRELOAD) into the processes of test_faults.py.

   FAULT_FOLDER  the folder; other files are left alone
   FAULT_AT      which operation fails, from 1; 0 for none
   FAULT_ERRNO   the error
   FAULT_COUNT   a file that gets the number of operations at the end
*/
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static long operations;

static int below(const char *path) {
    const char *folder = getenv("FAULT_FOLDER");
    return folder && path && strncmp(path, folder, strlen(folder)) == 0;
}

static int fails(void) {
    const char *at = getenv("FAULT_AT");
    if (__sync_add_and_fetch(&operations, 1) != (at ? atol(at) : 0)) return 0;
    errno = atoi(getenv("FAULT_ERRNO"));
    return 1;
}

static int fails_at(const char *path) { return below(path) && fails(); }

static int fails_for(int descriptor) {
    char name[64], path[4096];
    if (!getenv("FAULT_FOLDER")) return 0;
    snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(name, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return below(path) && fails();
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define OPEN(name)                                            \
    int name(const char *path, int flags, ...) {              \
        va_list rest;                                         \
        va_start(rest, flags);                                \
        mode_t mode = va_arg(rest, mode_t);                   \
        va_end(rest);                                         \
        REAL(name);                                           \
        return fails_at(path) ? -1 : real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                  \
    int name(int folder, const char *path, int flags, ...) {          \
        va_list rest;                                                 \
        va_start(rest, flags);                                        \
        mode_t mode = va_arg(rest, mode_t);                           \
        va_end(rest);                                                 \
        REAL(name);                                                   \
        return fails_at(path) ? -1 : real(folder, path, flags, mode); \
    }
OPENAT(openat)
OPENAT(openat64)

ssize_t read(int descriptor, void *bytes, size_t count) {
    REAL(read);
    return fails_for(descriptor) ? -1 : real(descriptor, bytes, count);
}
ssize_t write(int descriptor, const void *bytes, size_t count) {
    REAL(write);
    return fails_for(descriptor) ? -1 : real(descriptor, bytes, count);
}
int fsync(int descriptor) {
    REAL(fsync);
    return fails_for(descriptor) ? -1 : real(descriptor);
}
int rename(const char *from, const char *to) {
    REAL(rename);
    return fails_at(to) ? -1 : real(from, to);
}
int unlink(const char *path) {
    REAL(unlink);
    return fails_at(path) ? -1 : real(path);
}
int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    return fails_at(path) ? -1 : real(path, mode);
}

__attribute__((visibility("default"))) long fault_operations(void) { return operations; }
