# A guest for 16-bit real mode: greets through a port, asks two devices something and says what they
# answered, then halts.
#
# The VMM loads it at 0x1000 with all segment bases at 0, and enters it at its first byte with an
# empty stack below. There is no memory from 0x8000 on, so accesses there are MMIO.

        .set    CONSOLE, 0x3f8          # what is written here is printed
        .set    KEYBOARD, 0x60          # reading it gives a character
        .set    DOUBLER, 0x8000         # a number written here comes back doubled 4 bytes on

        .code16
        .text
        .globl  _start
_start:
        cld
        mov     $greeting, %si
        mov     $(greeting_end - greeting), %cx
        call    print

        mov     $key, %si
        mov     $(key_end - key), %cx
        call    print
        in      $KEYBOARD, %al
        call    print_char

        # 32-bit accesses, so that both directions have a payload of more than one byte. The upper
        # half of the answer shows whether the VMM filled all of it.
        mov     $doubled, %si
        mov     $(doubled_end - doubled), %cx
        call    print
        movl    $21, DOUBLER
        mov     DOUBLER + 4, %eax
        test    $0xffffff00, %eax
        jnz     stop
        call    print_number

        mov     $'\n', %al
        call    print_char
stop:
        hlt
        jmp     stop

# Prints the %cx bytes at %si with one string instruction. How many exits KVM makes of it differs from
# one host to another.
print:
        mov     $CONSOLE, %dx
        rep outsb
        ret

# Prints %al.
print_char:
        mov     $CONSOLE, %dx
        out     %al, %dx
        ret

# Prints %al, a number below 100, in two digits.
print_number:
        xor     %ah, %ah
        mov     $10, %bl
        div     %bl                     # tens in %al, ones in %ah
        add     $(('0' << 8) | '0'), %ax
        mov     %ah, %bh
        call    print_char
        mov     %bh, %al
        jmp     print_char

greeting:
        .ascii  "Hello from the guest!\n"
greeting_end:
key:
        .ascii  "The keyboard says: "
key_end:
doubled:
        .ascii  "\nTwice 21 is: "
doubled_end:
