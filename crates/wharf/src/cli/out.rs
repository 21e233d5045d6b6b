//! The standard output, whose reader may go away.

use std::io::{ErrorKind, Write};

use anyhow::bail;

/// Writes it at once. A reader that has seen enough, such as `head`, is no error.
pub(super) fn print(out: &mut impl Write, bytes: &[u8]) -> anyhow::Result<()> {
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => bail!("the answer cannot be written: {error}"),
        Ok(()) => Ok(()),
    }
}
