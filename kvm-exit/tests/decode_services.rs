//! Calls and services, as `decode.rs`: offsets written by hand, replies where the kernel looks
//! for them.

#[cfg(test)]
mod support;

use kvm_exit::kvm_sys::{HypercallExitFlags, HypervExit, XenExit};
use kvm_exit::{
    Exit, Hypercall, Hyperv, HypervHcall, HypervOther, HypervSyndbg, HypervSynic, SnpReqCerts, Tdx,
    TdxCall, TdxGetQuote, TdxOther, TdxSetupEventNotify, TdxVmCallInfo, Xen, XenHcall, XenOther,
};
use support::Page;

#[test]
fn hypercall() {
    let mut page = Page::new(3)
        .u64s(32, &[12, 1, 2, 3, 4, 5, 6])
        .u64(88, 7)
        .u64(96, 1);
    {
        let exit = page.decode().unwrap();
        let Exit::Hypercall(call) = exit else {
            panic!()
        };
        assert_eq!(
            call,
            Hypercall {
                nr: 12,
                args: &[1, 2, 3, 4, 5, 6],
                ret: &mut 7,
                flags: HypercallExitFlags::KVM_EXIT_HYPERCALL_LONG_MODE
            }
        );
        assert!(call.long_mode());
        *call.ret = 0x99;
    }
    assert_eq!(page.get_u64(88), 0x99);
}

#[test]
fn hyperv_synic() {
    let mut page = Page::new(27)
        .u32(32, 1)
        .u32(40, 0x4000_0083)
        .u64s(48, &[1, 0x2001, 0x3001]);
    let synic = HypervSynic {
        msr: 0x4000_0083,
        control: 1,
        evt_page: 0x2001,
        msg_page: 0x3001,
    };
    assert_eq!(page.decode(), Ok(Exit::Hyperv(Hyperv::Synic(synic))));
}

#[test]
fn hyperv_hcall() {
    let mut page = Page::new(27)
        .u32(32, 2)
        .u64s(40, &[0x5c, 9, 0x1000, 0x2000]);
    {
        let Ok(Exit::Hyperv(Hyperv::Hcall(call))) = page.decode() else {
            panic!()
        };
        assert_eq!(
            call,
            HypervHcall {
                input: 0x5c,
                result: &mut 9,
                params: &[0x1000, 0x2000]
            }
        );
        *call.result = 2;
    }
    assert_eq!(page.get_u64(48), 2);
}

#[test]
fn hyperv_syndbg() {
    let mut page = Page::new(27)
        .u32(32, 3)
        .u32(40, 0x4000_00f1)
        .u64s(48, &[1, 2, 0x3000, 0x4000, 0x5000]);
    {
        let Ok(Exit::Hyperv(Hyperv::Syndbg(syndbg))) = page.decode() else {
            panic!()
        };
        assert_eq!(
            syndbg,
            HypervSyndbg {
                msr: 0x4000_00f1,
                control: 1,
                status: &mut 2,
                send_page: 0x3000,
                recv_page: 0x4000,
                pending_page: 0x5000
            }
        );
        *syndbg.status = 6;
    }
    assert_eq!(page.get_u64(56), 6);
}

#[test]
fn hyperv_other() {
    let mut page = Page::new(27).u32(32, 9).u64s(40, &[1, 2, 3, 4, 5, 6, 7]);
    {
        let Ok(Exit::Hyperv(Hyperv::Other(other))) = page.decode() else {
            panic!()
        };
        assert_eq!(
            other,
            HypervOther {
                kind: HypervExit(9),
                words: &mut [1, 2, 3, 4, 5, 6]
            }
        );
        other.words[5] = 0;
    }
    assert_eq!(page.get_u64(80), 0);
}

#[test]
fn xen_hcall() {
    let mut page = Page::new(34)
        .u32(32, 1)
        .u32(40, 1)
        .u32(44, 3)
        .u64s(48, &[17, 9, 1, 2, 3, 4, 5, 6]);
    {
        let Ok(Exit::Xen(Xen::Hcall(call))) = page.decode() else {
            panic!()
        };
        assert_eq!(
            call,
            XenHcall {
                long_mode: true,
                cpl: 3,
                input: 17,
                result: &mut 9,
                params: &[1, 2, 3, 4, 5, 6]
            }
        );
        *call.result = 0;
    }
    assert_eq!(page.get_u64(56), 0);
}

