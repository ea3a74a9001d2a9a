/* The loops as a C program writes them that checks nothing: budget_c LOOP EXITS. */
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

static _Alignas(4096) unsigned char page[8192];

int other_ioctl(void) { return 0; }

/* The system call alone: what all others are counted from. */
__attribute__((noinline)) unsigned long c_nothing(int fd, unsigned long exits)
{
	unsigned long total = exits;

	while (exits--) {
		if (ioctl(fd, KVM_RUN, 0))
			return 0;
	}
	return total;
}

__attribute__((noinline)) unsigned long c_mmio_write(int fd, struct kvm_run *run, unsigned long exits)
{
	unsigned long total = 0;

	while (exits--) {
		if (ioctl(fd, KVM_RUN, 0) || run->exit_reason != KVM_EXIT_MMIO)
			break;
		if (run->mmio.is_write)
			total += run->mmio.phys_addr;
	}
	return total;
}

__attribute__((noinline)) unsigned long c_port_out(int fd, struct kvm_run *run, unsigned long exits)
{
	unsigned long total = 0;

	while (exits--) {
		if (ioctl(fd, KVM_RUN, 0) || run->exit_reason != KVM_EXIT_IO)
			break;
		if (run->io.direction == KVM_EXIT_IO_OUT)
			total += run->io.port;
	}
	return total;
}

__attribute__((noinline)) unsigned long c_registers(int fd, struct kvm_run *run, unsigned long exits)
{
	unsigned long total = 0;

	run->kvm_valid_regs = KVM_SYNC_X86_REGS;
	while (exits--) {
		if (ioctl(fd, KVM_RUN, 0) || run->exit_reason != KVM_EXIT_IO)
			break;
		if (run->io.direction == KVM_EXIT_IO_OUT)
			total += run->io.port;
		total += run->s.regs.regs.rax;
		run->s.regs.regs.rip += 1;
		run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
	}
	return total;
}

__attribute__((noinline)) unsigned long c_ten_kinds(int fd, struct kvm_run *run, unsigned long exits)
{
	unsigned long total = 0;

	while (exits--) {
		if (ioctl(fd, KVM_RUN, 0))
			break;
		switch (run->exit_reason) {
		case KVM_EXIT_IO:
			if (run->io.direction == KVM_EXIT_IO_OUT)
				total += run->io.port;
			else
				memset((char *)run + run->io.data_offset, 0xff,
				       run->io.size * run->io.count);
			break;
		case KVM_EXIT_MMIO:
			if (run->mmio.is_write)
				total += run->mmio.phys_addr;
			else
				memset(run->mmio.data, 0xff, run->mmio.len);
			break;
		case KVM_EXIT_X86_RDMSR:
			run->msr.data = 0;
			break;
		case KVM_EXIT_X86_WRMSR:
			run->msr.error = 1;
			break;
		case KVM_EXIT_HYPERCALL:
			run->hypercall.ret = 0;
			break;
		case KVM_EXIT_SYSTEM_EVENT:
			total += run->system_event.ndata;
			break;
		default:
			return total;
		}
	}
	return total;
}

int main(int argc, char **argv)
{
	struct kvm_run *run = (struct kvm_run *)page;
	const char *name = argc == 3 ? argv[1] : "";
	unsigned long exits = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	unsigned long total = 0;

	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = KVM_EXIT_IO_OUT;
	run->io.size = 1;
	run->io.port = 0x3f8;
	run->io.count = 1;
	run->io.data_offset = 4096;
	if (strstr(name, "mmio")) {
		run->exit_reason = KVM_EXIT_MMIO;
		run->mmio.phys_addr = 0xd0000000;
		run->mmio.len = 4;
		run->mmio.is_write = 1;
	}
	if (!strcmp(name, "c_nothing"))
		total = c_nothing(-1, exits);
	else if (!strcmp(name, "c_mmio_write"))
		total = c_mmio_write(-1, run, exits);
	else if (!strcmp(name, "c_port_out"))
		total = c_port_out(-1, run, exits);
	else if (!strcmp(name, "c_registers"))
		total = c_registers(-1, run, exits);
	else if (!strncmp(name, "c_ten_kinds", 11))
		total = c_ten_kinds(-1, run, exits);
	printf("%lu\n", total);
	return total < exits;
}
