use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    time::SystemTime,
};

/// The largest file that is read as a whole, in bytes. The largest mail of the services has some MiB of tickets.
pub(crate) const MAX_MAIL_BYTES: u64 = 16 * 1024 * 1024;

/// How much of a file is read for its line in the list, in bytes: its headers, unless somebody has written strange ones.
const HEAD_BYTES: u64 = 64 * 1024;

/// A folder with mails: regular files named `….eml`.
#[derive(Clone, Debug)]
pub(crate) struct MailFolder(PathBuf);

/// A file of the folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Entry {
    pub(crate) written: SystemTime,
    pub(crate) name: String,
    pub(crate) bytes: u64,
}

/// The content of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Content {
    Whole(Vec<u8>),
    /// The file has more than [`MAX_MAIL_BYTES`].
    TooLarge(PathBuf),
}

impl MailFolder {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Returns all mails, the newest first.
    pub(crate) fn entries(&self) -> io::Result<Vec<Entry>> {
        let files = match fs::read_dir(&self.0) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        // A file can be deleted meanwhile.
        let mut entries: Vec<_> = files.flatten().filter_map(|file| entry(&file)).collect();
        entries.sort_unstable_by(|a, b| b.cmp(a));
        Ok(entries)
    }

    /// Returns the first bytes of a mail.
    pub(crate) fn head(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        self.open(name)?.take(HEAD_BYTES).read_to_end(&mut head)?;
        Ok(head)
    }

    /// Returns a mail.
    pub(crate) fn read(&self, name: &str) -> io::Result<Content> {
        let mut content = Vec::new();
        self.open(name)?.take(MAX_MAIL_BYTES + 1).read_to_end(&mut content)?;
        Ok(if u64::try_from(content.len()).unwrap_or(u64::MAX) > MAX_MAIL_BYTES {
            Content::TooLarge(self.0.join(name))
        } else {
            Content::Whole(content)
        })
    }

    /// Opens a regular file of this folder, and nothing else that a name can lead to.
    fn open(&self, name: &str) -> io::Result<File> {
        if !is_mail(name) || Path::new(name).file_name() != Some(OsStr::new(name)) {
            return Err(io::ErrorKind::NotFound.into());
        }
        // Not that of the file that a link leads to, and opening a pipe would wait for its writer.
        let path = self.0.join(name);
        if !fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
            return Err(io::ErrorKind::NotFound.into());
        }
        File::open(path)
    }
}

/// Files that are still written have a name that begins with a dot.
fn is_mail(name: &str) -> bool {
    !name.starts_with('.') && name.strip_suffix(".eml").is_some_and(|stem| !stem.is_empty())
}

fn entry(file: &fs::DirEntry) -> Option<Entry> {
    let name = file.file_name().into_string().ok().filter(|name| is_mail(name))?;
    // Of a link itself, not of the file that it leads to.
    let metadata = file.metadata().ok().filter(fs::Metadata::is_file)?;
    Some(Entry {
        written: metadata.modified().ok()?,
        name,
        bytes: metadata.len(),
    })
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::symlink, process::Command, time::Duration};

    use super::*;

    #[test]
    fn the_newest_mail_is_first_and_other_files_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let mails = MailFolder::new(folder.path().join("mail"));
        assert_eq!(mails.entries().unwrap(), []);
        fs::create_dir(folder.path().join("mail")).unwrap();
        fs::write(folder.path().join("secret.eml"), "secret").unwrap();
        for (name, age) in [
            ("2.eml", 1),
            ("1.eml", 2),
            ("10.eml", 0),
            (".mail-x.eml", 0),
            ("notes.txt", 0),
            (".eml", 0),
        ] {
            let file = File::create(mails.0.join(name)).unwrap();
            let written = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 - age);
            file.set_modified(written).unwrap();
        }
        fs::create_dir(mails.0.join("folder.eml")).unwrap();
        symlink("../secret.eml", mails.0.join("link.eml")).unwrap();
        assert!(
            Command::new("mkfifo")
                .arg(mails.0.join("pipe.eml"))
                .status()
                .unwrap()
                .success()
        );
        let entries = mails.entries().unwrap();
        let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["10.eml", "2.eml", "1.eml"]);
        for name in [
            "../secret.eml",
            "link.eml",
            "folder.eml",
            "pipe.eml",
            ".mail-x.eml",
            "notes.txt",
            "./1.eml",
            "1.eml/",
            "a\0.eml",
            "",
        ] {
            assert_eq!(mails.read(name).unwrap_err().kind(), io::ErrorKind::NotFound, "{name}");
        }
        assert_eq!(mails.read("1.eml").unwrap(), Content::Whole(Vec::new()));
    }
}
