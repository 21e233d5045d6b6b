//! A disk of a few megabytes, for what happens when it is full. Making one needs the right to mount.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::process;

pub struct Small(PathBuf);

impl Small {
    /// `None` where nobody lets us mount.
    pub fn mount() -> Option<Self> {
        let dir = process::fresh_dir();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(&dir).output().ok()?;
        mounted.status.success().then_some(Self(dir))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Leaves no room for another page.
    pub fn fill(&self) {
        let block = vec![0; 4096];
        let mut file = std::fs::File::create(self.0.join("filler")).unwrap();
        while std::io::Write::write_all(&mut file, &block).is_ok() {}
    }

    /// Has it take nothing more, or things again, as a system does that has met a fault.
    pub fn seal(&self, sealed: bool) {
        let how = if sealed { "remount,ro" } else { "remount,rw" };
        assert!(Command::new("mount").args(["-o", how]).arg(&self.0).status().unwrap().success());
    }

    pub fn empty(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // What still runs on it goes with the test's process.
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}
