//! The way to the NATS server: what a node shows there, and whom it believes to be the server.
//!
//! What stands in the files is looked at before anything depends on it, and is never told: a file that cannot be used is named, and no more.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::rustls::pki_types::pem::{self, PemObject as _};
use async_nats::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use async_nats::rustls::{ClientConfig, RootCertStore};
use async_nats::{ClientError, ConnectErrorKind, ConnectOptions, Event, ServerAddr};
use percent_encoding::percent_decode_str;

const CREDENTIALS: &str = "nats_credentials_file";
const ROOTS: &str = "nats_ca_file";
const CERTIFICATE: &str = "nats_certificate_file";
const KEY: &str = "nats_key_file";

/// A connection that says nothing for about twice as long is dropped and made anew.
const PING_PERIOD: Duration = Duration::from_secs(5);

/// The files that the configuration names, each with its setting's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// A user's JWT with the seed of its key (`nats_credentials_file`).
    pub credentials: Option<PathBuf>,
    /// Certificates in PEM on which the server's must hang, instead of the machine's (`nats_ca_file`).
    pub roots: Option<PathBuf>,
    /// The node's own certificate in PEM (`nats_certificate_file`), and its key (`nats_key_file`).
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
}

/// A setting cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: {reason}")]
pub struct AccessError {
    setting: &'static str,
    reason: String,
}

impl AccessError {
    fn new(setting: &'static str, reason: impl Into<String>) -> Self {
        Self { setting, reason: reason.into() }
    }

    fn unreadable(setting: &'static str, path: &Path, error: &std::io::Error) -> Self {
        Self::new(setting, format!("{} cannot be read: {error}", path.display()))
    }

    fn is_no(setting: &'static str, path: &Path, what: &str) -> Self {
        Self::new(setting, format!("{} holds no {what}", path.display()))
    }
}

impl Access {
    /// Refuses files that would be used for nothing, because no server is named.
    pub fn check_unused(&self) -> Result<(), AccessError> {
        let all = [(CREDENTIALS, &self.credentials), (ROOTS, &self.roots), (CERTIFICATE, &self.certificate), (KEY, &self.key)];
        match all.into_iter().find(|(_, path)| path.is_some()) {
            Some((setting, _)) => Err(AccessError::new(setting, "nats_url is expected beside it")),
            None => Ok(()),
        }
    }

    /// The options with what is shown and believed: a user and a password in the address, or a token alone, and what stands in files.
    /// Certificates are read anew for each connection, so they may be replaced meanwhile.
    pub(crate) fn apply(&self, url: &str, mut options: ConnectOptions) -> Result<ConnectOptions, AccessError> {
        // The client does not look there. An address that is none is refused when it is used.
        if let Ok(address) = url.parse::<ServerAddr>()
            && let Some(user) = address.username()
        {
            options = match address.password() {
                Some(password) => options.user_and_password(decoded(user), decoded(password)),
                None => options.token(decoded(user)),
            };
        }
        if let Some(path) = &self.credentials {
            let text = std::fs::read_to_string(path).map_err(|error| AccessError::unreadable(CREDENTIALS, path, &error))?;
            let applied = options.credentials(&text);
            options = applied.map_err(|_| AccessError::is_no(CREDENTIALS, path, "credentials: a user's JWT and the seed of its key"))?;
        }
        if let Some(path) = &self.roots {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(ROOTS, path)? {
                roots.add(certificate).map_err(|_| AccessError::is_no(ROOTS, path, "certificates that can be believed"))?;
            }
            options = options.add_root_certificates(path.clone()).require_tls(true);
        }
        match (&self.certificate, &self.key) {
            (None, None) => Ok(options),
            (Some(certificate), Some(key)) => {
                check_pair(certificate, key)?;
                Ok(options.add_client_certificate(certificate.clone(), key.clone()).require_tls(true))
            }
            (Some(_), None) => Err(AccessError::new(CERTIFICATE, "nats_key_file is expected beside it")),
            (None, Some(_)) => Err(AccessError::new(KEY, "nats_certificate_file is expected beside it")),
        }
    }
}

/// What an address writes with per cent signs.
fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The certificates of a file; at least one.
fn certificates(setting: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, AccessError> {
    let refused = |error: pem::Error| refused(setting, path, &error, "certificate in PEM");
    let all = CertificateDer::pem_file_iter(path).map_err(refused)?.collect::<Result<Vec<_>, _>>().map_err(refused)?;
    if all.is_empty() { Err(refused(pem::Error::NoItemsFound)) } else { Ok(all) }
}

fn check_pair(certificate: &Path, key: &Path) -> Result<(), AccessError> {
    let chain = certificates(CERTIFICATE, certificate)?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| refused(KEY, key, &error, "private key in PEM"))?;
    let client = ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_client_auth_cert(chain, secret);
    match client {
        Ok(_) => Ok(()),
        Err(_) => Err(AccessError::is_no(KEY, key, "key of the certificate in nats_certificate_file")),
    }
}

