//! A small file system for the databases, which can be filled.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The size of the file system: several times what a long round stores.
const SIZE: &str = "size=128m,mode=700";

/// The parts in which it is filled.
const PART_BYTES: usize = 64 * 1024;

/// A folder on a file system of its own, if this process may mount one; otherwise it cannot be filled.
#[derive(Debug)]
pub(crate) struct Disk {
    folder: PathBuf,
    pub(crate) is_mounted: bool,
}

impl Disk {
    /// Creates the folder, and mounts a file system in memory on it.
    pub(crate) fn mount(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(folder);
        let mounted = mount
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        Ok(Self {
            folder: folder.to_owned(),
            is_mounted: mounted.is_ok_and(|status| status.success()),
        })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    /// Takes all free space.
    pub(crate) fn fill(&self) -> io::Result<()> {
        if !self.is_mounted {
            return Ok(());
        }
        let (mut file, mut part) = (File::create(self.filler())?, vec![1; PART_BYTES]);
        while !part.is_empty() {
            match file.write(&part) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::StorageFull => part.truncate(part.len() / 2),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Gives the space back.
    pub(crate) fn free(&self) -> io::Result<()> {
        match fs::remove_file(self.filler()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Copies all files to a folder that outlives the file system.
    pub(crate) fn copy_to(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if let Some(name) = path.file_name().filter(|_| path.is_file()) {
                fs::copy(&path, folder.join(name))?;
            }
        }
        Ok(())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.is_mounted {
            let mut unmount = Command::new("umount");
            let _ = unmount.arg("--lazy").arg(&self.folder).status();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_takes_no_byte_and_then_has_room_again() {
        let parent = tempfile::tempdir().unwrap();
        let disk = Disk::mount(&parent.path().join("data")).unwrap();
        if !disk.is_mounted {
            println!("skipped: this process may not mount a file system");
            return;
        }
        disk.fill().unwrap();
        let refused = fs::write(disk.folder().join("more"), "x").unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
        disk.free().unwrap();
        fs::write(disk.folder().join("more"), "x").unwrap();
    }
}
