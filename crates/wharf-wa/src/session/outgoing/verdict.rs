//! What an answer of the network means for a message.

use wharf_api::types::hold::HoldReason;

/// How one try ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The server has it.
    Sent,
    /// It will never go; the reason is for the customer.
    Failed(String),
    /// The session's picture of the group is old: the same message must go again by a new one. The reason is for the customer if that
    /// helps as little.
    Stale(String),
    /// Its time ran out before the try.
    Overdue,
    /// The server wants a pause on this chat, and on every chat that the session has not written in yet.
    HoldNew(HoldReason),
    /// The server wants a pause.
    HoldAll,
    /// The connection was lost before the message was on it: that was no try.
    Unwritten,
    /// The server has it, and nobody but the account's own devices can read it: there were no keys for the recipient's.
    Unkeyed,
    /// There was no answer: the same message must go again. `chat_rests` where the socket lives and a pause may help.
    Again { chat_rests: bool },
}

impl Verdict {
    /// What the server's refusal means.
    pub(super) fn of_refusal(code: &str) -> Self {
        match code {
            // Overload and «too many»: of the session, not of the message.
            "429" | "500" | "502" | "503" | "504" => Self::HoldAll,
            // Limits on writing to people who did not write first: 463 until they do or time passes, 475 a cap on new chats.
            "463" => Self::HoldNew(HoldReason::ReachoutTimelock),
            "475" => Self::HoldNew(HoldReason::NewChatLimit),
            "421" => Self::Stale(refusal(code)),
            _ => Self::Failed(refusal(code)),
        }
    }
}

/// A refusal in a sentence for customers.
fn refusal(code: &str) -> String {
    match meaning(code) {
        Some(meaning) => format!("WhatsApp refused the message ({code}): {meaning}"),
        None => format!("WhatsApp refused the message ({})", printable(code)),
    }
}

/// What a refusal that ends the message says, for those that are known.
fn meaning(code: &str) -> Option<&'static str> {
    match code {
        "400" | "487" | "491" => Some("it could not read it"),
        "401" => Some("only the group's admins may do this"),
        "403" => Some("the session is not in this group"),
        "404" => Some("the recipient is not on WhatsApp"),
        "420" => Some("only admins may write to this group"),
        "421" => Some("the group's members are addressed in another way by now"),
        "479" => Some("it does not take this message from this account to this recipient"),
        _ => None,
    }
}

/// A code as it may stand in a sentence for customers.
fn printable(code: &str) -> String {
    let short: String = code.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    if short.is_empty() { "no code".to_owned() } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_the_message_ends_it_and_names_the_code() {
        for code in ["488", "999"] {
            assert_eq!(Verdict::of_refusal(code), Verdict::Failed(format!("WhatsApp refused the message ({code})")));
        }
        assert!(matches!(Verdict::of_refusal("479"), Verdict::Failed(reason) if reason.contains("(479): it does not take")));
        assert!(matches!(Verdict::of_refusal("404"), Verdict::Failed(reason) if reason.contains("not on WhatsApp")));
        assert_eq!(Verdict::of_refusal("<x> \n"), Verdict::Failed("WhatsApp refused the message (x)".to_owned()));
        assert_eq!(Verdict::of_refusal(""), Verdict::Failed("WhatsApp refused the message (no code)".to_owned()));
    }

    #[test]
    fn a_group_that_is_addressed_in_another_way_is_looked_at_again() {
        assert!(matches!(Verdict::of_refusal("421"), Verdict::Stale(reason) if reason.contains("(421): the group's members")));
    }

    #[test]
    fn a_refusal_that_time_heals_holds_back_no_more_than_it_must() {
        assert_eq!(Verdict::of_refusal("463"), Verdict::HoldNew(HoldReason::ReachoutTimelock));
        assert_eq!(Verdict::of_refusal("475"), Verdict::HoldNew(HoldReason::NewChatLimit));
        for code in ["429", "503"] {
            assert_eq!(Verdict::of_refusal(code), Verdict::HoldAll);
        }
    }
}
