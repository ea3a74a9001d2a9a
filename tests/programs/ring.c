/* A guest that writes to two pages, and exits after each. Prints what its dirty ring tells of them. */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

enum { RING = 0x1000, PAGE = 0x1000 };

static int check(const char *what, int result)
{
    if (result < 0) {
        perror(what);
        exit(1);
    }
    return result;
}

static void *map(const char *what, int fd, size_t size, off_t offset)
{
    void *start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
    if (start == MAP_FAILED) {
        perror(what);
        exit(1);
    }
    return start;
}

int main(void)
{
    static const uint8_t code[] = {
        0xc6, 0x06, 0x00, 0x28, 0x01, /* movb $1, 0x2800 */
        0xe6, 0x20,                   /* out %al, $0x20 */
        0xc6, 0x06, 0x00, 0x38, 0x01, /* movb $1, 0x3800 */
        0xf4,                         /* hlt */
    };
    int kvm = check("open", open("/dev/kvm", O_RDWR | O_CLOEXEC));
    int vm = check("KVM_CREATE_VM", ioctl(kvm, KVM_CREATE_VM, 0UL));
    struct kvm_enable_cap ring = {.cap = KVM_CAP_DIRTY_LOG_RING, .args = {RING}};
    check("KVM_ENABLE_CAP", ioctl(vm, KVM_ENABLE_CAP, &ring));
    uint8_t *memory = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memcpy(memory, code, sizeof code);
    struct kvm_userspace_memory_region region = {
        .slot = 5,
        .flags = KVM_MEM_LOG_DIRTY_PAGES,
        .guest_phys_addr = 0x1000,
        .memory_size = 3 * PAGE,
        .userspace_addr = (uintptr_t)memory,
    };
    check("KVM_SET_USER_MEMORY_REGION", ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region));
    int vcpu = check("KVM_CREATE_VCPU", ioctl(vm, KVM_CREATE_VCPU, 0UL));
    int size = check("KVM_GET_VCPU_MMAP_SIZE", ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, NULL));
    struct kvm_run *run = map("mmap of the vCPU", vcpu, size, 0);
    struct kvm_dirty_gfn *entry = map("mmap of the ring", vcpu, RING, KVM_DIRTY_LOG_PAGE_OFFSET * PAGE);
    struct kvm_sregs sregs;
    check("KVM_GET_SREGS", ioctl(vcpu, KVM_GET_SREGS, &sregs));
    sregs.cs.base = 0;
    sregs.cs.selector = 0;
    check("KVM_SET_SREGS", ioctl(vcpu, KVM_SET_SREGS, &sregs));
    struct kvm_regs regs = {.rip = 0x1000, .rflags = 2};
    check("KVM_SET_REGS", ioctl(vcpu, KVM_SET_REGS, &regs));
    do {
        check("KVM_RUN", ioctl(vcpu, KVM_RUN, NULL));
        printf("exit %u\n", run->exit_reason);
        for (; __atomic_load_n(&entry->flags, __ATOMIC_ACQUIRE) == KVM_DIRTY_GFN_F_DIRTY; entry++) {
            printf("slot %u, page %llu\n", entry->slot, (unsigned long long)entry->offset);
            __atomic_store_n(&entry->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
        }
        printf("reset %d\n", check("KVM_RESET_DIRTY_RINGS", ioctl(vm, KVM_RESET_DIRTY_RINGS, 0UL)));
    } while (run->exit_reason == KVM_EXIT_IO);
    return 0;
}
