/* Uses KVM as no program should, and says what came of each call. Request numbers come on standard input, each with
 * the kinds of descriptor to try it on. What it prints is the same wherever KVM answers. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Zero or success, or the name of the error. */
static const char *said(long result)
{
    return result >= 0 ? "ok" : strerrorname_np(errno);
}

static void say(const char *what, long result)
{
    printf("%s: %s\n", what, said(result));
    fflush(stdout);
}

static int machine(int *vm, int *vcpu)
{
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    *vm = ioctl(kvm, KVM_CREATE_VM, 0UL);
    *vcpu = ioctl(*vm, KVM_CREATE_VCPU, 0UL);
    return kvm;
}

/* Each request, on each kind, with arguments that lead nowhere, to too little, to what can't be written, and to bytes that
 * mean nothing. */
static void addresses(void)
{
    enum { PAGE = 4096, ROOM = 16 * PAGE };
    /* Some calls take the address for a number, so it is always the same. */
    char *room = mmap((char *)0x123456780000UL, 3 * ROOM, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    char *end = room + ROOM, *fixed = end + PAGE;
    mprotect(end, PAGE, PROT_NONE);
    mprotect(fixed, ROOM, PROT_READ);
    const struct {
        char *argument;
        int byte;
    } tries[] = {
        {(char *)1, 0}, {(char *)PAGE, 0}, {(char *)-1, 0}, {(char *)0xffff800000000000UL, 0},
        {end - 2, 0}, {end - 8, 0}, {end - 64, 0}, {end - 64, 0xff}, {fixed, 0},
        {room, 0}, {room + 1, 0}, {room, 0xff}, {room + 3, 0xff},
    };
    char kinds[8];
    unsigned long request;
    while (scanf("%lx %7s", &request, kinds) == 2) {
        for (const char *kind = kinds; *kind; kind++) {
            for (unsigned i = 0; i < sizeof tries / sizeof *tries; i++) {
                int vm, vcpu, kvm = machine(&vm, &vcpu);
                int fd = *kind == 's' ? kvm : *kind == 'v' ? vm : vcpu;
                memset(room, tries[i].byte, ROOM);
                long result = ioctl(fd, request, tries[i].argument);
                printf("%c %lx %u: %s\n", *kind, request, i, said(result));
                close(vcpu);
                close(vm);
                close(kvm);
            }
        }
    }
    munmap(room, 3 * ROOM);
}

/* Numbers that are none, and sizes that are others. */
static void numbers(void)
{
    int vm, vcpu, kvm = machine(&vm, &vcpu);
    int fds[] = {kvm, vm, vcpu};
    static char room[1 << 16];
    static const unsigned long requests[] = {
        0, 0xae, 0xaeff, 0x4000ae46, 0x4021ae46, 0x8091ae81, 0xc004ae03, 0xc008af05, 0x5401, 0x541b, 0xffffffff,
        0x8090ae81, 0x4020ae46, 0xc008ae05,
    };
    for (unsigned i = 0; i < sizeof requests / sizeof *requests; i++) {
        for (unsigned n = 0; n < 3; n++) {
            /* As a rule on the wrong kind of descriptor, or no call at all. */
            if ((requests[i] == 0x8090ae81 && n == 2) || (requests[i] == 0x4020ae46 && n == 1) ||
                (requests[i] == 0xc008ae05 && n == 0))
                continue;
            long result = ioctl(fds[n], requests[i], room);
            printf("number %lx on %u: %s\n", requests[i], n, said(result));
        }
    }
    /* The kernel looks at 32 bits of the number. */
    say("high bits", ioctl(kvm, 0xffffffff0000ae00UL | KVM_GET_API_VERSION, 0UL));
    say("argument of a call that takes none", ioctl(kvm, KVM_GET_API_VERSION, 1UL));
    say("argument of KVM_RUN", ioctl(vcpu, KVM_RUN, 1UL));
    close(vcpu);
    close(vm);
    close(kvm);
}

/* Counts that promise more than there is. */
static void counts(void)
{
    int vm, vcpu, kvm = machine(&vm, &vcpu);
    uint32_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    static const uint32_t counts[] = {0, 1, 257, 65537, 0x7fffffff, 0xffffffff};
    for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++) {
        memset(page, 0, 4096);
        *page = counts[i];
        say("KVM_SET_CPUID2", ioctl(vcpu, KVM_SET_CPUID2, page));
        *page = counts[i];
        say("KVM_GET_MSR_INDEX_LIST", ioctl(kvm, KVM_GET_MSR_INDEX_LIST, page) == 0 ? 0 : -(errno == E2BIG));
        memset(page, 0, 4096);
        *page = counts[i] > 1 ? counts[i] : 300;
        say("KVM_GET_MSRS", ioctl(vcpu, KVM_GET_MSRS, page));
        *page = counts[i];
        say("KVM_SET_SIGNAL_MASK", ioctl(vcpu, KVM_SET_SIGNAL_MASK, page));
    }
    munmap(page, 4096);
    close(vcpu);
    close(vm);
    close(kvm);
}

