//! The pipeline on headers made up for it: what the C compiler is asked, and what comes of it.

use std::path::Path;

use crate::arch::{Arch, Vendor};
use crate::curation::Curation;
use crate::emit;
use crate::facts::{Facts, Field, Kind};
use crate::headers::Tree;
use crate::toolchain::Toolchain;
use crate::{extract, macros};

const ASM_KVM: &str = "
struct kvm_bits {
    unsigned char low : 3;
    unsigned char high : 5;
    signed short after;
};
#define KVM_WIDE (1ULL << 63)
";

const LINUX_KVM: &str = r#"
#include <linux/ioctl.h>
#include <asm/kvm.h>
#define KVM_MARK
#define KVM_CALL(x) (x)
#define KVM_NEGATIVE (-1)
#define KVM_TEXT "ab\0"
#define KVM_NOWHERE sizeof(struct nowhere)
enum kvm_choice { KVM_FIRST = 5, KVM_SECOND };
struct kvm_one {
    unsigned char kind;
    union {
        unsigned int number;
        struct { unsigned short a, b; } pair;
    };
    void *pointer;
    char text[2][3];
    struct { struct { } __empty_tail; unsigned long long tail[]; };
};
#define KVM_SET_ONE _IOW(0xAE, 0x11, struct kvm_one)
#define KVM_OTHER _IOW(0xAE, 0x10, struct nowhere)
"#;

const LINUX_IOCTL: &str = "
#define _IOW(type, nr, size) ((1U << 30) | (sizeof(size) << 16) | ((type) << 8) | (nr))
";

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

pub(crate) fn arch() -> Arch {
    Arch {
        name: "made_up".to_owned(),
        uapi: "x86".to_owned(),
        dispatch: "x86".to_owned(),
        gcc: "cc".to_owned(),
        package: "gcc".to_owned(),
        zig: "native".to_owned(),
        facts: Vendor::Gcc,
        extra: Vec::new(),
    }
}

/// Made-up headers, in a folder that lives as long as the first of the two.
pub(crate) fn tree() -> (tempfile::TempDir, Tree) {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "usr/lib/linux/uapi/x86/asm/kvm.h", ASM_KVM);
    write(dir.path(), "usr/lib/linux/uapi/x86/asm/errno.h", "");
    write(dir.path(), "usr/include/linux/kvm.h", LINUX_KVM);
    write(dir.path(), "usr/include/linux/ioctl.h", LINUX_IOCTL);
    let version = "#define LINUX_VERSION_CODE 66051\n";
    write(dir.path(), "usr/include/linux/version.h", version);
    let tree = Tree {
        root: dir.path().to_owned(),
        kernel: "1.2.3".to_owned(),
        lock: None,
    };
    (dir, tree)
}

fn facts() -> Facts {
    let (_dir, tree) = tree();
    let toolchain = Toolchain::new(&arch(), Vendor::Gcc, &tree).unwrap();
    let mut facts = Facts {
        kernel: tree.kernel,
        arch: arch().name,
        ..Facts::default()
    };
    extract::extract(&toolchain, &[], &mut facts).unwrap();
    macros::extract(&toolchain, &mut facts).unwrap();
    facts
}

fn field(name: &str, ty: &str, offset: u64, size: u64) -> Field {
    Field {
        name: name.to_owned(),
        ty: ty.to_owned(),
        offset,
        size,
        bits: None,
    }
}

#[test]
fn types_come_with_their_anonymous_parts_under_c_paths() {
    let facts = facts();
    let names: Vec<_> = facts.types.iter().map(|ty| ty.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "kvm_bits",
            "kvm_one",
            "kvm_one.{number}",
            "kvm_one.{tail}",
            "kvm_one.pair"
        ]
    );
    let one = facts.find("kvm_one").unwrap();
    assert_eq!((one.kind, one.size, one.align), (Kind::Struct, 24, 8));
    assert_eq!(
        one.fields,
        [
            field("kind", "u8", 0, 1),
            field("", "kvm_one.{number}", 4, 4),
            field("pointer", "ptr", 8, 8),
            field("text", "char[2][3]", 16, 6),
            field("", "kvm_one.{tail}", 24, 0),
        ]
    );
    let union = facts.find("kvm_one.{number}").unwrap();
    assert_eq!(union.kind, Kind::Union);
    assert_eq!(
        union.fields,
        [
            field("number", "u32", 0, 4),
            field("pair", "kvm_one.pair", 0, 4)
        ]
    );
    let tail = facts.find("kvm_one.{tail}").unwrap();
    assert_eq!(tail.fields, [field("tail", "u64[]", 0, 0)]);
    let bits = &facts.find("kvm_bits").unwrap().fields;
    assert_eq!(bits[0].bits, Some((0, 3)));
    assert_eq!(bits[1].bits, Some((3, 5)));
    assert_eq!(bits[2], field("after", "s16", 2, 2));
}

