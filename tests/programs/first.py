"""The classic first KVM guest, by ctypes and fcntl: adds two numbers, prints the sum and a newline, halts."""

import ctypes
import fcntl
import mmap
import os

KVM_GET_API_VERSION = 0xAE00
KVM_CREATE_VM = 0xAE01
KVM_GET_VCPU_MMAP_SIZE = 0xAE04
KVM_CREATE_VCPU = 0xAE41
KVM_SET_USER_MEMORY_REGION = 0x4020AE46
KVM_RUN = 0xAE80
KVM_SET_REGS = 0x4090AE82
KVM_GET_SREGS = 0x8138AE83
KVM_SET_SREGS = 0x4138AE84
KVM_EXIT_IO = 2
KVM_EXIT_HLT = 5

CODE = bytes.fromhex("ba f8 03 00 d8 04 30 ee b0 0a ee f4")


class Region(ctypes.Structure):
    _fields_ = [
        ("slot", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("guest_phys_addr", ctypes.c_uint64),
        ("memory_size", ctypes.c_uint64),
        ("userspace_addr", ctypes.c_uint64),
    ]


class Regs(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_uint64)
        for name in "rax rbx rcx rdx rsi rdi rsp rbp r8 r9 r10 r11 r12 r13 r14 r15 rip rflags".split()
    ]


kvm = os.open("/dev/kvm", os.O_RDWR)
assert fcntl.ioctl(kvm, KVM_GET_API_VERSION, 0) == 12
vm = fcntl.ioctl(kvm, KVM_CREATE_VM, 0)
memory = mmap.mmap(-1, 0x1000)
memory[: len(CODE)] = CODE
address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
region = Region(0, 0, 0x1000, 0x1000, address)
fcntl.ioctl(vm, KVM_SET_USER_MEMORY_REGION, region)
vcpu = fcntl.ioctl(vm, KVM_CREATE_VCPU, 0)
run = mmap.mmap(vcpu, fcntl.ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0))
sregs = bytearray(312)
fcntl.ioctl(vcpu, KVM_GET_SREGS, sregs)
sregs[0:8] = bytes(8)  # cs.base
sregs[12:14] = bytes(2)  # cs.selector
fcntl.ioctl(vcpu, KVM_SET_SREGS, sregs)
fcntl.ioctl(vcpu, KVM_SET_REGS, Regs(rip=0x1000, rax=2, rbx=2, rflags=2))
while True:
    fcntl.ioctl(vcpu, KVM_RUN, 0)
    reason = int.from_bytes(run[8:12], "little")
    if reason == KVM_EXIT_HLT:
        print("KVM_EXIT_HLT", flush=True)
        break
    assert reason == KVM_EXIT_IO, reason
    offset = int.from_bytes(run[40:48], "little")
    print(chr(run[offset]), end="")
