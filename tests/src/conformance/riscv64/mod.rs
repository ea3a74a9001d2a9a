//! Scenarios for guests of riscv64.

mod machine;
