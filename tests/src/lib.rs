//! What the examples and the tests of the kvm crates share.

pub mod conformance;
