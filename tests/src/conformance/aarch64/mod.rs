//! Scenarios for guests of aarch64.

mod machine;
