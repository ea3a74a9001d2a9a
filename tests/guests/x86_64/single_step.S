# A guest for 16-bit real mode to be stepped through: multiplies 6 by 7 in a loop of additions, and
# halts. Each instruction is run at least once, so the addresses at which the guest stopped also tell
# where each instruction ends.

        .code16
        .text
        .globl  _start
_start:
        xor     %ax, %ax
        mov     $7, %cx
again:
        add     $6, %ax
        dec     %cx
        jnz     again
        mov     %ax, 0x2000             # for the VMM to look at
        hlt                             # the last byte
