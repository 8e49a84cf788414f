use std::{
    fs::{DirBuilder, Permissions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::{delivery_error::DeliveryError, message::OutgoingMail};

/// A folder in which each mail is a file, `<id>.eml`.
#[derive(Clone, Debug)]
pub(crate) struct MailFolder(PathBuf);

impl MailFolder {
    /// Creates the folder if it is missing, readable by its owner only.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        Ok(Self(path.to_owned()))
    }

    pub(super) async fn deliver(&self, mail: OutgoingMail) -> Result<(), DeliveryError> {
        let folder = self.0.clone();
        let written = tokio::task::spawn_blocking(move || write(&folder, &mail)).await;
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(DeliveryError::Temporary(format!("{}: {error}", self.0.display()))),
            Err(ended) => Err(DeliveryError::Temporary(ended.to_string())),
        }
    }
}

/// Writes the file as a whole: a program that reads the folder finds no part of a mail. A repetition replaces it.
fn write(folder: &Path, mail: &OutgoingMail) -> io::Result<()> {
    let mut file = tempfile::Builder::new()
        .prefix(".mail-")
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    file.write_all(&mail.message.formatted())?;
    file.persist(folder.join(format!("{}.eml", mail.id)))?;
    Ok(())
}