/* Descriptors as files. */
static void files(void)
{
    int vm, vcpu, kvm = machine(&vm, &vcpu);
    char byte;
    say("read of a VM", read(vm, &byte, 1));
    say("pread of a vCPU", pread(vcpu, &byte, 1, 0));
    say("mmap of a VM", mmap(NULL, 4096, PROT_READ, MAP_SHARED, vm, 0) == MAP_FAILED ? -1 : 0);
    say("close-on-exec of a VM", fcntl(vm, F_GETFD) == FD_CLOEXEC ? 0 : -1);
    struct pollfd watch = {.fd = vm, .events = POLLIN};
    say("poll of a VM", poll(&watch, 1, 0));
    int copy = dup(vm);
    close(vm);
    say("a copy", ioctl(copy, KVM_CHECK_EXTENSION, 3UL));
    say("the closed one", ioctl(vm, KVM_CHECK_EXTENSION, 3UL));
    int other = open("/dev/null", O_RDWR);
    say("its number, reused", ioctl(other, KVM_CHECK_EXTENSION, 3UL));
    dup2(copy, other);
    say("a copy over a file", ioctl(other, KVM_CHECK_EXTENSION, 3UL));
    int file = open("/dev/null", O_RDWR);
    dup2(file, other);
    say("a file over a copy", ioctl(other, KVM_CHECK_EXTENSION, 3UL));
    int high = fcntl(copy, F_DUPFD_CLOEXEC, 100);
    say("a high copy", high == 100 ? ioctl(high, KVM_CHECK_EXTENSION, 3UL) : -1);
    close_range(100, 200, 0);
    say("closed in a range", ioctl(high, KVM_CHECK_EXTENSION, 3UL));
    say("an open of nothing", open((char *)1, O_RDONLY));
    say("by another path", close(open("/dev/../dev//./kvm", O_RDWR)));
    int dev = open("/dev", O_RDONLY | O_DIRECTORY);
    int at = openat(dev, "kvm", O_RDWR);
    say("by a directory", ioctl(at, KVM_GET_API_VERSION, 0UL) == 12 ? 0 : -1);
    close(at);
    close(dev);

    int pair[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &copy, sizeof(int));
    say("sent", sendmsg(pair[0], &message, 0));
    say("received", recvmsg(pair[1], &message, 0));
    int passed;
    memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
    say("what was passed", ioctl(passed, KVM_CHECK_EXTENSION, 3UL));
    close(passed);
    close(pair[0]);
    close(pair[1]);
    close(copy);
    close(other);
    close(file);
    close(vcpu);
    close(kvm);
}

static void in_child(const char *name, void (*work)(int, int, int))
{
    int vm, vcpu, kvm = machine(&vm, &vcpu);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        work(kvm, vm, vcpu);
        fflush(stdout);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    printf("%s: %s\n", name, WIFEXITED(status) ? "exited" : "killed");
    say("the parent's VM after it", ioctl(vm, KVM_CHECK_EXTENSION, 3UL));
    close(vcpu);
    close(vm);
    close(kvm);
}

static void use(int kvm, int vm, int vcpu)
{
    struct kvm_regs regs;
    say("the parent's VM", ioctl(vm, KVM_CHECK_EXTENSION, 3UL));
    say("the parent's vCPU", ioctl(vcpu, KVM_GET_REGS, &regs));
    say("the parent's vCPU, run", ioctl(vcpu, KVM_RUN, 0UL));
    int own = ioctl(kvm, KVM_CREATE_VM, 0UL);
    say("a VM of its own", own);
    say("used", ioctl(own, KVM_CHECK_EXTENSION, 3UL));
    close(vm);
    int file = open("/dev/null", O_RDWR);
    say("the number of the parent's VM, reused", ioctl(file, KVM_CHECK_EXTENSION, 3UL));
}

