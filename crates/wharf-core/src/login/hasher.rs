//! Argon2, without keeping what it works in.

use argon2::password_hash::phc::{Output, PasswordHash, Salt};
use argon2::password_hash::{self, CustomizedPasswordHasher};
use argon2::{Algorithm, Argon2, Block, Params, Version};

/// Argon2 in memory that goes back to the system at once.
///
/// Of what is smaller than 32 MiB the C library keeps the second piece and all later ones, in an arena for each thread that ever hashed:
/// a few log-ins were 19 MiB for good, and many of them several times that. Of a larger piece it keeps nothing. A page that is never
/// written costs nothing either.
pub(super) struct Hasher;

/// What is asked for, in blocks of a KiB.
const ROOM: usize = 33 * 1024;

impl CustomizedPasswordHasher<PasswordHash> for Hasher {
    type Params = Params;

    fn hash_password_customized(
        &self,
        password: &[u8],
        salt: &[u8],
        algorithm: Option<&str>,
        version: Option<u32>,
        params: Params,
    ) -> password_hash::Result<PasswordHash> {
        let algorithm = algorithm.map(Algorithm::try_from).transpose()?.unwrap_or_default();
        let version = version.map(Version::try_from).transpose()?.unwrap_or_default();
        let mut memory = memory(&params);
        let mut output = vec![0; params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
        Argon2::new(algorithm, version, params.clone()).hash_password_into_with_memory(password, salt, &mut output, &mut memory)?;
        Ok(PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: (&params).try_into()?,
            salt: Some(Salt::new(salt)?),
            hash: Some(Output::new(&output)?),
        })
    }
}

/// What one password is hashed in.
fn memory(params: &Params) -> Vec<Block> {
    let mut memory = Vec::with_capacity(params.block_count().max(ROOM));
    memory.resize(params.block_count(), Block::default());
    memory
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest piece that the C library ever keeps for later. Each larger one it maps by itself, and gives back whole.
    const KEPT: usize = 32 * 1024 * 1024;

    #[test]
    fn a_password_is_hashed_in_more_than_the_c_library_keeps_of_which_no_more_is_written_than_it_takes() {
        let params = Params::default();
        let memory = memory(&params);
        assert!(memory.capacity() * size_of::<Block>() > KEPT, "{} blocks are kept for good", memory.capacity());
        assert_eq!(memory.len(), params.block_count());
    }
}