#[test]
fn xen_other() {
    let mut page = Page::new(34)
        .u32(32, 7)
        .u64s(40, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    {
        let Ok(Exit::Xen(Xen::Other(other))) = page.decode() else {
            panic!()
        };
        assert_eq!(
            other,
            XenOther {
                kind: XenExit(7),
                words: &mut [1, 2, 3, 4, 5, 6, 7, 8, 9]
            }
        );
        other.words[8] = 0;
    }
    assert_eq!(page.get_u64(104), 0);
}

#[test]
fn tdx_vm_call_info() {
    let mut page = Page::new(40).u64s(32, &[5, 0x10000, 9, 1, 11, 12, 13, 14]);
    {
        let Ok(Exit::Tdx(Tdx { flags: 5, call })) = page.decode() else {
            panic!()
        };
        let TdxCall::VmCallInfo(info) = call else {
            panic!()
        };
        assert_eq!(
            info,
            TdxVmCallInfo {
                leaf: 1,
                ret: &mut 9,
                regs: &mut [11, 12, 13, 14]
            }
        );
        *info.ret = 1;
        *info.regs = [2, 3, 4, 5];
    }
    assert_eq!(
        [48, 64, 72, 80, 88].map(|at| page.get_u64(at)),
        [1, 2, 3, 4, 5]
    );
}

#[test]
fn tdx_get_quote() {
    let mut page = Page::new(40).u64s(32, &[0, 0x10002, 9, 0x8000, 0x2000]);
    {
        let Ok(Exit::Tdx(tdx)) = page.decode() else {
            panic!()
        };
        let TdxCall::GetQuote(quote) = tdx.call else {
            panic!()
        };
        assert_eq!(
            quote,
            TdxGetQuote {
                gpa: 0x8000,
                size: 0x2000,
                ret: &mut 9
            }
        );
        *quote.ret = 0;
    }
    assert_eq!(page.get_u64(48), 0);
}

#[test]
fn tdx_setup_event_notify() {
    let mut page = Page::new(40).u64s(32, &[0, 0x10004, 9, 0x40]);
    {
        let Ok(Exit::Tdx(tdx)) = page.decode() else {
            panic!()
        };
        let TdxCall::SetupEventNotify(setup) = tdx.call else {
            panic!()
        };
        assert_eq!(
            setup,
            TdxSetupEventNotify {
                vector: 0x40,
                ret: &mut 9
            }
        );
        *setup.ret = 0;
    }
    assert_eq!(page.get_u64(48), 0);
}

#[test]
fn tdx_other() {
    let mut page = Page::new(40).u64s(32, &[0, 0x10005, 9, 1, 2, 3, 4, 5]);
    {
        let Ok(Exit::Tdx(tdx)) = page.decode() else {
            panic!()
        };
        let TdxCall::Other(other) = tdx.call else {
            panic!()
        };
        assert_eq!(
            other,
            TdxOther {
                nr: 0x10005,
                ret: &mut 9,
                data: &mut [1, 2, 3, 4, 5]
            }
        );
        *other.ret = 0;
        other.data[4] = 0;
    }
    assert_eq!([48, 88].map(|at| page.get_u64(at)), [0, 0]);
}

#[test]
fn snp_req_certs() {
    let mut page = Page::new(43).u64s(32, &[0x7000, 2, 9]);
    {
        let Ok(Exit::SnpReqCerts(request)) = page.decode() else {
            panic!()
        };
        assert_eq!(
            request,
            SnpReqCerts {
                gpa: 0x7000,
                npages: &mut 2,
                ret: &mut 9
            }
        );
        *request.npages = 5;
        *request.ret = 28;
    }
    assert_eq!([40, 48].map(|at| page.get_u64(at)), [5, 28]);
}
