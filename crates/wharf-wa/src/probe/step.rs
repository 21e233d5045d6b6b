//! The steps of a knock. Whoever dials tells of those that it does.

/// What happens on the way to a QR code, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The name became addresses.
    Dns,
    /// A connection stands.
    Connect,
    /// Its other side has shown a certificate that is trusted; at once where the address wants none.
    Tls,
    /// WhatsApp has proved who it is, and knows what we claim to be.
    Handshake,
    /// The first QR reference is there.
    Reference,
}

impl Step {
    /// The word for documents and reports.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Handshake => "handshake",
            Self::Reference => "reference",
        }
    }

    pub(super) const fn next(self) -> Self {
        match self {
            Self::Dns => Self::Connect,
            Self::Connect => Self::Tls,
            Self::Tls => Self::Handshake,
            Self::Handshake | Self::Reference => Self::Reference,
        }
    }
}
