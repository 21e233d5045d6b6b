//! `wharf completions` and `wharf man`: what shells and readers of manuals want, made of the commands themselves.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use clap_complete::Shell;
use clap_mangen::Man as Page;

use super::command;
use super::out::print;
use super::unmet::Usage;

#[derive(Args)]
pub(super) struct Completions {
    /// The shell that is to complete.
    shell: Shell,
}

#[derive(Args)]
pub(super) struct Man {
    /// The command whose page is printed, such as `sessions list`; the program's own where none is named.
    #[arg(value_name = "COMMAND")]
    path: Vec<String>,
    /// Writes the pages of all commands into this folder instead.
    #[arg(long, value_name = "FOLDER", conflicts_with = "path")]
    folder: Option<PathBuf>,
}

impl Completions {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command(), "wharf", &mut script);
        print(&mut std::io::stdout(), &script)
    }
}

impl Man {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let mut whole = command();
        if let Some(folder) = &self.folder {
            let unwritten = || format!("the pages cannot be written into {}", folder.display());
            std::fs::create_dir_all(folder).with_context(unwritten)?;
            return clap_mangen::generate_to(whole, folder).with_context(unwritten);
        }
        whole.build();
        let mut one = &whole;
        for name in &self.path {
            one = one.find_subcommand(name).ok_or_else(|| Usage(format!("there is no command {}", self.path.join(" "))))?;
        }
        let mut page = Vec::new();
        Page::new(one.clone()).render(&mut page)?;
        print(&mut std::io::stdout(), &page)
    }
}
