# In place of the C library's: KVM_RUN is four instructions, so that all others are the caller's.
    .text
    .globl ioctl
    .type ioctl, @function
ioctl:
    cmpl $0xae80, %esi
    jne other_ioctl
    xorl %eax, %eax
    ret
    .size ioctl, . - ioctl
    .section .note.GNU-stack, "", @progbits
    .text
