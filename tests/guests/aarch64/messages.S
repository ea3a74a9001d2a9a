// A guest that is interrupted by messages: event 3 of device 7 is interrupt 8195. It runs at 0x40001000, at EL1 without
// paging, with 512 KiB of memory from 0x40000000 on, and sets up the interrupt controller, its translation service at
// 0x8080000, and their tables. It writes to 0x9000000 when that is done, before interrupts can come, and each one's number to
// 0x9000008.

        .equ    DIST, 0x08000000
        .equ    ITS, 0x08080000
        .equ    REDIST, 0x080a0000
        .equ    MMIO, 0x09000000
        .equ    PROPERTIES, 0x40010000  // tables
        .equ    PENDING, 0x40020000
        .equ    DEVICES, 0x40030000
        .equ    COLLECTIONS, 0x40040000
        .equ    COMMANDS, 0x40050000
        .equ    TRANSLATIONS, 0x40060000
        .equ    VALID, 1 << 63

        .text
        .global _start
_start:
        adr     x0, vectors
        msr     vbar_el1, x0
        mov     x20, #MMIO
        mov     w0, #2                  // the distributor: group 1
        mov     x1, #DIST
        str     w0, [x1]

        ldr     x1, =PROPERTIES         // 8195 is let through, with this priority
        mov     w0, #0xa1
        strb    w0, [x1, #3]
        ldr     x2, =REDIST             // messages, with numbers of 14 bits
        add     x1, x1, #13
        str     x1, [x2, #0x70]
        ldr     x1, =PENDING
        orr     x1, x1, #(1 << 62)
        str     x1, [x2, #0x78]
        mov     w0, #1
        str     w0, [x2]

        ldr     x2, =ITS                // one page of 64 KiB for each table
        ldr     x1, =VALID | DEVICES | 2 << 8
        str     x1, [x2, #0x100]
        ldr     x1, =VALID | COLLECTIONS | 2 << 8
        str     x1, [x2, #0x108]
        ldr     x1, =VALID | COMMANDS
        str     x1, [x2, #0x80]
        str     w0, [x2]
        ldr     x3, =COMMANDS
        adr     x4, commands
        mov     x5, #12
1:      ldr     x6, [x4], #8
        str     x6, [x3], #8
        subs    x5, x5, #1
        b.ne    1b
        dsb     sy
        mov     x1, #(3 * 32)
        str     x1, [x2, #0x88]

        mov     x0, #7                  // the CPU interface
        msr     S3_0_C12_C12_5, x0      // ICC_SRE_EL1
        isb
        mov     x0, #0xf0
        msr     S3_0_C4_C6_0, x0        // ICC_PMR_EL1
        mov     x0, #1
        msr     S3_0_C12_C12_7, x0      // ICC_IGRPEN1_EL1
        isb
        str     w0, [x20]
        msr     daifclr, #2
1:      wfi
        b       1b

irq:
        mrs     x0, S3_0_C12_C12_0      // ICC_IAR1_EL1
        str     w0, [x20, #8]
        msr     S3_0_C12_C12_1, x0      // ICC_EOIR1_EL1
        isb
        eret

        .balign 8
commands:
        .quad   0x09, 0, VALID, 0                       // MAPC: collection 0 is this CPU
        .quad   0x08 | 7 << 32, 4, VALID | TRANSLATIONS, 0      // MAPD: device 7 has 5 bits of events
        .quad   0x0a | 7 << 32, 3 | 8195 << 32, 0, 0    // MAPTI: its event 3 is 8195, to collection 0

        .balign 0x800
vectors:
        .rept   5
        b       .
        .balign 0x80
        .endr
        b       irq                     // from EL1 with its own stack
