//! The fifteen steps: their names, and what each shows.

/// One step as it is called in reports.
pub struct Named {
    pub name: &'static str,
    pub title: &'static str,
    /// Whether nothing behind it can be tried where it failed.
    pub(super) is_needed: bool,
}

const fn named(name: &'static str, title: &'static str, is_needed: bool) -> Named {
    Named { name, title, is_needed }
}

pub const STEPS: [Named; 15] = [
    named("network", "WhatsApp can be reached from here, and takes the version", false),
    named("gateway", "the gateway is up, and checks WhatsApp's certificate", true),
    named("qr", "a QR code within 5 seconds", true),
    named("scan", "phone A scans it", true),
    named("connected", "connected within 30 seconds of the scan", true),
    named("first_text", "a text to somebody who never wrote", false),
    named("answer", "the answer is heard, and phone A still shows notices", false),
    named("kinds", "quote, reaction, picture, voice note, and files of B", false),
    named("group", "a new group, both ways, with read receipts", false),
    named("killed", "kill -9, and nothing is lost or twice", false),
    named("network_lost", "a minute without network", false),
    named("phone_away", "phone A in flight mode", false),
    named("pairing_code", "a second session by pairing code, and its end", false),
    named("nobody", "a number without WhatsApp gets nothing", false),
    named("relink", "unlinked, and linked again", false),
];