static void become(int kvm, int vm, int vcpu)
{
    char numbers[5][16];
    int fds[] = {kvm, vm, vcpu, open("/dev/kvm", O_RDWR), ioctl(kvm, KVM_CREATE_VM, 0UL)};
    for (int i = 0; i < 5; i++) {
        /* The first of /dev/kvm was to be closed, the second was not, and a VM always is, unless it is said. */
        if (i < 3)
            fcntl(fds[i], F_SETFD, 0);
        snprintf(numbers[i], sizeof numbers[i], "%d", fds[i]);
    }
    execl("/proc/self/exe", "hostile", numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], (char *)NULL);
}

static void became(char **numbers)
{
    int kvm = atoi(numbers[1]), vm = atoi(numbers[2]), vcpu = atoi(numbers[3]);
    int kept = atoi(numbers[4]), closed = atoi(numbers[5]);
    struct kvm_regs regs;
    say("inherited /dev/kvm", ioctl(kvm, KVM_GET_API_VERSION, 0UL) == 12 ? 0 : -1);
    say("inherited VM", ioctl(vm, KVM_CHECK_EXTENSION, 3UL));
    say("inherited vCPU", ioctl(vcpu, KVM_GET_REGS, &regs));
    say("inherited vCPU, run", ioctl(vcpu, KVM_RUN, 0UL));
    say("never to be closed", ioctl(kept, KVM_GET_API_VERSION, 0UL) == 12 ? 0 : -1);
    say("closed on exec", ioctl(closed, KVM_CHECK_EXTENSION, 3UL));
    vm = ioctl(kvm, KVM_CREATE_VM, 0UL);
    say("a VM from what was inherited", ioctl(vm, KVM_CREATE_VCPU, 0UL));
}

static void borrow(void)
{
    int vm, vcpu, kvm = machine(&vm, &vcpu);
    pid_t child = vfork();
    if (child == 0) {
        close(vm);
        close(vcpu);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    say("a VM that a child of vfork closed for itself", ioctl(vm, KVM_CHECK_EXTENSION, 3UL));
    close(vcpu);
    close(vm);
    close(kvm);
}

static void nothing(int signal)
{
    (void)signal;
}

static int threads_vm, threads_vcpu;

static void *crowd(void *seed)
{
    unsigned state = (unsigned)(uintptr_t)seed;
    struct kvm_regs regs;
    for (int i = 0; i < 300; i++) {
        state = state * 1103515245 + 12345;
        int vm, vcpu, kvm = machine(&vm, &vcpu);
        int file = open("/dev/null", O_RDWR);
        if (ioctl(file, KVM_GET_API_VERSION, 0UL) != -1)
            return "a file is no KVM";
        int copy = dup(vcpu);
        close(vcpu);
        if (ioctl(copy, KVM_GET_REGS, &regs) != 0)
            return "a copy of a vCPU is one";
        ioctl(threads_vm, KVM_CHECK_EXTENSION, (unsigned long)(state >> 16));
        ioctl(threads_vcpu, KVM_SET_REGS, &regs);
        ioctl(threads_vcpu, KVM_GET_REGS, (void *)(uintptr_t)state);
        close(copy);
        close(file);
        close(vm);
        close(kvm);
    }
    return NULL;
}

static void threads(void)
{
    int kvm = machine(&threads_vm, &threads_vcpu);
    pthread_t all[8];
    for (uintptr_t i = 0; i < 8; i++)
        pthread_create(&all[i], NULL, crowd, (void *)(i + 1));
    for (int i = 0; i < 8; i++) {
        void *trouble;
        pthread_join(all[i], &trouble);
        printf("thread: %s\n", trouble ? (char *)trouble : "fine");
    }
    close(threads_vcpu);
    close(threads_vm);
    close(kvm);
}

int main(int count, char **arguments)
{
    if (count == 6) {
        became(arguments);
        return 0;
    }
    signal(SIGUSR1, nothing);
    addresses();
    numbers();
    counts();
    files();
    in_child("fork", use);
    in_child("exec", become);
    borrow();
    threads();
    puts("the end");
    return 0;
}
