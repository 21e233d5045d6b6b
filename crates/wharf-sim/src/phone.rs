//! One phone: real Signal keys, what it decrypted, and whether it is awake. Owns encryption and the ledger; refuses to know the network:
//! what is to be sent is returned to the caller.

pub(crate) mod companion;
pub(crate) mod content;
pub(crate) mod draft;
pub(crate) mod keyring;
pub(crate) mod ledger;
pub(crate) mod person;
pub(crate) mod recovery;
pub(crate) mod sender_keys;

use std::collections::{HashMap, VecDeque};

use wacore::messages::{MessageUtils, decode_plaintext};
use wacore::poll;
use wacore_libsignal::protocol::SignalProtocolError;
use waproto::buffa::Message as _;
use waproto::whatsapp as wa;

use crate::address::{Address, Number};
use crate::media::letter;
use crate::{clock, keys};
use keyring::{Keyring, Sealed};
use ledger::{Entry, Ledger};
use recovery::{Question, Recovery};

/// Plaintexts a phone keeps to answer retry requests.
const SENT_KEPT: usize = 512;
/// Push notices a phone remembers.
const NOTICES_KEPT: usize = 512;
/// Decryption attempts asked for per message.
const MAX_RETRIES: u8 = 5;

/// A ciphertext on its way to a phone.
#[derive(Debug, Clone)]
pub(crate) struct Parcel {
    pub(crate) from: Address,
    pub(crate) id: String,
    pub(crate) sent_at_secs: u64,
    pub(crate) sealed: Sealed,
    /// For a copy from an own device: whom the message went to.
    pub(crate) recipient: Option<Number>,
    /// Between devices of one account, not for the person's eyes.
    pub(crate) peer: bool,
    /// For what was said in a group.
    pub(crate) group: Option<InGroup>,
}

/// The group part of a parcel.
#[derive(Debug, Clone)]
pub(crate) struct InGroup {
    pub(crate) id: Number,
    /// The sender's key for the group, sealed for this phone.
    pub(crate) key: Option<Sealed>,
    /// The ciphertext is the one for all; otherwise it is for this phone alone.
    pub(crate) shared: bool,
}

/// What came out of a parcel.
pub(crate) enum Opened {
    /// For the person: what was shown, and whether for the first time.
    Shown { entry: Box<Entry>, first: bool },
    /// Key exchange and the like.
    Silent,
    /// An own device asks for messages that it could not read.
    Asked(Vec<Question>),
    /// Not decryptable: ask the sender again, for the n-th time.
    Retry(u8),
    /// Not decryptable after all retries.
    Lost,
}

/// A push notice of a message.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    pub(crate) id: String,
    pub(crate) chat: Number,
    pub(crate) sender: Number,
    pub(crate) at_ms: u64,
}

pub(crate) struct Phone {
    pub(crate) number: Number,
    pub(crate) awake: bool,
    pub(crate) keyring: Keyring,
    pub(crate) ledger: Ledger,
    /// Ciphertexts that came while the phone was off.
    pub(crate) inbox: VecDeque<Parcel>,
    pub(crate) recovery: Recovery,
    /// The push notices that its person saw, oldest first.
    pub(crate) notices: VecDeque<Notice>,
    sent: VecDeque<(String, Number, Vec<u8>)>,
    retries: HashMap<(Address, String), u8>,
}

impl Phone {
    pub(crate) fn new(number: Number, keyring: Keyring, awake: bool) -> Self {
        Self {
            number,
            awake,
            keyring,
            ledger: Ledger::default(),
            inbox: VecDeque::new(),
            recovery: Recovery::default(),
            notices: VecDeque::new(),
            sent: VecDeque::new(),
            retries: HashMap::new(),
        }
    }

