/* Writes to a vCPU's run page while another thread is in KVM_RUN, as no program should: what the kernel gives is an
 * error at most. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile uint8_t *page;
static pthread_t runner;

static void handler(int signal)
{
    (void)signal;
    page[1] = 1; /* immediate_exit */
}

static void *scribble(void *seed)
{
    uint32_t state = (uint32_t)(uintptr_t)seed;
    for (int i = 0; i < 20000; i++) {
        state = state * 1664525 + 1013904223;
        size_t at = (state >> 8) % 4096;
        if (at != 1)
            page[at] = state >> 24;
    }
    pthread_kill(runner, SIGRTMIN);
    return NULL;
}

int main(void)
{
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    int vm = ioctl(kvm, KVM_CREATE_VM, 0UL);
    ioctl(vm, KVM_CREATE_IRQCHIP, 0UL);
    uint8_t *memory = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memory[0xff0] = 0xf4; /* hlt */
    struct kvm_userspace_memory_region region = {
        .guest_phys_addr = 0xfffff000, .memory_size = 0x1000, .userspace_addr = (uintptr_t)memory};
    ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region);
    int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0UL);
    page = mmap(NULL, ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0UL), PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
    runner = pthread_self();
    signal(SIGRTMIN, handler);
    for (uintptr_t i = 1; i <= 50; i++) {
        pthread_t other;
        pthread_create(&other, NULL, scribble, (void *)i);
        /* What is there when the vCPU enters may be refused. */
        int result = ioctl(vcpu, KVM_RUN, 0UL);
        if (result != -1 || (errno != EINTR && errno != EINVAL))
            printf("run %d: %d\n", (int)i, result);
        pthread_join(other, NULL);
        memset((void *)page, 0, 4096);
    }
    page[1] = 1;
    int result = ioctl(vcpu, KVM_RUN, 0UL);
    printf("once it is left alone: %s\n", result == -1 && errno == EINTR ? "EINTR" : "something else");
    return 0;
}
