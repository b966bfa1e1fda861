/*
 * posix_files.c: files and names of the kernel, shared by the bodies uring and threads.
 *
 * Transfers are loops: a call that was interrupted is made again, a short one goes on where it
 * stopped, and a write that moved nothing is an error. Syncs are made once, whatever they answer.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "io/io_internal.h"

enum {
    ZERO_CHUNK_BYTES = 256 * 1024,
    TRANSFER_BYTES_MAX = 1 << 30, /* below the most that one call of the kernel moves */
};

static int open_retry(const char *path, int flags)
{
    int fd;
    do
        fd = open(path, flags | O_CLOEXEC, 0600);
    while (fd < 0 && errno == EINTR);
    return fd;
}

/*
 * A file system without O_DIRECT answers EINVAL after it has made the file, so the second attempt
 * must not insist on making it; a file that was there before would have been EEXIST at once.
 */
static int open_direct(const char *path, int flags, bool *out_direct)
{
    int fd = open_retry(path, flags | O_DIRECT);
    *out_direct = fd >= 0;
    if (fd < 0 && errno == EINVAL)
        fd = open_retry(path, flags & ~O_EXCL);
    return fd;
}

static int open_flags(unsigned flags)
{
    int translated = !(flags & IO_WRITE) ? O_RDONLY : flags & IO_READ ? O_RDWR : O_WRONLY;
    if (flags & IO_CREATE)
        translated |= O_CREAT;
    if (flags & IO_EXCLUSIVE)
        translated |= O_EXCL;
    return translated;
}

/* What the device asks for, where the kernel tells. */
static uint16_t read_alignment_of(int fd, bool direct)
{
#ifdef STATX_DIOALIGN
    struct statx about;
    if (direct && statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &about) == 0 &&
        about.stx_mask & STATX_DIOALIGN && about.stx_dio_offset_align >= 512 &&
        about.stx_dio_offset_align < IO_BLOCK_BYTES &&
        (about.stx_dio_offset_align & (about.stx_dio_offset_align - 1)) == 0)
        return (uint16_t)about.stx_dio_offset_align;
#endif
    (void)fd;
    (void)direct;
    return IO_BLOCK_BYTES;
}

size_t posix_read_alignment(const struct io_file *file)
{
    return ((const struct posix_file *)file)->read_alignment;
}

static status file_new(struct io_env *env, int fd, bool direct, struct io_file **out_file)
{
    struct posix_file *file = malloc(sizeof *file);
    if (!file) {
        close(fd);
        return STATUS_FAIL(STATUS_NOMEM);
    }
    *file = (struct posix_file){
        .base.env = env, .fd = fd, .direct = direct, .read_alignment = read_alignment_of(fd, direct)};
    *out_file = &file->base;
    return STATUS_DONE;
}

status posix_open(struct io_env *env, const char *path, unsigned flags, struct io_file **out_file)
{
    bool direct = false;
    int fd = flags & IO_DIRECT ? open_direct(path, open_flags(flags), &direct)
                               : open_retry(path, open_flags(flags));
    if (fd < 0)
        return STATUS_FROM_ERRNO(errno);
    return file_new(env, fd, direct, out_file);
}

/* An OFD lock conflicts between two descriptions even inside one process, and dies with the last
 * descriptor of its own, not when some other descriptor of the file is closed. */
status posix_lock(struct io_env *env, const char *path, struct io_file **out_file)
{
    int fd = open_retry(path, O_RDWR | O_CREAT);
    if (fd < 0)
        return STATUS_FROM_ERRNO(errno);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &whole) != 0) {
        int error = errno;
        close(fd);
        return error == EAGAIN || error == EACCES ? STATUS_OS(STATUS_BUSY, error) : STATUS_FROM_ERRNO(error);
    }
    return file_new(env, fd, false, out_file);
}

void posix_close(struct io_file *file)
{
    struct posix_file *self = (struct posix_file *)file;
    close(self->fd);
    free(self);
}

static size_t transfer_bytes(size_t left_bytes)
{
    return left_bytes < TRANSFER_BYTES_MAX ? left_bytes : TRANSFER_BYTES_MAX;
}

status posix_read(struct io_file *file, uint64_t offset, void *data, size_t bytes, size_t *out_bytes)
{
    const struct posix_file *self = (const struct posix_file *)file;
    uint8_t *at = data;
    size_t progress = 0;
    while (progress < bytes && !posix_read_is_at_end(self, progress)) {
        ssize_t n =
            pread(self->fd, at + progress, transfer_bytes(bytes - progress), (off_t)(offset + progress));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return STATUS_FROM_ERRNO(errno);
        if (n == 0)
            break;
        progress += (size_t)n;
    }
    *out_bytes = progress;
    return STATUS_DONE;
}

/* One call of the kernel; *inout_sync turns false when the caller must sync by itself. */
static ssize_t write_some(int fd, const uint8_t *data, size_t bytes, uint64_t offset, bool *inout_sync)
{
    if (*inout_sync) {
        struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = bytes};
        ssize_t n = pwritev2(fd, &part, 1, (off_t)offset, RWF_DSYNC);
        if (n >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS))
            return n;
        *inout_sync = false;
    }
    return pwrite(fd, data, bytes, (off_t)offset);
}

