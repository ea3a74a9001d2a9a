# A guest that has its firmware set the timer, once, and waits for its interrupt. It runs at 0x80001000, in supervisor mode
# without paging, and is given in a0 how long, in what the timer counts. It writes to 0x10000000 before it sets the timer,
# and to 0x10000008 when it is over.

        .equ    MMIO, 0x10000000

        .option norelax
        .option norvc
        .text
        .global _start
_start:
        la      t0, over
        csrw    stvec, t0
        li      s4, MMIO
        mv      s5, a0
        li      t0, 1 << 5
        csrs    sie, t0
        sw      zero, 0(s4)
        rdtime  a0
        add     a0, a0, s5
        li      a7, 0x54494d45          # TIME
        li      a6, 0                   # set_timer
        ecall
        csrsi   sstatus, 2
1:      wfi
        j       1b

        .balign 4
over:
        sw      zero, 8(s4)
        j       over
