# A guest in real mode that sets a timer, once, and waits for what it was told to wait for: %ebx says which timer, %esi how
# long, in what that timer counts. It writes port 0x80 before it sets the timer, and port 0x81 when it is over.

        .code16
        .text
        .globl  _start
_start:
        movw    $over, 0x40 * 4         # handlers: of the local APIC's interrupt
        movw    $0, 0x40 * 4 + 2
        movw    $tick, 8 * 4            # and of the PIT's
        movw    $0, 8 * 4 + 2
        xor     %edx, %edx
        cmp     $2, %bx
        je      pit
        mov     $0x80f, %ecx            # the local APIC is on
        mov     $0x1ff, %eax
        wrmsr
        cmp     $1, %bx
        je      deadline

        mov     $0x83e, %ecx            # counts each cycle of its bus
        mov     $0xb, %eax
        wrmsr
        mov     $0x832, %ecx            # interrupts once
        mov     $0x40, %eax
        wrmsr
        out     %al, $0x80
        mov     $0x838, %ecx
        mov     %esi, %eax
        wrmsr
        jmp     wait

deadline:
        mov     $0x832, %ecx            # interrupts at a time of the TSC
        mov     $0x40040, %eax
        wrmsr
        out     %al, $0x80
        rdtsc
        add     %esi, %eax
        adc     $0, %edx
        mov     $0x6e0, %ecx
        wrmsr
        jmp     wait

pit:
        mov     $0x11, %al              # the PIC: interrupts from 8 on, the first of them let through
        out     %al, $0x20
        mov     $8, %al
        out     %al, $0x21
        mov     $4, %al
        out     %al, $0x21
        mov     $1, %al
        out     %al, $0x21
        mov     $0xfe, %al
        out     %al, $0x21
        out     %al, $0x80
        mov     $0x34, %al              # interrupts again and again, as rarely as it can
        out     %al, $0x43
        xor     %al, %al
        out     %al, $0x40
        out     %al, $0x40

wait:
        sti
1:      hlt
        jmp     1b

tick:
        dec     %esi
        jz      over
        mov     $0x20, %al
        out     %al, $0x20
        iret
over:
        out     %al, $0x81
        hlt
