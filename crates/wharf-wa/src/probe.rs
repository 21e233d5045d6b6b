//! Knocking at WhatsApp without an account: opens the door as a new device would, waits for the first QR reference, and goes away. It tells
//! a refused version, a changed handshake, a foreign certificate and a blocked address apart, and burns no number: nobody scans anything.

mod line;
pub(crate) mod step;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};
use wacore::handshake::HandshakeError;
use wacore::store::{Device, DevicePropsOverride};
use waproto::whatsapp::device_props::PlatformType;

use crate::config::Config;
use crate::http::MediaHttp;
use crate::transport::Dialer;
use line::ProbeLine;

pub use step::Step;

/// How long each step may take before the other side counts as silent.
pub const PATIENCE: Duration = Duration::from_secs(8);

/// How a knock ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A phone could scan now.
    Reached,
    /// WhatsApp answered that it does not want this client: 405 is a version that is too old.
    Refused { code: u16, text: Option<String> },
    /// Nothing came within [`PATIENCE`] in this step.
    Silent(Step),
    /// Somebody else answers: TLS with a certificate that is not trusted, or a handshake that WhatsApp did not sign.
    Foreign(Step),
    /// The connection was ended in this step without a word.
    Closed(Step),
    /// This step failed for a cause of the network's.
    Unreachable { step: Step, why: String },
}

impl Verdict {
    /// The word for metrics and reports.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::Refused { .. } => "refused",
            Self::Silent(_) => "silent",
            Self::Foreign(_) => "foreign",
            Self::Closed(_) => "closed",
            Self::Unreachable { .. } => "unreachable",
        }
    }
}

/// One knock: how it ended, and how long each step took that was done.
#[derive(Clone, Debug)]
pub struct Probe {
    pub version: (u32, u32, u32),
    pub verdict: Verdict,
    pub steps: Vec<(Step, Duration)>,
}

/// Why a step was not done.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Dial(#[from] crate::transport::Error),
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    #[error("the connection ended")]
    Closed,
    #[error("refused with {code}")]
    Refused { code: u16, text: Option<String> },
    #[error("a stanza that cannot be read: {0}")]
    Frame(String),
}

/// Knocks at the server of `config`, claiming `version`. `patience` is the time of each step: [`PATIENCE`] outside of tests.
pub async fn probe(config: &Config, version: (u32, u32, u32), patience: Duration) -> Probe {
    match Dialer::new(config.server_url.as_ref(), &config.trust, config.proxy.clone()) {
        Ok(dialer) => through(&dialer, &config.device_name, version, patience).await,
        Err(error) => Probe { version, verdict: Verdict::Unreachable { step: Step::Dns, why: error.to_string() }, steps: Vec::new() },
    }
}

/// Only opens the connection, with no word to WhatsApp: the steps up to a trusted certificate.
pub async fn reach(config: &Config, patience: Duration) -> Probe {
    let version = (0, 0, 0);
    match Dialer::new(config.server_url.as_ref(), &config.trust, config.proxy.clone()) {
        Ok(dialer) => {
            let open = async |walk: &StepClock| {
                let (transport, _) = dialer.open(&|step| walk.step(step)).await?;
                transport.disconnect().await;
                Ok(())
            };
            walked(version, patience, open).await
        }
        Err(error) => Probe { version, verdict: Verdict::Unreachable { step: Step::Dns, why: error.to_string() }, steps: Vec::new() },
    }
}

/// Whether the media servers answer, by a certificate that is trusted. Any answer is one. Tells how long it took.
pub async fn media(config: &Config, patience: Duration) -> Result<Duration, Verdict> {
    let begun = Instant::now();
    let answered = timeout(patience, MediaHttp::new(config.server_url.clone(), config.trust.clone(), config.proxy.clone()).knock()).await;
    match answered {
        Ok(Ok(())) => Ok(begun.elapsed()),
        Ok(Err(error)) if is_untrusted(error.as_ref()) => Err(Verdict::Foreign(Step::Tls)),
        Ok(Err(error)) => Err(Verdict::Unreachable { step: Step::Connect, why: format!("{:#}", error.root_cause()) }),
        Err(_) => Err(Verdict::Silent(Step::Connect)),
    }
}

