/* The ways in which VMMs make a vCPU return. A guest that halts, and has nothing to wake it, is in KVM_RUN until then. */
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

static struct kvm_run *run;
static int kvm, vm, vcpu;
static pthread_t runner;
static volatile int handled;

static void handler(int signal)
{
    (void)signal;
    handled++;
    run->immediate_exit = 1;
}

static void *kick(void *after)
{
    usleep((uintptr_t)after);
    pthread_kill(runner, SIGRTMIN);
    return NULL;
}

static void entered(const char *what)
{
    int result = ioctl(vcpu, KVM_RUN, 0UL);
    printf("%s: %s, handled %d\n", what, result == 0 ? "an exit" : strerrorname_np(errno), handled);
    fflush(stdout);
    run->immediate_exit = 0;
    handled = 0;
}

static void kicked(const char *what, uintptr_t after)
{
    pthread_t kicker;
    pthread_create(&kicker, NULL, kick, (void *)after);
    entered(what);
    pthread_join(kicker, NULL);
    handled = 0;
    run->immediate_exit = 0;
}

int main(void)
{
    kvm = open("/dev/kvm", O_RDWR);
    vm = ioctl(kvm, KVM_CREATE_VM, 0UL);
    /* With an interrupt controller in the kernel a halt does not exit. */
    ioctl(vm, KVM_CREATE_IRQCHIP, 0UL);
    uint8_t *memory = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memory[0xff0] = 0xf4; /* hlt */
    struct kvm_userspace_memory_region region = {
        .guest_phys_addr = 0xfffff000, .memory_size = 0x1000, .userspace_addr = (uintptr_t)memory};
    ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region);
    vcpu = ioctl(vm, KVM_CREATE_VCPU, 0UL);
    run = mmap(NULL, ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0UL), PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
    runner = pthread_self();
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigaction(SIGRTMIN, &action, NULL);

    run->immediate_exit = 1;
    entered("immediate_exit");
    kicked("a signal during the run", 50000);
    /* Some come before the run, some in it, and none is lost. */
    for (int i = 0; i < 2000; i++) {
        pthread_t kicker;
        pthread_create(&kicker, NULL, kick, (void *)(uintptr_t)(i % 40));
        int result = ioctl(vcpu, KVM_RUN, 0UL);
        if (result != -1 || errno != EINTR)
            printf("kick %d: %d\n", i, result);
        pthread_join(kicker, NULL);
        run->immediate_exit = 0;
    }
    puts("2000 kicks at any time: none lost");
    handled = 0;

    sigset_t kicks, before;
    sigemptyset(&kicks);
    sigaddset(&kicks, SIGRTMIN);
    pthread_sigmask(SIG_BLOCK, &kicks, &before);
    struct {
        struct kvm_signal_mask head;
        uint64_t set;
    } __attribute__((packed)) mask = {.head = {.len = 8}, .set = ~(1UL << (SIGRTMIN - 1))};
    int result = ioctl(vcpu, KVM_SET_SIGNAL_MASK, &mask);
    printf("KVM_SET_SIGNAL_MASK: %d\n", result);
    kicked("a signal that only the vCPU lets in", 50000);
    entered("pending still");
    int number;
    sigwait(&kicks, &number);
    printf("taken: %d\n", number == SIGRTMIN);
    kill(getpid(), SIGWINCH);
    kicked("a signal that does nothing, then a kick", 50000);
    return 0;
}
