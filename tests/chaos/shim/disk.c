/* A disk that is slow, or fails, for one process: loaded before the C library by LD_PRELOAD.
 *
 * Owns the calls that write, read and flush files. Calls for files in CHAOS_DISK_FOLDER are held up or refused while the
 * file CHAOS_DISK_CONTROL says so; it is shared memory with whoever plays the disk (`src/sick.rs`), and also counts what
 * was done. Without both variables, and for all other files, each call is the system's own. Never changes what is written.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { WELL = 0, SLOW = 1, FAILING = 2 };
enum { LOOK_MS = 5 };

/* As `src/sick.rs` has it. */
struct control {
    _Atomic uint32_t mode;
    _Atomic uint32_t delay_ms; /* of each call; 0: until the disk is well again */
    _Atomic uint64_t delayed;
    _Atomic uint64_t failed;
};
static struct control *control;
static const char *folder;
static size_t folder_length;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("CHAOS_DISK_CONTROL");
    folder = getenv("CHAOS_DISK_FOLDER");
    if (!path || !folder) return;
    folder_length = strlen(folder);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    void *page = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (page != MAP_FAILED) control = page;
}

/* Whether the descriptor is of a file in the folder; `database`: of one of SQLite's. */
static int is_ours(int fd, int database)
{
    char link[32], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= (ssize_t)folder_length || strncmp(path, folder, folder_length) != 0) return 0;
    path[length] = 0;
    return path[folder_length] == '/' && (!database || strstr(path + folder_length, ".db"));
}

/* Returns whether the call has to fail. */
static int suffer(int fd, int writes)
{
    if (!control || atomic_load(&control->mode) == WELL) return 0;
    int before = errno;
    if (atomic_load(&control->mode) == FAILING) {
        if (!writes || !is_ours(fd, 1)) {
            errno = before;
            return 0;
        }
        atomic_fetch_add(&control->failed, 1);
        errno = EIO;
        return 1;
    }
    if (is_ours(fd, 0)) {
        atomic_fetch_add(&control->delayed, 1);
        uint32_t delay = atomic_load(&control->delay_ms);
        struct timespec look = { 0, LOOK_MS * 1000000L };
        for (uint32_t waited = 0; atomic_load(&control->mode) == SLOW && (!delay || waited < delay); waited += LOOK_MS)
            nanosleep(&look, NULL);
    }
    errno = before;
    return 0;
}

ssize_t write(int fd, const void *bytes, size_t count)
{
    return suffer(fd, 1) ? -1 : syscall(SYS_write, fd, bytes, count);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at)
{
    return suffer(fd, 1) ? -1 : syscall(SYS_pwrite64, fd, bytes, count, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at)
{
    return pwrite64(fd, bytes, count, at);
}

ssize_t read(int fd, void *bytes, size_t count)
{
    return suffer(fd, 0) ? -1 : syscall(SYS_read, fd, bytes, count);
}

ssize_t pread64(int fd, void *bytes, size_t count, off64_t at)
{
    return suffer(fd, 0) ? -1 : syscall(SYS_pread64, fd, bytes, count, at);
}

ssize_t pread(int fd, void *bytes, size_t count, off_t at)
{
    return pread64(fd, bytes, count, at);
}

int fsync(int fd)
{
    return suffer(fd, 1) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return suffer(fd, 1) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int ftruncate64(int fd, off64_t length)
{
    return suffer(fd, 1) ? -1 : (int)syscall(SYS_ftruncate, fd, length);
}

int ftruncate(int fd, off_t length)
{
    return ftruncate64(fd, length);
}