status posix_write(struct io_file *file, uint64_t offset, const void *data, size_t bytes, bool sync)
{
    const struct posix_file *self = (const struct posix_file *)file;
    const uint8_t *at = data;
    bool by_flag = sync;
    for (size_t progress = 0; progress < bytes;) {
        ssize_t n = write_some(self->fd, at + progress, transfer_bytes(bytes - progress), offset + progress,
                               &by_flag);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return STATUS_FROM_ERRNO(errno);
        if (n == 0)
            return STATUS_OS(STATUS_IO, EIO);
        progress += (size_t)n;
    }
    return sync && !by_flag ? posix_sync(file) : STATUS_DONE;
}

/* Whatever the error, what was not written may have been marked clean: it is a STATUS_IO for good. */
static status sync_status(int result)
{
    if (result == 0)
        return STATUS_DONE;
    return errno == ENOSPC || errno == EDQUOT ? STATUS_FROM_ERRNO(errno) : STATUS_OS(STATUS_IO, errno);
}

status posix_sync(struct io_file *file)
{
    return sync_status(fdatasync(((struct posix_file *)file)->fd));
}

status posix_size(struct io_file *file, uint64_t *out_bytes)
{
    struct stat about;
    if (fstat(((struct posix_file *)file)->fd, &about) != 0)
        return STATUS_FROM_ERRNO(errno);
    *out_bytes = (uint64_t)about.st_size;
    return STATUS_DONE;
}

status posix_truncate(struct io_file *file, uint64_t bytes)
{
    int result;
    do
        result = ftruncate(((struct posix_file *)file)->fd, (off_t)bytes);
    while (result != 0 && errno == EINTR);
    return result == 0 ? STATUS_DONE : STATUS_FROM_ERRNO(errno);
}

/* *out_reserved is false where the file system cannot. */
static status reserve(struct io_file *file, uint64_t bytes, bool *out_reserved)
{
    int result = 0;
    do
        result = bytes ? fallocate(((struct posix_file *)file)->fd, 0, 0, (off_t)bytes) : 0;
    while (result != 0 && errno == EINTR);
    *out_reserved = result == 0;
    if (result != 0 && errno != EOPNOTSUPP && errno != ENOSYS)
        return STATUS_FROM_ERRNO(errno);
    return STATUS_DONE;
}

/*
 * Reserving first finds a full disk before anything is written and keeps the blocks together; zeros
 * are written all the same, because the first write into a reserved but unwritten block changes
 * metadata and would make every later sync pay for it.
 */
status posix_zero_fill(struct io_file *file, uint64_t bytes)
{
    static _Alignas(IO_BLOCK_BYTES) uint8_t zeros[ZERO_CHUNK_BYTES]; /* never written to */
    bool reserved;
    TRY(reserve(file, bytes, &reserved));
    for (uint64_t offset = 0; offset < bytes;) {
        uint64_t left = bytes - offset;
        size_t part = left < sizeof zeros ? (size_t)left : sizeof zeros;
        TRY(posix_write(file, offset, zeros, part, false));
        offset += part;
    }
    return posix_sync(file);
}

status posix_reserve(struct io_file *file, uint64_t bytes)
{
    bool reserved;
    TRY(reserve(file, bytes, &reserved));
    return reserved ? posix_sync(file) : posix_zero_fill(file, bytes);
}

/* ---- names ---- */

static status name_status(int result)
{
    return result == 0 ? STATUS_DONE : STATUS_FROM_ERRNO(errno);
}

status posix_rename(struct io_env *env, const char *from, const char *to)
{
    (void)env;
    return name_status(rename(from, to));
}

status posix_unlink(struct io_env *env, const char *path)
{
    (void)env;
    return name_status(unlink(path));
}

status posix_mkdir(struct io_env *env, const char *path)
{
    (void)env;
    return name_status(mkdir(path, 0700));
}

status posix_rmdir(struct io_env *env, const char *path)
{
    (void)env;
    return name_status(rmdir(path));
}

status posix_sync_dir(struct io_env *env, const char *path)
{
    (void)env;
    int fd = open_retry(path, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return STATUS_FROM_ERRNO(errno);
    status st = sync_status(fsync(fd));
    close(fd);
    return st;
}

status posix_list(struct io_env *env, const char *path, void (*entry)(void *context, const char *name),
                  void *context)
{
    (void)env;
    DIR *folder = opendir(path);
    if (!folder)
        return STATUS_FROM_ERRNO(errno);
    for (;;) {
        errno = 0;
        const struct dirent *found = readdir(folder);
        if (!found)
            break;
        if (strcmp(found->d_name, ".") != 0 && strcmp(found->d_name, "..") != 0)
            entry(context, found->d_name);
    }
    int error = errno;
    closedir(folder);
    return error ? STATUS_FROM_ERRNO(error) : STATUS_DONE;
}

status posix_free_space(struct io_env *env, const char *path, uint64_t *out_bytes)
{
    (void)env;
    struct statvfs about;
    if (statvfs(path, &about) != 0)
        return STATUS_FROM_ERRNO(errno);
    *out_bytes = (uint64_t)about.f_bavail * about.f_frsize;
    return STATUS_DONE;
}
