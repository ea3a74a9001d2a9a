/* Prints the nanoseconds of an exit for port output, of a KVM_GET_REGS, and of calls that are not KVM's: a read and an
 * ioctl. The guest has as many KiB as the argument says, and writes to one page of them between two exits. */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e9 + time.tv_nsec;
}

int main(int count, char **arguments)
{
    enum { TIMES = 2000 };
    size_t size = (count > 1 ? atol(arguments[1]) : 64) << 10;
    /* out %al, $0x10; incb 0x5000; jmp to the first */
    static const uint8_t code[] = {0xe6, 0x10, 0xfe, 0x06, 0x00, 0x50, 0xeb, 0xf8};
    int kvm = open("/dev/kvm", O_RDWR);
    int vm = ioctl(kvm, KVM_CREATE_VM, 0UL);
    uint8_t *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memcpy(memory, code, sizeof code);
    struct kvm_userspace_memory_region region = {
        .guest_phys_addr = 0x1000, .memory_size = size, .userspace_addr = (uintptr_t)memory};
    ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region);
    int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0UL);
    struct kvm_run *run = mmap(NULL, ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0UL), PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
    struct kvm_sregs sregs;
    ioctl(vcpu, KVM_GET_SREGS, &sregs);
    sregs.cs.base = sregs.cs.selector = 0;
    ioctl(vcpu, KVM_SET_SREGS, &sregs);
    struct kvm_regs regs = {.rip = 0x1000, .rflags = 2};
    ioctl(vcpu, KVM_SET_REGS, &regs);
    for (int i = 0; i < 1000; i++)
        ioctl(vcpu, KVM_RUN, 0UL);
    double begun = now();
    for (int i = 0; i < TIMES; i++)
        if (ioctl(vcpu, KVM_RUN, 0UL) || run->exit_reason != KVM_EXIT_IO)
            return 1;
    double ran = now();
    for (int i = 0; i < TIMES; i++)
        ioctl(vcpu, KVM_GET_REGS, &regs);
    double got = now();
    int zero = open("/dev/zero", O_RDONLY), ends[2], waiting;
    char byte;
    if (pipe(ends))
        return 1;
    double opened = now();
    for (int i = 0; i < 10 * TIMES; i++)
        if (read(zero, &byte, 1) != 1)
            return 1;
    double has_read = now();
    for (int i = 0; i < 10 * TIMES; i++)
        ioctl(ends[0], FIONREAD, &waiting);
    double asked = now();
    printf("%f %f %f %f\n", (ran - begun) / TIMES, (got - ran) / TIMES, (has_read - opened) / TIMES / 10,
           (asked - has_read) / TIMES / 10);
    return 0;
}
