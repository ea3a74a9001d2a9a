/* The classic first KVM guest: adds two numbers, prints the sum and a newline, halts. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#ifdef RAW
#include "raw.h"
#endif

static int check(const char *what, int result)
{
    if (result < 0) {
        perror(what);
        exit(1);
    }
    return result;
}

int main(void)
{
    static const uint8_t code[] = {
        0xba, 0xf8, 0x03, /* mov $0x3f8, %dx */
        0x00, 0xd8,       /* add %bl, %al */
        0x04, '0',        /* add $'0', %al */
        0xee,             /* out %al, (%dx) */
        0xb0, '\n',       /* mov $'\n', %al */
        0xee,             /* out %al, (%dx) */
        0xf4,             /* hlt */
    };
    int kvm = check("open", open("/dev/kvm", O_RDWR | O_CLOEXEC));
    int version = check("KVM_GET_API_VERSION", ioctl(kvm, KVM_GET_API_VERSION, NULL));
    if (version != 12) {
        fprintf(stderr, "KVM_GET_API_VERSION %d\n", version);
        return 1;
    }
    int vm = check("KVM_CREATE_VM", ioctl(kvm, KVM_CREATE_VM, 0UL));
    uint8_t *memory = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memcpy(memory, code, sizeof code);
    struct kvm_userspace_memory_region region = {
        .guest_phys_addr = 0x1000,
        .memory_size = 0x1000,
        .userspace_addr = (uintptr_t)memory,
    };
    check("KVM_SET_USER_MEMORY_REGION", ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region));
    int vcpu = check("KVM_CREATE_VCPU", ioctl(vm, KVM_CREATE_VCPU, 0UL));
    int size = check("KVM_GET_VCPU_MMAP_SIZE", ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, NULL));
    struct kvm_run *run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
    if (run == MAP_FAILED) {
        perror("mmap of the vCPU");
        return 1;
    }
    struct kvm_sregs sregs;
    check("KVM_GET_SREGS", ioctl(vcpu, KVM_GET_SREGS, &sregs));
    sregs.cs.base = 0;
    sregs.cs.selector = 0;
    check("KVM_SET_SREGS", ioctl(vcpu, KVM_SET_SREGS, &sregs));
    struct kvm_regs regs = {.rip = 0x1000, .rax = 2, .rbx = 2, .rflags = 2};
    check("KVM_SET_REGS", ioctl(vcpu, KVM_SET_REGS, &regs));
    for (;;) {
        check("KVM_RUN", ioctl(vcpu, KVM_RUN, NULL));
        switch (run->exit_reason) {
        case KVM_EXIT_HLT:
            puts("KVM_EXIT_HLT");
            return 0;
        case KVM_EXIT_IO:
            if (run->io.direction == KVM_EXIT_IO_OUT && run->io.port == 0x3f8 && run->io.count == 1) {
                putchar(*((char *)run + run->io.data_offset));
                break;
            }
            /* fall through */
        default:
            fprintf(stderr, "exit_reason = 0x%x\n", run->exit_reason);
            return 1;
        }
    }
}
