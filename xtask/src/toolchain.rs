//! Running the C compiler on a probe, and reading what it produced.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::arch::{Arch, Vendor};
use crate::compiler::Compiler;
use crate::headers::Tree;

/// The headers that make up the KVM interface, by the end of their path.
pub(crate) const KVM_HEADERS: [&str; 4] = [
    "asm/kvm.h",
    "linux/kvm.h",
    "asm/kvm_para.h",
    "linux/kvm_para.h",
];

/// What every probe begins with. `asm/kvm_para.h` is missing on some architectures.
pub(crate) const PREAMBLE: &str = "\
#include <asm/errno.h>
#include <linux/kvm.h>
#if __has_include(<asm/kvm_para.h>)
#include <linux/kvm_para.h>
#endif
";

/// A C compiler for one architecture over one tree of headers, with a directory to work in.
pub(crate) struct Toolchain {
    compiler: Compiler,
    includes: Vec<PathBuf>,
    dir: tempfile::TempDir,
}

/// What a compiler run left behind.
pub(crate) struct Run {
    pub(crate) ok: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Toolchain {
    pub(crate) fn new(arch: &Arch, vendor: Vendor, tree: &Tree) -> Result<Self> {
        let includes = vec![
            tree.root.join("usr/lib/linux/uapi").join(&arch.uapi),
            tree.root.join("usr/include"),
        ];
        for (dir, file) in includes.iter().zip(["asm/kvm.h", "linux/kvm.h"]) {
            if !dir.join(file).is_file() {
                bail!(
                    "{} is missing; the headers must be unpacked from a linux-libc-dev package \
                     that holds all architectures",
                    dir.join(file).display()
                );
            }
        }
        Ok(Self {
            compiler: Compiler::find(arch, vendor)?,
            includes,
            dir: tempfile::tempdir()?,
        })
    }

    /// Whether a file that the compiler read is one of the tree's.
    pub(crate) fn owns(&self, file: &str) -> bool {
        self.includes
            .iter()
            .any(|dir| Path::new(file).starts_with(dir))
    }

    /// Runs the compiler on `source` with the given options.
    pub(crate) fn run(&self, source: &str, options: &[&str]) -> Result<Run> {
        let file = self.dir.path().join("probe.c");
        std::fs::write(&file, source)
            .with_context(|| format!("cannot write {}", file.display()))?;
        let mut command = self.compiler.command();
        command
            .current_dir(self.dir.path())
            .args(["-std=gnu11", "-nostdinc"]);
        // Not as system headers: `zig cc` brings its own and looks into those first.
        for dir in &self.includes {
            command.arg("-I").arg(dir);
        }
        let output = command
            .args(options)
            .arg("probe.c")
            .output()
            .with_context(|| format!("cannot run the C compiler `{}`", self.compiler.name()))?;
        Ok(Run {
            ok: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Compiles and links `source` (nothing is ever run) and returns the image, whose debug
    /// information needs no more relocation.
    pub(crate) fn image(&self, source: &str) -> Result<Vec<u8>> {
        let run = self.run(source, &IMAGE_OPTIONS)?;
        if !run.ok {
            let name = self.compiler.name();
            bail!("the C compiler `{name}` failed:\n{}", run.stderr);
        }
        let image = self.dir.path().join("probe.elf");
        std::fs::read(&image).with_context(|| format!("cannot read {}", image.display()))
    }

    /// Only looks for errors in `source`, and gives all of them, each where a macro is used.
    pub(crate) fn errors(&self, source: &str) -> Result<Run> {
        self.run(
            source,
            match self.compiler.vendor {
                Vendor::Gcc => &[
                    "-fsyntax-only",
                    "-fmax-errors=0",
                    "-ftrack-macro-expansion=0",
                    "-w",
                ],
                Vendor::Zig => &["-c", "-ferror-limit=0", "-w", "-o", "probe.o"],
            },
        )
    }
}

/// Linked, but neither started nor startable: there is no entry point and no library.
const IMAGE_OPTIONS: [&str; 10] = [
    "-g",
    "-gdwarf-4",
    "-fno-eliminate-unused-debug-types",
    "-fno-pie",
    "-no-pie",
    "-nostdlib",
    "-static",
    "-Wl,--build-id=none,--entry=0",
    "-o",
    "probe.elf",
];
