/* A guest that leaves a word in its memory, signals an eventfd by writing to a port, and exits by writing to another one.
   Prints what has come of it at each exit. */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

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
        0xc7, 0x06, 0x00, 0x18, 0x34, 0x12, /* movw $0x1234, 0x1800 */
        0xe6, 0x10,                         /* out %al, $0x10 */
        0xe6, 0x20,                         /* out %al, $0x20 */
        0xc6, 0x06, 0x00, 0x18, 0x56,       /* movb $0x56, 0x1800 */
        0xf4,                               /* hlt */
    };
    int kvm = check("open", open("/dev/kvm", O_RDWR | O_CLOEXEC));
    int vm = check("KVM_CREATE_VM", ioctl(kvm, KVM_CREATE_VM, 0UL));
    uint8_t *memory = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memcpy(memory, code, sizeof code);
    struct kvm_userspace_memory_region region = {
        .guest_phys_addr = 0x1000,
        .memory_size = 0x1000,
        .userspace_addr = (uintptr_t)memory,
    };
    check("KVM_SET_USER_MEMORY_REGION", ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region));
    int bell = check("eventfd", eventfd(0, EFD_NONBLOCK));
    struct kvm_ioeventfd event = {.addr = 0x10, .len = 1, .fd = bell, .flags = KVM_IOEVENTFD_FLAG_PIO};
    check("KVM_IOEVENTFD", ioctl(vm, KVM_IOEVENTFD, &event));
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
    struct kvm_regs regs = {.rip = 0x1000, .rax = 2, .rflags = 2};
    check("KVM_SET_REGS", ioctl(vcpu, KVM_SET_REGS, &regs));
    do {
        check("KVM_RUN", ioctl(vcpu, KVM_RUN, NULL));
        uint64_t rung = 0;
        if (read(bell, &rung, sizeof rung) < 0)
            rung = 0;
        uint16_t left;
        memcpy(&left, memory + 0x800, sizeof left);
        printf("exit %u, signals %u, left %#x\n", run->exit_reason, (unsigned)rung, left);
    } while (run->exit_reason == KVM_EXIT_IO);
    return 0;
}
