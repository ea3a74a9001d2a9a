//! What other wrappers of KVM let safe code do, and the compiler refuses here: each module has the name of what goes
//! wrong elsewhere, and the program that does not compile. The others are in `tests/unsound_elsewhere.rs`.

/// A page of a vCPU has one owner, and one exclusive view.
///
/// ```compile_fail,E0499
/// # let kvm = kvm_core::Kvm::with(kvm_mock::Model::new()).unwrap();
/// # let mut vcpu = kvm.create_vm().unwrap().create_vcpu(0).unwrap();
/// let page = vcpu.run_page_mut();
/// let other = vcpu.run_page_mut();
/// page.set_exit_reason(other.exit_reason());
/// ```
///
/// ```compile_fail,E0308
/// # use kvm_core::Vcpu;
/// # let kvm = kvm_core::Kvm::with(kvm_mock::Model::new()).unwrap();
/// # let vcpu = kvm.create_vm().unwrap().create_vcpu(0).unwrap();
/// let other: Vcpu<_> = vcpu.clone(); // the registers, not the page
/// ```
pub mod two_exclusive_views_of_one_run_page {}

/// An exit, and what of the page is borrowed by it, is gone once the vCPU runs again.
///
/// ```compile_fail,E0499
/// # use kvm_core::Exit;
/// # let kvm = kvm_core::Kvm::with(kvm_mock::Model::new()).unwrap();
/// # let mut vcpu = kvm.create_vm().unwrap().create_vcpu(0).unwrap();
/// if let (Exit::IoIn(io), _) = vcpu.run().unwrap() {
///     vcpu.run().unwrap();
///     io.data.fill(0);
/// }
/// ```
pub mod an_exit_that_outlives_its_page {}

/// A command of SEV has addresses that the firmware's driver reads and writes.
///
/// ```compile_fail,E0133
/// # let vm = kvm_core::Kvm::with(kvm_mock::Model::new()).unwrap().create_vm().unwrap();
/// vm.encrypt_op(&mut kvm_core::kvm_sys::x86_64::kvm_sev_cmd::default(), None);
/// ```
pub mod arbitrary_write_by_an_encryption_command {}

/// Memory in a slot is the guest's: there is no reference to it.
///
/// ```compile_fail,E0382
/// # use kvm_core::{AnonymousMemory, GuestAddress, Slot};
/// # let vm = kvm_core::Kvm::with(kvm_mock::Model::new()).unwrap().create_vm().unwrap();
/// let mut ram = AnonymousMemory::new(0x4000).unwrap();
/// vm.add_memory(Slot(0), GuestAddress(0), ram).unwrap();
/// ram.as_mut_slice()[0] = 0xf4;
/// ```
///
/// ```compile_fail,E0505
/// # use kvm_core::{AnonymousMemory, GuestAddress, Slot};
/// # let vm = kvm_core::Kvm::with(kvm_mock::Model::new()).unwrap().create_vm().unwrap();
/// let mut ram = AnonymousMemory::new(0x4000).unwrap();
/// let bytes = ram.as_mut_slice();
/// vm.add_memory(Slot(0), GuestAddress(0), ram).unwrap();
/// bytes[0] = 0xf4;
/// ```
pub mod a_reference_to_memory_of_a_slot {}

/// A descriptor that is not known to be KVM's takes an unsafe promise: its calls may write what KVM's don't.
///
/// ```compile_fail,E0133
/// # fn adopt(fd: std::os::fd::OwnedFd) -> kvm_core::DevKvm {
/// kvm_core::DevKvm::from_fd(fd)
/// # }
/// ```
pub mod a_forged_descriptor {}
