//! The functions of the C library that are taken over, under their own names.
//!
//! A function whose prototype ends in `...` takes an integer there or nothing. All conventions of the systems that
//! have KVM pass it as they would pass a named one, so it is one here.

mod calls;
mod descriptors;
mod exits;
mod maps;
mod numbers;
mod opens;
mod passing;
mod reads;
