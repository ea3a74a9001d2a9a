// A guest that sets its virtual timer to a second, once, and waits for its interrupt. It runs at 0x40001000, at EL1 without
// paging. It writes to 0x9000000 before it sets the timer, and to 0x9000008 when it is over.

        .equ    DIST, 0x08000000
        .equ    PRIVATE, 0x080b0000     // the redistributor's registers of private interrupts
        .equ    MMIO, 0x09000000

        .text
        .global _start
_start:
        adr     x0, vectors
        msr     vbar_el1, x0
        mov     x20, #MMIO
        mov     x21, #DIST
        ldr     x22, =PRIVATE
        mov     w0, #2                  // group 1
        str     w0, [x21]
        mov     w0, #(1 << 27)
        str     w0, [x22, #0x80]
        str     w0, [x22, #0x100]
        mov     x0, #7                  // the CPU interface
        msr     S3_0_C12_C12_5, x0      // ICC_SRE_EL1
        isb
        mov     x0, #0xf0
        msr     S3_0_C4_C6_0, x0        // ICC_PMR_EL1
        mov     x0, #1
        msr     S3_0_C12_C12_7, x0      // ICC_IGRPEN1_EL1
        isb
        mrs     x1, cntfrq_el0
        str     w1, [x20]
        msr     cntv_tval_el0, x1
        mov     x1, #1
        msr     cntv_ctl_el0, x1
        msr     daifclr, #2
1:      wfi
        b       1b

over:
        str     w1, [x20, #8]
        b       over

        .balign 2048
vectors:
        .balign 128
        .space  4 * 128
        .space  128                     // synchronous, of the same level
        b       over                    // interrupts
