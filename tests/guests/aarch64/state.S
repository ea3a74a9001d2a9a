// A guest that looks at no clock: what it does depends on what the VMM answers and when it raises the interrupt, and
// on nothing else. It runs at 0x40001000, at EL1 without paging, with 64 KiB of memory from 0x40000000 on.
//
// Reads from 0x9000000 are answered by the VMM. A write to 0x9000008 has it pulse the shared interrupt 40. The
// interrupt's number goes to 0x900000c once it is taken, and the last write is to 0x9000ffc.

        .equ    DIST, 0x08000000
        .equ    MMIO, 0x09000000

        .text
        .global _start
_start:
        mov     x0, #(3 << 20)          // floating point does not trap
        msr     cpacr_el1, x0
        isb
        adr     x0, vectors
        msr     vbar_el1, x0
        mov     x0, #0x40000000
        add     x0, x0, #0x8000
        mov     sp, x0
        mov     x20, #MMIO
        mov     x21, #DIST
        mov     x22, #0x40000000        // what is computed goes here
        add     x22, x22, #0x9000

        mov     w0, #2                  // the distributor: group 1
        str     w0, [x21]
        mov     w0, #(2 << 16)          // interrupt 40: by edges
        str     w0, [x21, #0xc08]
        mov     w0, #0xa0
        strb    w0, [x21, #0x428]
        mov     w0, #(1 << 8)
        str     w0, [x21, #0x104]
        mov     x0, #7                  // the CPU interface
        msr     S3_0_C12_C12_5, x0      // ICC_SRE_EL1
        isb
        mov     x0, #0xf0
        msr     S3_0_C4_C6_0, x0        // ICC_PMR_EL1
        mov     x0, #1
        msr     S3_0_C12_C12_7, x0      // ICC_IGRPEN1_EL1
        isb

        fmov    v1.2d, #1.0
        fmov    v2.2d, #0.5
        mov     x19, #0
turn:
        msr     daifset, #2             // what is raised now waits
        ldr     w1, [x20]
        add     x3, x3, x1
        ror     x3, x3, #7
        str     w19, [x20, #8]          // raise the interrupt
        ldrh    w2, [x20, #4]
        eor     x4, x4, x2, lsl #11
        msr     tpidr_el1, x3
        msr     tpidr_el0, x4
        scvtf   v3.2d, v1.2d
        fadd    v1.2d, v1.2d, v2.2d
        fmul    v4.2d, v1.2d, v3.2d
        str     q4, [x22], #16
        str     x3, [x22], #8
        strb    w3, [x20, #0x10]
        msr     daifclr, #2             // the interrupt is taken here, if it was not before
        isb
        str     w2, [x20, #8]           // and here at once
        nop
        mrs     x5, tpidr_el1
        str     x5, [x20, #0x18]
        mov     x6, #0x2000             // long enough to be kicked in
1:      add     x7, x7, x6, lsl #3
        eor     x7, x7, x7, ror #13
        subs    x6, x6, #1
        b.ne    1b
        str     x7, [x22], #8
        add     x19, x19, #1
        cmp     x19, #12
        b.ne    turn
        str     x7, [x20, #0x20]
        str     w19, [x20, #0xffc]
2:      b       2b

irq:
        stp     x0, x1, [sp, #-16]!
        mrs     x0, S3_0_C12_C12_0      // ICC_IAR1_EL1
        mrs     x1, elr_el1
        str     w0, [x20, #0xc]
        str     x1, [x22, #0x2000]
        msr     S3_0_C12_C12_1, x0      // ICC_EOIR1_EL1
        isb
        ldp     x0, x1, [sp], #16
        eret

        .balign 0x800
vectors:
        .rept   5
        b       .
        .balign 0x80
        .endr
        b       irq                     // from EL1 with its own stack
        .balign 0x80
        .rept   10
        b       .
        .balign 0x80
        .endr
