/* `bench c CASE TIMES`: as the program in Rust, over nothing but the C library. */
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

enum { CODE = 0x1000, RAM = 0x4000, WARM_UP = 200 };

static const unsigned char PORT_OUT[] = { 0xe6, 0x80, 0xeb, 0xfc };
static const unsigned char MMIO_WRITE[] = { 0xa2, 0x00, 0x80, 0xeb, 0xfb };

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int call(int fd, unsigned long request, const void *arg, const char *name)
{
	int result = ioctl(fd, request, arg);
	if (result < 0)
		die(name);
	return result;
}
#define CALL(fd, request, arg) call(fd, request, (const void *)(arg), #request)

struct guest {
	int system, vm, vcpu;
	size_t run_size;
	struct kvm_run *run;
	void *memory;
};

static struct guest new_guest(const unsigned char *code, size_t len)
{
	struct guest guest;
	guest.system = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (guest.system < 0)
		die("/dev/kvm");
	if (CALL(guest.system, KVM_GET_API_VERSION, 0) != 12)
		die("version");
	guest.vm = CALL(guest.system, KVM_CREATE_VM, 0);
	CALL(guest.vm, KVM_SET_TSS_ADDR, 0xfffbd000);
	guest.memory = mmap(NULL, RAM, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (guest.memory == MAP_FAILED)
		die("mmap");
	struct kvm_userspace_memory_region region = {
		.memory_size = RAM,
		.userspace_addr = (uintptr_t)guest.memory,
	};
	CALL(guest.vm, KVM_SET_USER_MEMORY_REGION, &region);
	memcpy((char *)guest.memory + CODE, code, len);
	guest.run_size = CALL(guest.system, KVM_GET_VCPU_MMAP_SIZE, 0);
	guest.vcpu = CALL(guest.vm, KVM_CREATE_VCPU, 0);
	guest.run = mmap(NULL, guest.run_size, PROT_READ | PROT_WRITE, MAP_SHARED, guest.vcpu, 0);
	if (guest.run == MAP_FAILED)
		die("mmap");
	struct kvm_sregs sregs;
	CALL(guest.vcpu, KVM_GET_SREGS, &sregs);
	sregs.cs.base = sregs.cs.selector = 0;
	CALL(guest.vcpu, KVM_SET_SREGS, &sregs);
	struct kvm_regs regs = { .rip = CODE, .rflags = 2 };
	CALL(guest.vcpu, KVM_SET_REGS, &regs);
	return guest;
}

static void drop(struct guest *guest)
{
	munmap(guest->run, guest->run_size);
	close(guest->vcpu);
	close(guest->vm);
	close(guest->system);
	munmap(guest->memory, RAM);
}

static void expect(struct guest *guest, uint32_t reason)
{
	CALL(guest->vcpu, KVM_RUN, 0);
	if (guest->run->exit_reason != reason) {
		fprintf(stderr, "exit %u\n", guest->run->exit_reason);
		exit(1);
	}
}

static void port_out(struct guest *guest)
{
	expect(guest, KVM_EXIT_IO);
}

static void mmio_write(struct guest *guest)
{
	expect(guest, KVM_EXIT_MMIO);
}

static void registers_ioctl(struct guest *guest)
{
	struct kvm_regs regs;
	expect(guest, KVM_EXIT_IO);
	CALL(guest->vcpu, KVM_GET_REGS, &regs);
	regs.rbx++;
	CALL(guest->vcpu, KVM_SET_REGS, &regs);
}

static void registers_sync(struct guest *guest)
{
	guest->run->kvm_valid_regs = KVM_SYNC_X86_REGS;
	expect(guest, KVM_EXIT_IO);
	guest->run->s.regs.regs.rbx++;
	guest->run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
}

static uint64_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static uint64_t timed(struct guest guest, void (*once)(struct guest *), uint64_t times)
{
	for (int i = 0; i < WARM_UP; i++)
		once(&guest);
	uint64_t begun = now();
	for (uint64_t i = 0; i < times; i++)
		once(&guest);
	return now() - begun;
}

static uint64_t first_exit(uint64_t times)
{
	uint64_t took = 0;
	for (uint64_t i = 0; i < times; i++) {
		uint64_t begun = now();
		struct guest guest = new_guest(PORT_OUT, sizeof PORT_OUT);
		port_out(&guest);
		took += now() - begun;
		drop(&guest);
	}
	return took;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: bench c CASE TIMES\n");
		return 1;
	}
	const char *name = argv[2];
	uint64_t times = strtoull(argv[3], NULL, 10), took;
	struct guest out;
	if (!strcmp(name, "first_exit")) {
		took = first_exit(times);
	} else if (!strcmp(name, "mmio_write")) {
		took = timed(new_guest(MMIO_WRITE, sizeof MMIO_WRITE), mmio_write, times);
	} else {
		out = new_guest(PORT_OUT, sizeof PORT_OUT);
		if (!strcmp(name, "port_out"))
			took = timed(out, port_out, times);
		else if (!strcmp(name, "registers_ioctl"))
			took = timed(out, registers_ioctl, times);
		else if (!strcmp(name, "registers_sync"))
			took = timed(out, registers_sync, times);
		else
			return 1;
	}
	printf("%llu\n", (unsigned long long)took);
	return 0;
}
