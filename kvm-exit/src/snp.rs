//! `KVM_EXIT_SNP_REQ_CERTS`: an SEV-SNP guest asks for certificates.

use kvm_sys::kvm_exit_snp_req_certs;

use crate::member::{Member, Union};

/// The guest asks for an attestation report together with the certificates that vouch for the key
/// it is signed with, which user space has to provide. Needs `KVM_SEV_SNP_ENABLE_REQ_CERTS`.
///
/// The certificates must not change until the report is made: until the `KVM_RUN` after the reply
/// has come back.
///
/// ```
/// use kvm_exit::SnpReqCerts;
///
/// /// A host that has no certificates.
/// fn certificates(request: SnpReqCerts<'_>) {
///     *request.npages = 0;
///     *request.ret = 0;
/// }
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct SnpReqCerts<'a> {
    /// The guest-physical address of the memory that the certificates go to.
    pub gpa: u64,
    /// Its length in pages of 4096 bytes. Reply, together with `ENOSPC`: how many it takes.
    pub npages: &'a mut u64,
    /// Reply: 0 when the certificates are in place, `ENOSPC` when there are too many of them,
    /// `EAGAIN` when the guest should ask again, `EIO` on any other failure.
    pub ret: &'a mut u64,
}

impl<'a> SnpReqCerts<'a> {
    pub(crate) fn decode(payload: &'a mut Union) -> Self {
        let member = kvm_exit_snp_req_certs::of(payload);
        Self {
            gpa: member.gpa,
            npages: &mut member.npages,
            ret: &mut member.ret,
        }
    }

    pub(crate) fn encode(&self, payload: &mut Union) {
        let member = kvm_exit_snp_req_certs::of(payload);
        member.gpa = self.gpa;
        member.npages = *self.npages;
        member.ret = *self.ret;
    }
}
