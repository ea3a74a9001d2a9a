# A guest for 64-bit mode: asks a device how many Fibonacci numbers it wants, writes them to memory,
# tells the device the last one, and halts.
#
# The VMM maps three pages, each by its own entry of the page table: this code, a page of data, and a
# page that has no memory behind it, the device. All are far above the identity-mapped range, so
# nothing here works unless the guest really runs with the page tables that the VMM made.

        .set    DATA, 0xffffffff80001000
        .set    DEVICE, 0xffffffff80002000
        .set    DEVICE_COUNT, DEVICE    # reading it gives the count, 8 bytes
        .set    DEVICE_LAST, DEVICE + 8 # the last number is written here, 8 bytes

        .code64
        .text
        .globl  _start
_start:
        mov     $DATA, %rdi             # sign-extended from 32 bits
        mov     DEVICE_COUNT, %rcx
        xor     %eax, %eax              # this number
        mov     $1, %edx                # the next
next:
        mov     %rax, (%rdi)
        add     $8, %rdi
        xadd    %rax, %rdx              # the pair moves on: sum to %rdx, old %rdx to %rax
        loop    next

        # Reading the last number back from the page shows that both directions are mapped.
        mov     -8(%rdi), %rax
        mov     %rax, DEVICE_LAST
stop:
        hlt
        jmp     stop
