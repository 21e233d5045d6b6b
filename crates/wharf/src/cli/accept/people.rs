//! What the two people and the operator do and see.

use async_trait::async_trait;

/// Something that somebody has to do. A is the person of the account that is linked, B is whom it writes with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// A has the phone scan this code; it may come again with the next code.
    Scan { qr: String },
    /// A locks the phone and does nothing for twenty seconds.
    Lock,
    /// B writes A a text.
    Answer,
    /// B opens the chat with A.
    OpenChat,
    /// B sends A a picture, a voice note and a picture that can be opened once.
    SendFiles,
    /// B writes a text into the new group, and reads it.
    AnswerInGroup { group: String },
    /// The operator kills the gateway (`kill -9`).
    KillGateway,
    /// B writes three texts to A, and calls once, for a few seconds.
    WriteThreeAndCall,
    /// The operator starts the gateway again.
    StartGateway,
    /// The operator cuts the machine off the network.
    CutNetwork,
    /// B writes A two texts.
    WriteTwo,
    /// The operator joins the network again.
    JoinNetwork,
    /// A puts the phone into flight mode.
    FlightMode,
    /// A ends the flight mode.
    Land,
    /// B types this code under «Link with phone number».
    TypeCode { code: String },
    /// B removes the linked device.
    UnlinkOnB,
    /// A removes the linked device.
    UnlinkOnA,
}

impl Act {
    /// What a person at a terminal reads.
    pub fn words(&self) -> String {
        let text = match self {
            Self::Scan { .. } => "Phone A: WhatsApp, Settings, Linked devices, Link a device; scan the code.",
            Self::Lock => "Phone A: lock it, and wait twenty seconds.",
            Self::Answer => "Phone B: answer with a text, and look at phone A.",
            Self::OpenChat => "Phone B: open the chat with A.",
            Self::SendFiles => "Phone B: send A a picture, a voice note, and a picture that can be opened once.",
            Self::AnswerInGroup { .. } => "Phone B: open the new group, read it, and answer with a text.",
            Self::KillGateway => "Operator: kill the gateway (kill -9), and do not start it yet.",
            Self::WriteThreeAndCall => "Phone B: write three texts to A, then call A for a few seconds and hang up.",
            Self::StartGateway => "Operator: start the gateway again.",
            Self::CutNetwork => "Operator: cut the machine off the network, and keep it so.",
            Self::WriteTwo => "Phone B: write two texts to A.",
            Self::JoinNetwork => "Operator: after a minute without it, join the network again.",
            Self::FlightMode => "Phone A: switch to flight mode.",
            Self::Land => "Phone A: end the flight mode.",
            Self::TypeCode { code } => {
                return format!("Phone B: Linked devices, Link a device, Link with phone number instead; type {code}.");
            }
            Self::UnlinkOnB => "Phone B: Linked devices, tap the new device, Log out.",
            Self::UnlinkOnA => "Phone A: Linked devices, tap the gateway's device, Log out.",
        };
        text.to_owned()
    }

    /// Whether the script sees by itself that it was done, so that nobody has to say so.
    pub const fn is_seen(&self) -> bool {
        matches!(self, Self::Scan { .. } | Self::Answer | Self::SendFiles | Self::AnswerInGroup { .. } | Self::TypeCode { .. })
    }
}

/// Something that somebody sees, or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// The phone shows the new device by the gateway's name.
    LinkedDevice,
    /// The phone of A showed a notice of the message of B.
    PushNotice,
    /// B did not see A as online.
    NotOnline,
    /// Quote, reaction, picture with caption and voice note, on B and on A.
    KindsShown,
    /// The phone of A shows the group with what was written in it.
    GroupShown,
    /// The number without WhatsApp got nothing. Nobody can see that on the real network.
    NothingSent { number: String },
}

impl Sight {
    pub fn words(&self) -> Option<&'static str> {
        Some(match self {
            Self::LinkedDevice => "Does phone A show a new linked device, named Wharf or «Chrome (Wharf)»?",
            Self::PushNotice => "Did phone A, locked, show a notice of B's message?",
            Self::NotOnline => "Was A NOT shown as online on phone B?",
            Self::KindsShown => {
                "Do B and A both show the answer with its quote, the reaction, the picture with its words, and the voice note?"
            }
            Self::GroupShown => "Does phone A show the group and both messages?",
            Self::NothingSent { .. } => return None,
        })
    }
}

/// How an act ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    Done,
    /// It will not be done, and why.
    Left(String),
}

/// What somebody says of a sight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Yes,
    /// With what was seen instead.
    No(String),
    /// Nobody looked.
    Unasked,
}

/// The two people and the operator.
#[async_trait]
pub trait People: Send + Sync {
    /// Says what comes now.
    fn tell(&self, line: &str);
    /// Has it done. `Err` ends the whole run.
    async fn act(&self, act: &Act) -> anyhow::Result<Done>;
    async fn see(&self, sight: &Sight) -> anyhow::Result<Seen>;
}