    /// Decrypts a parcel and writes the ledger.
    pub(crate) fn open(&mut self, parcel: &Parcel) -> Opened {
        let plaintext = match self.unseal(parcel) {
            Ok(plaintext) => plaintext,
            // The same ciphertext again is a copy of something already shown, not a loss.
            Err(SignalProtocolError::DuplicatedMessage(..)) => {
                return self
                    .ledger
                    .copy_by_id(parcel.from.number, &parcel.id)
                    .map_or(Opened::Silent, |entry| Opened::Shown { entry: Box::new(entry), first: false });
            }
            Err(error) => {
                tracing::debug!(phone = %self.number, from = %parcel.from, id = %parcel.id, %error, "cannot decrypt");
                return self.retry(parcel);
            }
        };
        self.retries.remove(&(parcel.from, parcel.id.clone()));
        let Ok(message) = decode_plaintext(&plaintext, 2) else {
            tracing::debug!(phone = %self.number, id = %parcel.id, "not a message");
            return Opened::Lost;
        };
        self.learn(parcel, &message);
        let questions = if parcel.from.number == self.number { recovery::questions(parcel.from, &parcel.id, &message) } else { Vec::new() };
        if !questions.is_empty() {
            return Opened::Asked(questions);
        }
        if parcel.peer || is_exchange(&message) {
            return Opened::Silent;
        }
        self.show(parcel, message)
    }

    fn unseal(&mut self, parcel: &Parcel) -> Result<Vec<u8>, SignalProtocolError> {
        let Some(place) = &parcel.group else {
            return self.keyring.decrypt(parcel.from, &parcel.sealed);
        };
        if let Some(key) = &place.key {
            match self.keyring.decrypt(parcel.from, key) {
                Ok(plaintext) => {
                    if let Ok(message) = decode_plaintext(&plaintext, 2) {
                        self.learn(parcel, &message);
                    }
                }
                // The stanza came twice; the key was learned the first time.
                Err(SignalProtocolError::DuplicatedMessage(..)) => {}
                Err(error) => return Err(error),
            }
        }
        if place.shared {
            self.keyring.groups.decrypt(place.id, parcel.from, &parcel.sealed.bytes)
        } else {
            self.keyring.decrypt(parcel.from, &parcel.sealed)
        }
    }

    /// Keeps the sender's key for the group, where a message brings it.
    fn learn(&mut self, parcel: &Parcel, message: &wa::Message) {
        let key = message.sender_key_distribution_message.as_option();
        let (Some(place), Some(key)) = (&parcel.group, key) else { return };
        let bytes = key.axolotl_sender_key_distribution_message.as_deref().unwrap_or_default();
        if let Err(error) = self.keyring.groups.learn(place.id, parcel.from, bytes) {
            tracing::debug!(phone = %self.number, from = %parcel.from, %error, "not a key for a group");
        }
    }

    fn show(&mut self, parcel: &Parcel, message: wa::Message) -> Opened {
        let own = parcel.from.number == self.number;
        // A copy that is sent again is not wrapped; then the stanza alone says whom it went to.
        let person = parcel.recipient.filter(|_| own).unwrap_or(parcel.from.number);
        let mut chat = parcel.group.as_ref().map_or(person, |place| place.id);
        let mut message = message;
        if let Some(mut copy) = message.device_sent_message.take() {
            chat = copy
                .destination_jid
                .as_deref()
                .and_then(|jid| jid.parse().ok())
                .and_then(|jid| Address::from_jid(&jid))
                .map_or(self.number, |address| address.number);
            if let Some(inner) = copy.message.take() {
                message = inner;
            }
        }
        let (kind, text, mut fields) = ledger::describe(&message);
        if kind == "vote" {
            fields.insert("options".to_owned(), serde_json::json!(self.unseal_vote(parcel.from.number, &message)));
        }
        self.recovery.keep(&parcel.id, (chat, parcel.from.number, own), parcel.sent_at_secs, &message);
        let entry = Entry {
            id: parcel.id.clone(),
            chat,
            sender: parcel.from.number,
            sender_device: parcel.from.device,
            from_me: own,
            kind,
            sha256: text.is_none().then(|| ledger::sha256_hex(&message.encode_to_vec())),
            text,
            media: letter::filed(&message),
            fields,
            secret: content::secret(&message).map(|secret| keys::hex(&secret)),
            sent_at_secs: parcel.sent_at_secs,
            first_at_ms: clock::now_ms(),
            last_at_ms: clock::now_ms(),
            copies: 1,
            delivered: 0,
            delivered_at_ms: None,
            read_at_ms: None,
        };
        let (entry, first) = self.ledger.record(entry);
        if first {
            self.ledger.apply(&entry);
        }
        Opened::Shown { entry: Box::new(entry), first }
    }

