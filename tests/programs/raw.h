/* Calls of the C library, made by their numbers. */
#include <sys/syscall.h>
#include <unistd.h>

#define open(path, flags) (int)syscall(SYS_openat, AT_FDCWD, path, flags)
#define ioctl(fd, request, argument) (int)syscall(SYS_ioctl, fd, request, argument)
#define mmap(start, length, access, flags, fd, offset) \
    (void *)syscall(SYS_mmap, start, length, access, flags, fd, offset)
