//! A disk of a few megabytes, for what happens when it is full. Making one needs the right to mount.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::process;

pub struct Small(PathBuf);

impl Small {
    /// `None` where nobody lets us mount.
    pub fn mount() -> Option<Self> {
        Self::mount_at(process::fresh_dir())
    }

    /// The same at a folder of the test's choice.
    pub fn mount_at(dir: PathBuf) -> Option<Self> {
        run("mount", &["-t", "tmpfs", "-o", "size=8m", "tmpfs", dir.to_str()?])?;
        Some(Self(dir))
    }

    /// A disk with a journal, in a file. Only such a one can be broken under those who write.
    pub fn with_a_journal() -> Option<Self> {
        let (dir, image) = (process::fresh_dir(), process::fresh_dir().join("image"));
        std::fs::File::create(&image).and_then(|file| file.set_len(64 << 20)).ok()?;
        run("mkfs.ext4", &["-q", image.to_str()?])?;
        run("mount", &["-o", "loop", image.to_str()?, dir.to_str()?])?;
        Some(Self(dir))
    }

    /// The journal meets a fault: from now on the file system can only be read, also by who has a file open for writing.
    pub fn break_the_journal(&self) {
        assert!(Command::new("mount").args(["-o", "remount,abort"]).arg(&self.0).status().unwrap().success());
    }

    /// Mounts it anew, as an operator does after the fault; nobody may have a file of it open.
    pub fn mend(&self) {
        let device = Command::new("findmnt").args(["-n", "-o", "SOURCE"]).arg(&self.0).output().unwrap();
        let device = String::from_utf8(device.stdout).unwrap().trim().to_owned();
        let (folder, said) = (self.0.to_str().unwrap(), |what: &str| format!("{what} of {device}"));
        // The loop device goes with its last user: it is held while the disk is looked at.
        let held = std::fs::File::open(&device).unwrap();
        run("umount", &[folder]).unwrap_or_else(|| panic!("{}", said("umount")));
        let looked = Command::new("e2fsck").args(["-p", &device]).status().unwrap();
        assert!(looked.code().is_some_and(|code| code < 4), "{}", said("e2fsck"));
        run("mount", &[&device, folder]).unwrap_or_else(|| panic!("{}", said("mount")));
        drop(held);
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

/// `None` where there is no such program, or it does not do it.
fn run(program: &str, args: &[&str]) -> Option<()> {
    Command::new(program).args(args).output().ok()?.status.success().then_some(())
}
