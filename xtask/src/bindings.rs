use clap::Args;
use std::path::{Path,PathBuf};
#[derive(Args)]
pub(crate) struct Options {
    #[arg(long)]
    headers: Option<PathBuf>,
}
pub(crate) fn run(o: &Options) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cur = crate::curation::Curation::read(&root.join("curation"))?;
    let arch = cur.arches[0].clone();
    let tree = crate::headers::Tree { root: o.headers.clone().unwrap() };
    let tc = crate::toolchain::Toolchain::new(&arch, &tree)?;
    let mut facts = crate::facts::Facts { kernel: "7.3.4".into(), arch: arch.name.clone(), ..Default::default() };
    crate::extract::extract(&tc, &mut facts)?;
    crate::macros::extract(&tc, &mut facts)?;
    std::fs::write(root.join("facts/x86_64.json"), facts.to_json()?)?;
    for f in crate::emit::files(&arch, &facts, &cur)? {
        let p = root.join("../kvm-sys/src").join(f.path);
        std::fs::create_dir_all(p.parent().unwrap())?;
        std::fs::write(p, f.text)?;
    }
    Ok(())
}
