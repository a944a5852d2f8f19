/* A planted bug for the row `powercut`: preloaded into the hub, it says that all is on the disk and asks the disk for nothing.
 * With FOLDERS_ONLY, files are made durable and their names are not. */
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static int asks(int fd, long call)
{
#ifdef FOLDERS_ONLY
    struct stat about;
    if (fstat(fd, &about) != 0 || !S_ISDIR(about.st_mode))
        return (int)syscall(call, fd);
#endif
    (void)fd;
    (void)call;
    return 0;
}

int fsync(int fd) { return asks(fd, SYS_fsync); }

int fdatasync(int fd) { return asks(fd, SYS_fdatasync); }

#ifndef FOLDERS_ONLY
int syncfs(int fd) { return asks(fd, SYS_syncfs); }

int sync_file_range(int fd, off_t from, off_t bytes, unsigned int flags)
{
    (void)from;
    (void)bytes;
    (void)flags;
    return asks(fd, SYS_sync_file_range);
}
#endif