#[test]
fn macros_have_the_value_and_sign_that_c_gives_them() {
    let facts = facts();
    let says = |name: &str| {
        let fact = facts.macros.iter().find(|fact| fact.name == name).unwrap();
        (fact.value, fact.size, fact.signed)
    };
    assert_eq!(says("KVM_WIDE"), (1 << 63, 8, false));
    assert_eq!(says("KVM_NEGATIVE"), (-1, 4, true));
    assert_eq!(facts.strings[0].bytes, b"ab\0");
    assert_eq!(facts.functions, ["KVM_CALL"]);
    assert_eq!(facts.empty, ["KVM_MARK"]);
    assert_eq!(facts.not_constant, ["KVM_NOWHERE"]);
    assert_eq!(facts.enums[0].constants[1].value, 6);
    let ioctls: Vec<_> = facts
        .ioctls
        .iter()
        .map(|row| (row.name.as_str(), row.argument.as_str(), row.request))
        .collect();
    assert_eq!(
        ioctls,
        [
            ("KVM_OTHER", "nowhere", None),
            ("KVM_SET_ONE", "kvm_one", Some(0x4018_ae11))
        ]
    );
}

#[test]
fn facts_become_rust_as_the_curation_says() {
    let dir = tempfile::tempdir().unwrap();
    let types = r#"
        [names]
        "kvm_one.pair" = "kvm_one_pair"
        [unions]
        "kvm_one.{number}" = { field = "which", type = "kvm_one_which" }
        [single]
        [padding]
        members = []
        [fields]
        "kvm_one.kind" = "Choice"
    "#;
    let families = r#"
        family = [{ type = "Choice", repr = "u8", names = ["KVM_FIRST", "KVM_SECOND"], doc = "A choice." }]
    "#;
    let ioctls = r#"
        [[ioctl]]
        name = "KVM_SET_ONE"
        fds = ["vm", "vcpu"]
        arches = ["x86"]
        count = "number"
        opaque = ["pointer"]
        [[ioctl]]
        name = "KVM_OTHER"
        fds = []
        arches = []
    "#;
    write(dir.path(), "arches.toml", "");
    write(dir.path(), "types.toml", types);
    write(dir.path(), "families.toml", families);
    write(dir.path(), "flags.toml", "flags = []");
    write(
        dir.path(),
        "constants.toml",
        "[types]\n[ignore]\nKVM_NEGATIVE = \"for the test\"\n",
    );
    write(dir.path(), "ioctls.toml", ioctls);
    let curation = Curation::read(dir.path()).unwrap();
    let (arch, facts) = (arch(), facts());
    let mut other = Facts::read_str(&facts.to_json().unwrap()).unwrap();
    other.types.retain(|ty| ty.name != "kvm_bits");
    let elsewhere = Arch {
        name: "elsewhere".to_owned(),
        dispatch: "elsewhere".to_owned(),
        ..arch.clone()
    };
    let files = emit::files(&[(&arch, &facts), (&elsewhere, &other)], &curation).unwrap();
    let text = |path: &str| &files.iter().find(|file| file.path == path).unwrap().text;

    let types = text("made_up/types.rs");
    assert!(
        types.contains("        (self.bits0 >> 3) & 0x1f\n"),
        "{types}"
    );
    assert!(!types.contains("kvm_one"), "{types}");
    assert!(files.iter().all(|file| file.path != "elsewhere/types.rs"));
    let types = text("common/types.rs");
    for expected in [
        "// Generated by `cargo xtask bindings` from Linux 1.2.3; do not edit.\n",
        "    pub kind: Choice,\n    #[doc(hidden)]\n    pub _pad0: [u8; 3],\n",
        "    pub which: kvm_one_which,\n    pub pointer: u64,\n    pub text: [[u8; 3]; 2],\n",
        "    #[doc(hidden)]\n    pub _pad1: [u8; 2],\n}\n",
        "pub struct kvm_one_which(pub [u32; 1]);\n",
        "    pub fn as_pair_mut(&mut self) -> &mut kvm_one_pair {\n",
        "#[doc(alias = \"kvm_one.pair\")]\n",
        "#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]\npub struct kvm_one_flex {\n",
        "kvm_one: 24, 8;\n    kind 0, _pad0 1, which 4, pointer 8, text 16, _pad1 22\n",
    ] {
        assert!(types.contains(expected), "{expected}\nis not in\n{types}");
    }
    let constants = text("common/constants.rs");
    assert!(constants.contains("pub const KVM_WIDE: u64 = 0x8000_0000_0000_0000;\n"));
    assert!(!constants.contains("KVM_NEGATIVE"));
    assert!(text("common/families.rs").contains("        KVM_SECOND = 6;\n"));
    let ioctls = text("ioctl.rs");
    for expected in [
        "    requests: Requests::same(0x4018_ae11),\n    arches: Arches::MADE_UP,\n",
        "    fds: Fds::VM.union(Fds::VCPU),\n",
        "        flex: flex(8, Count::Elements(field(4, 4))),\n        inner: &[],\n        opaque: &[field(8, 8)],\n",
    ] {
        assert!(ioctls.contains(expected), "{expected}\nis not in\n{ioctls}");
    }
    assert!(ioctls.contains("    name: \"KVM_OTHER\",\n"), "{ioctls}");
}
