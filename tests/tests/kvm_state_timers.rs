//! A timer that is armed when the guest is saved expires in another VM when its guest's clock says so: the time that the
//! guest was away does not count.

#[path = "state_timers/mod.rs"]
mod state_timers;

fn main() {
    kvm_tests::checks::main(state_timers::arch::CHECKS);
}