fn refused(setting: &'static str, path: &Path, error: &pem::Error, what: &str) -> AccessError {
    match error {
        pem::Error::Io(error) => AccessError::unreadable(setting, path, error),
        // The error may show a line of the file.
        _ => AccessError::is_no(setting, path, what),
    }
}

/// A client that tries for ever to reach the server. A URL or a file that cannot be one ends it.
pub(crate) fn options(url: &str, access: &Access, node: &str) -> Result<ConnectOptions, AccessError> {
    let told = AtomicBool::new(false);
    let options = ConnectOptions::new().name(node).retry_on_initial_connect().ping_interval(PING_PERIOD);
    Ok(access.apply(url, options)?.event_callback(move |event| {
        note(&event, &told);
        std::future::ready(())
    }))
}

/// One line when NATS goes, one when it is back, and one where it does not let this node in.
fn note(event: &Event, refused: &AtomicBool) {
    match event {
        Event::Connected => {
            refused.store(false, Ordering::Relaxed);
            tracing::info!("NATS is reached");
        }
        Event::Disconnected => tracing::warn!("NATS is away: sessions of other nodes are looked up in the database"),
        Event::ClientError(ClientError::Other(what)) if is_refusal(what) => {
            // It is tried again and again.
            if !refused.swap(true, Ordering::Relaxed) {
                tracing::warn!("NATS does not let this node in: see nats_credentials_file, or the user and the password in nats_url");
            }
        }
        other => tracing::debug!(%other, "NATS"),
    }
}

/// The event has a kind of error as its words.
fn is_refusal(what: &str) -> bool {
    [ConnectErrorKind::AuthorizationViolation, ConnectErrorKind::Authentication].iter().any(|kind| kind.to_string() == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "nats://127.0.0.1:4222";

    /// What is said of a file with this text, by the access that names it.
    fn said(text: &str, of: impl Fn(PathBuf) -> Access) -> (String, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, text).unwrap();
        let apply = |path: &Path| of(path.to_owned()).apply(URL, ConnectOptions::new()).err().unwrap().to_string();
        (apply(&folder.path().join("missing")), apply(&path))
    }

    #[test]
    fn a_file_that_is_missing_or_holds_something_else_is_named_and_not_shown() {
        type Of = fn(PathBuf) -> Access;
        let certificate = "-----BEGIN CERTIFICATE-----\nhush\n-----END CERTIFICATE-----\n";
        let seed = "-----BEGIN NATS USER JWT-----\neyhush\n------END NATS USER JWT------\n";
        let credentials = |path| Access { credentials: Some(path), ..Access::default() };
        let roots = |path| Access { roots: Some(path), ..Access::default() };
        let both = |path: PathBuf| Access { certificate: Some(path.clone()), key: Some(path), ..Access::default() };
        let all: [(&str, &str, Of); 5] = [
            (CREDENTIALS, "hush", credentials),
            (CREDENTIALS, seed, credentials),
            (ROOTS, "hush", roots),
            (ROOTS, certificate, roots),
            (CERTIFICATE, "hush", both),
        ];
        for (setting, text, of) in all {
            let (missing, wrong) = said(text, of);
            assert!(missing.starts_with(setting) && missing.contains("cannot be read"), "{missing}");
            assert!(wrong.starts_with(setting) && wrong.contains("holds no") && !wrong.contains("hush"), "{wrong}");
        }
        assert!(said(certificate, both).1.starts_with(KEY), "a certificate is no key");
    }

    #[test]
    fn a_certificate_and_its_key_come_together_and_neither_without_a_server() {
        let certificate = Access { certificate: Some(PathBuf::from("c")), ..Access::default() };
        let key = Access { key: Some(PathBuf::from("k")), ..Access::default() };
        for (access, setting) in [(&certificate, CERTIFICATE), (&key, KEY)] {
            assert!(access.apply(URL, ConnectOptions::new()).err().unwrap().to_string().starts_with(setting));
            assert!(access.check_unused().unwrap_err().to_string().contains("nats_url"));
        }
        assert!(Access::default().check_unused().is_ok() && Access::default().apply(URL, ConnectOptions::new()).is_ok());
    }

    #[test]
    fn a_refusal_is_known_by_its_words() {
        assert!(is_refusal(&ConnectErrorKind::AuthorizationViolation.to_string()));
        assert!(!is_refusal(&ConnectErrorKind::Io.to_string()));
    }
}
