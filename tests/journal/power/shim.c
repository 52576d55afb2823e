/* Records what a process writes to the files of one folder, and when it asks the disk to keep that (LD_PRELOAD).

   Each record is appended to the file $POWER_LOG by one write: kind, length of the path, offset, length of the data, path,
   data. Kinds: W a write, T a truncation to the offset, S a sync that begins, E one that has ended, U a file removed. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static int log_fd(void) {
    static int fd = -1;
    if (fd < 0) fd = open(getenv("POWER_LOG"), O_WRONLY | O_CREAT | O_APPEND, 0600);
    return fd;
}

static int path_of(int fd, char *path, size_t room) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, room - 1);
    if (length < 0) return 0;
    path[length] = 0;
    const char *folder = getenv("POWER_FOLDER");
    return folder && strncmp(path, folder, strlen(folder)) == 0;
}

static void record(char kind, const char *path, uint64_t offset, const void *data, uint64_t length) {
    uint32_t path_length = strlen(path);
    size_t size = 1 + 4 + 8 + 8 + path_length + length;
    char *buffer = malloc(size), *at = buffer;
    *at++ = kind;
    memcpy(at, &path_length, 4), at += 4;
    memcpy(at, &offset, 8), at += 8;
    memcpy(at, &length, 8), at += 8;
    memcpy(at, path, path_length), at += path_length;
    if (length) memcpy(at, data, length);
    syscall(SYS_write, log_fd(), buffer, size);
    free(buffer);
}

#define RECORDED(fd, kind, offset, data, length)                       \
    char path[4096];                                                   \
    int ours = path_of(fd, path, sizeof path);                         \
    if (ours) record(kind, path, offset, data, length);

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
    RECORDED(fd, 'W', offset, data, length)
    return syscall(SYS_pwrite64, fd, data, length, offset);
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return pwrite64(fd, data, length, offset); }

ssize_t write(int fd, const void *data, size_t length) {
    off_t offset = lseek(fd, 0, SEEK_CUR);
    if (offset >= 0) { RECORDED(fd, 'W', offset, data, length) }
    return syscall(SYS_write, fd, data, length);
}

int ftruncate64(int fd, off64_t length) {
    RECORDED(fd, 'T', length, "", 0)
    return syscall(SYS_ftruncate, fd, length);
}
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static int synced(int fd, long call) {
    RECORDED(fd, 'S', 0, "", 0)
    int result = syscall(call, fd);
    if (ours && result == 0) record('E', path, 0, "", 0);
    return result;
}
int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

int unlink(const char *path) {
    const char *folder = getenv("POWER_FOLDER");
    if (folder && strncmp(path, folder, strlen(folder)) == 0) record('U', path, 0, "", 0);
    return syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}
