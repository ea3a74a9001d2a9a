# A guest for long mode that does a little of everything and looks at no clock, to be paused, saved and restored
# anywhere: what it does next depends on all that it did before. Ports are read and written, and an address
# without memory too, across the end of a page, where an access takes two exits; it keeps values in registers,
# in memory, on the stack and in a vector, and computes for a while between exits. KVM's own emulator, which some
# hosts run all guests with, knows each of its instructions.

        .text
        .globl  _start
_start:                                 # rdi: an address without memory
        lea     0x3000, %rsi
        mov     $12, %ecx
        movdqu  (%rsi), %xmm7
again:
        in      $0x60, %al
        mov     %bl, %ah
        add     %rax, %rbx
        rol     $3, %rbx
        mov     %ebx, %eax
        out     %eax, $0x80
        mov     %rbx, (%rsi)
        push    %rbx
        movdqu  %xmm7, 0x3800           # what was there the last time
        movdqu  (%rsi), %xmm7
        add     0x3800, %rbx
        add     $8, %rsi
        mov     0xffe(%rdi), %eax       # across the end of a page
        add     %rax, %rbx
        xor     0x3800, %eax
        mov     %eax, 0xffe(%rdi)
        pop     %rdx
        xor     %rdx, %rbx
        push    %rcx
        mov     $1000, %ecx
compute:
        imul    $0x6d, %rbx, %rbx
        add     %rcx, %rbx
        xor     %rbx, 0x3900
        dec     %ecx
        jnz     compute
        pop     %rcx
        dec     %ecx
        jnz     again
        mov     %ebx, %eax
        out     %eax, $0x81             # the end
        hlt                             # the last byte