/// A walk to WhatsApp over a dialer that is there already.
pub(crate) async fn through(dialer: &Dialer, device_name: &str, version: (u32, u32, u32), patience: Duration) -> Probe {
    walked(version, patience, async |walk| knock(dialer, device_name, version, walk).await).await
}

/// Goes as far as it gets, with `patience` for each step.
async fn walked(version: (u32, u32, u32), patience: Duration, way: impl AsyncFnOnce(&StepClock) -> Result<(), Failure>) -> Probe {
    let walk = StepClock::new();
    let mut going = Box::pin(way(&walk));
    let verdict = loop {
        let done = walk.done();
        match timeout(patience, &mut going).await {
            Ok(Ok(())) => break Verdict::Reached,
            Ok(Err(failure)) => break verdict(&failure, walk.at()),
            // Each step has its own time.
            Err(_) if walk.done() > done => {}
            Err(_) => break Verdict::Silent(walk.at()),
        }
    };
    drop(going);
    Probe { version, verdict, steps: walk.steps() }
}

async fn knock(dialer: &Dialer, device_name: &str, version: (u32, u32, u32), walk: &StepClock) -> Result<(), Failure> {
    let (transport, events) = dialer.open(&|step| walk.step(step)).await?;
    let mut line = ProbeLine::new(transport, events);
    let knocked = async {
        line.handshake(&device(device_name, version)).await?;
        walk.step(Step::Handshake);
        line.reference().await?;
        walk.step(Step::Reference);
        Ok(())
    };
    let knocked = knocked.await;
    line.close().await;
    knocked
}

/// A device with fresh keys that nobody will ever link.
fn device(name: &str, version: (u32, u32, u32)) -> Device {
    let mut device = Device::new();
    (device.app_version_primary, device.app_version_secondary, device.app_version_tertiary) = version;
    device.set_device_props(DevicePropsOverride::new().with_os(name.to_owned()).with_platform_type(PlatformType::CHROME));
    device
}

fn verdict(failure: &Failure, step: Step) -> Verdict {
    match failure {
        Failure::Refused { code, text } => Verdict::Refused { code: *code, text: text.clone() },
        Failure::Closed => Verdict::Closed(step),
        Failure::Handshake(HandshakeError::CertVerification(_)) => Verdict::Foreign(step),
        Failure::Dial(crate::transport::Error::Tls(error)) if is_untrusted(error) => Verdict::Foreign(Step::Tls),
        Failure::Dial(_) | Failure::Handshake(_) | Failure::Frame(_) => Verdict::Unreachable { step, why: failure.to_string() },
    }
}

/// Whether the cause is a certificate that TLS does not trust.
fn is_untrusted(error: &(dyn std::error::Error + 'static)) -> bool {
    let is_ours = |error: &(dyn std::error::Error + 'static)| {
        matches!(error.downcast_ref::<rustls::Error>(), Some(rustls::Error::InvalidCertificate(_)))
    };
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.into_iter().any(|cause| {
        // An error of input and output tells of what it wraps as of itself.
        let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        is_ours(cause) || inner.is_some_and(|inner| is_ours(inner))
    })
}

/// Notes when each step was done.
struct StepClock(Mutex<(Instant, Vec<(Step, Duration)>)>);

impl StepClock {
    fn new() -> Self {
        Self(Mutex::new((Instant::now(), Vec::new())))
    }

    fn step(&self, step: Step) {
        let (since, steps) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        steps.push((step, now - *since));
        *since = now;
    }

    fn done(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.len()
    }

    /// The step that is not done yet.
    fn at(&self) -> Step {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.last().map_or(Step::Dns, |(step, _)| step.next())
    }

    fn steps(&self) -> Vec<(Step, Duration)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }
}
