//! Running cargo and other programs from the repository's root.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// What the manifests of the workspace say.
#[derive(Deserialize)]
pub struct Metadata {
    pub packages: Vec<Package>,
    pub target_directory: PathBuf,
    /// Where what lies between is built; absent where cargo is too old to keep it elsewhere.
    pub build_directory: Option<PathBuf>,
}

#[derive(Deserialize)]
pub struct Package {
    pub name: String,
    pub dependencies: Vec<Dependency>,
    /// The `[features]` table: a name, and what it turns on.
    pub features: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
pub struct Dependency {
    pub name: String,
    pub kind: Option<Kind>,
    pub features: Vec<String>,
    /// Set when the crate lives on this disk rather than in a registry.
    pub path: Option<PathBuf>,
}

/// A dependency table other than the plain one.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Dev,
    Build,
}

/// Reads the manifests. Without the resolved graph on purpose: an optional dependency, or one for
/// another platform, is an edge too, and the resolved graph of this machine may not show it.
pub fn metadata() -> Result<Metadata> {
    let json = output(cargo().args(["metadata", "--format-version", "1", "--no-deps"]))?;
    serde_json::from_str(&json).context("cargo metadata printed something else than expected")
}

/// A cargo that starts in the repository's root, as if a person had typed it there.
pub fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    // `cargo run` describes xtask to us in these variables. Build scripts look at some of them: handed
    // on, they would make ring and others compile again after every plain `cargo build`.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a program that speaks to the terminal itself.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", show(command)))?;
    ensure!(status.success(), "{} ended with {status}", show(command));
    Ok(())
}

/// Runs a program and returns what it printed; its complaints still reach the terminal.
pub fn output(command: &mut Command) -> Result<String> {
    command.stderr(Stdio::inherit());
    let done = command.output().with_context(|| format!("cannot start {}", show(command)))?;
    ensure!(done.status.success(), "{} ended with {}", show(command), done.status);
    String::from_utf8(done.stdout).with_context(|| format!("{} printed no UTF-8", show(command)))
}

/// The file of a program in a folder of the build.
pub fn program(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}{}", env::consts::EXE_SUFFIX))
}

/// Where a program lies in the search path, if it does.
pub fn which(program: &str) -> Option<PathBuf> {
    let paths = env::var_os("PATH")?;
    env::split_paths(&paths).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// The root of the clone that `cargo xtask` was called in: clones may share a target folder, and then the
/// path that was compiled in could be another's.
pub fn root() -> PathBuf {
    let xtask = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&xtask).parent().expect("xtask lies in a folder of the repository").to_owned()
}

fn show(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    format!("`{}`", words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "))
}
