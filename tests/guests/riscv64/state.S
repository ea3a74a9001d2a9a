# A guest that looks at no clock: what it does depends on what the VMM answers and when it raises the interrupt, and
# on nothing else. It runs at 0x80001000, in supervisor mode without paging, with 64 KiB of memory from 0x80000000 on.
#
# Reads from 0x10000000 are answered by the VMM. A write to 0x10000008 has it pulse source 3. The interrupt's number
# goes to 0x1000000c once it is taken, and the last write is to 0x10000ffc.

        .equ    APLIC, 0x0d000000
        .equ    MMIO, 0x10000000
        .equ    SISELECT, 0x150
        .equ    SIREG, 0x151
        .equ    STOPEI, 0x15c

        .option norelax
        .option norvc
        .text
        .global _start
_start:
        la      t0, trap
        csrw    stvec, t0
        li      sp, 0x80008000
        li      s4, MMIO
        li      s5, APLIC
        li      s6, 0x80009000          # what is computed goes here
        li      t0, 1 << 13             # floating point is there
        csrs    sstatus, t0

        li      t0, 0x70                # the IMSIC delivers identity 9
        csrw    SISELECT, t0
        li      t0, 1
        csrw    SIREG, t0
        li      t0, 0xc0
        csrw    SISELECT, t0
        li      t0, 1 << 9
        csrw    SIREG, t0
        li      t0, 4                   # source 3: by rising edges, to identity 9
        sw      t0, 0xc(s5)
        li      t1, 0x3000
        add     t1, t1, s5
        li      t0, 9
        sw      t0, 0xc(t1)
        li      t1, 0x1000
        add     t1, t1, s5
        li      t0, 3
        li      t2, 0xedc
        add     t1, t1, t2
        sw      t0, 0(t1)
        li      t0, 0x100
        sw      t0, 0(s5)
        li      t0, 1 << 9
        csrs    sie, t0

        li      t0, 1
        fcvt.d.w f1, t0
        li      t0, 3
        fcvt.d.w f2, t0
        fdiv.d  f2, f1, f2
        li      s3, 0
turn:
        csrci   sstatus, 2              # what is raised now waits
        lw      a1, 0(s4)
        add     a3, a3, a1
        slli    t0, a3, 7
        xor     a3, a3, t0
        sw      s3, 8(s4)               # raise the interrupt
        lhu     a2, 4(s4)
        slli    t0, a2, 11
        xor     a4, a4, t0
        csrw    sscratch, a3
        fadd.d  f1, f1, f2
        fmul.d  f4, f1, f1
        fsd     f4, 0(s6)
        sd      a3, 8(s6)
        addi    s6, s6, 16
        sb      a3, 0x10(s4)
        csrsi   sstatus, 2              # the interrupt is taken here, if it was not before
        sw      a2, 8(s4)               # and here at once
        nop
        csrr    a5, sscratch
        sd      a5, 0x18(s4)
        li      a6, 0x2000              # long enough to be kicked in
1:      slli    t0, a6, 3
        add     a7, a7, t0
        srli    t0, a7, 13
        xor     a7, a7, t0
        addi    a6, a6, -1
        bnez    a6, 1b
        sd      a7, 0(s6)
        addi    s6, s6, 8
        addi    s3, s3, 1
        li      t0, 12
        bne     s3, t0, turn
        sd      a7, 0x20(s4)
        li      t0, 0x1000
        add     t0, t0, s4
        sw      s3, -4(t0)
2:      j       2b

        .balign 4
trap:
        addi    sp, sp, -32
        sd      t0, 0(sp)
        sd      t1, 8(sp)
        csrrw   t0, STOPEI, zero
        csrr    t1, sepc
        srli    t0, t0, 16
        sw      t0, 0xc(s4)
        sd      t1, 16(sp)
        ld      t0, 0(sp)
        ld      t1, 8(sp)
        addi    sp, sp, 32
        sret