    /// Which options a vote chooses; `None` where it cannot be read.
    fn unseal_vote(&self, voter: Number, message: &wa::Message) -> Option<Vec<String>> {
        let update = message.poll_update_message.as_option()?;
        let poll = self.ledger.find(update.poll_creation_message_key.as_option()?.id.as_deref()?)?;
        let vote = update.vote.as_option()?;
        let sealed = poll::PollVoteCiphertext { enc_payload: vote.enc_payload.as_deref()?, enc_iv: vote.enc_iv.as_deref()? };
        let (creator, voter) = (poll.sender.jid().to_string(), voter.jid().to_string());
        let secret = poll.secret.as_deref().and_then(keys::unhex)?;
        let hashes = poll::decrypt_poll_vote_with_secret(sealed, &secret, &poll.id, &creator, &voter).ok()?;
        let options = poll.fields.get("options")?.as_array()?.iter().filter_map(|option| option.as_str());
        Some(options.filter(|option| hashes.iter().any(|hash| *hash == poll::compute_option_hash(option))).map(str::to_owned).collect())
    }

    fn retry(&mut self, parcel: &Parcel) -> Opened {
        if self.retries.len() > SENT_KEPT {
            self.retries.clear();
        }
        let count = self.retries.entry((parcel.from, parcel.id.clone())).or_insert(0);
        *count += 1;
        if *count > MAX_RETRIES { Opened::Lost } else { Opened::Retry(*count) }
    }

    /// Shows a push notice of what came.
    pub(crate) fn notify(&mut self, entry: &Entry) {
        if self.notices.len() == NOTICES_KEPT {
            self.notices.pop_front();
        }
        let (chat, sender) = (entry.chat, entry.sender);
        self.notices.push_back(Notice { id: entry.id.clone(), chat, sender, at_ms: clock::now_ms() });
    }

    /// Writes the ledger entry of a message this phone sends, and keeps the plaintext for retries.
    pub(crate) fn remember_sent(&mut self, id: &str, to: Number, message: &wa::Message) {
        let (kind, text, mut fields) = ledger::describe(message);
        if kind == "vote" {
            fields.insert("options".to_owned(), serde_json::json!(self.unseal_vote(self.number, message)));
        }
        let encoded = message.encode_to_vec();
        let now = clock::now_ms();
        let (entry, _) = self.ledger.record(Entry {
            id: id.to_owned(),
            chat: to,
            sender: self.number,
            sender_device: 0,
            from_me: true,
            kind,
            sha256: text.is_none().then(|| ledger::sha256_hex(&encoded)),
            text,
            media: letter::filed(message),
            fields,
            secret: content::secret(message).map(|secret| keys::hex(&secret)),
            sent_at_secs: now / 1000,
            first_at_ms: now,
            last_at_ms: now,
            copies: 1,
            delivered: 0,
            delivered_at_ms: None,
            read_at_ms: None,
        });
        self.ledger.apply(&entry);
        if self.sent.len() == SENT_KEPT {
            self.sent.pop_front();
        }
        self.sent.push_back((id.to_owned(), to, encoded));
    }

    /// The message behind an id, for a retry request.
    pub(crate) fn sent_message(&self, id: &str) -> Option<(Number, wa::Message)> {
        let (_, to, bytes) = self.sent.iter().rev().find(|(sent, _, _)| sent == id)?;
        Some((*to, wa::Message::decode_from_slice(bytes).ok()?))
    }

    /// Seals a message for one device; own devices get it wrapped with its destination.
    pub(crate) fn seal(&mut self, to: Address, destination: Number, message: &wa::Message) -> Result<Sealed, SignalProtocolError> {
        let padded = if to.number == self.number && destination != self.number {
            let wrapped = wacore::messages::wrap_device_sent(message.clone(), destination.jid().to_string());
            MessageUtils::encode_and_pad(&wrapped)
        } else {
            MessageUtils::encode_and_pad(message)
        };
        self.keyring.encrypt(to, &padded)
    }
}

fn is_exchange(message: &wa::Message) -> bool {
    message.protocol_message.as_option().is_some_and(|protocol| {
        use wa::message::protocol_message::Type;
        !matches!(protocol.r#type, None | Some(Type::REVOKE | Type::MESSAGE_EDIT))
    })
}
