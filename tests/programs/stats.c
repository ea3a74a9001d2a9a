/* Reads the statistics of a VM and of a vCPU as a file. What it prints is the same wherever KVM answers. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static char *volatile nowhere = (char *)1;

static void say(const char *what, ssize_t read)
{
    if (read < 0)
        printf("%s: %s\n", what, strerrorname_np(errno));
    else
        printf("%s: %zd\n", what, read);
}

static void look(const char *whose, int fd)
{
    struct kvm_stats_header first, again;
    char id[256], same[256], rest[1 << 16];

    printf("of the %s\n", whose);
    say("header", read(fd, &first, sizeof first));
    say("again", pread(fd, &again, sizeof again, 0));
    puts(memcmp(&first, &again, sizeof first) == 0 ? "the same" : "another");
    /* Where the first read ended, whatever was read by offset since. */
    ssize_t after = read(fd, id, first.name_size);
    puts(after == first.name_size && first.id_offset == sizeof first ? "its name" : "something else");
    puts(pread(fd, same, first.name_size, first.id_offset) == after && memcmp(id, same, after) == 0 ? "the same"
                                                                                                    : "another");
    /* A copy reads on where the other stopped. */
    int copy = dup(fd);
    uint32_t desc;
    ssize_t at_copy = read(copy, &desc, sizeof desc);
    puts(at_copy == sizeof desc && pread(fd, same, sizeof desc, sizeof first + first.name_size) == sizeof desc &&
                 memcmp(&desc, same, sizeof desc) == 0
             ? "the same"
             : "another");
    close(copy);
    ssize_t most = first.data_offset + first.num_desc * 8;
    puts(pread(fd, rest, sizeof rest, 0) >= most ? "all of it" : "not all");
    say("behind the end", pread(fd, rest, sizeof rest, 1 << 24));
    say("nothing", read(fd, rest, 0));
    say("before the start", pread(fd, rest, 1, -1));
    say("to nowhere", pread(fd, nowhere, 8, 0));
    puts(write(fd, rest, 1) == -1 ? "a write: refused" : "written to");
    close(fd);
    say("once closed", read(fd, rest, 1));
}

int main(void)
{
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    int vm = ioctl(kvm, KVM_CREATE_VM, 0UL);
    int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0UL);
    look("VM", ioctl(vm, KVM_GET_STATS_FD, 0UL));
    look("vCPU", ioctl(vcpu, KVM_GET_STATS_FD, 0UL));
    return 0;
}
