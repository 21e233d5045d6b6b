//! What a person shows of themselves, and whom they block; a group's picture is kept here too. Owns no rule of who may change it.

mod told;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use crate::account::lock;
use crate::address::Number;
use crate::phone::ledger::digits;
use crate::{clock, keys};

pub(crate) use told::{described, pictured};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ProfilePicture {
    pub(crate) id: String,
    /// Base64, as it lies on disk.
    bytes: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) text: String,
    pub(crate) at_secs: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Profile {
    /// A person or a group.
    #[serde(with = "digits")]
    pub(crate) number: Number,
    #[serde(default)]
    pub(crate) picture: Option<ProfilePicture>,
    #[serde(default)]
    pub(crate) about: Option<About>,
    /// Phone numbers.
    #[serde(default)]
    blocked: Vec<u64>,
    /// Who may see what, as far as it was ever set: a category, and its value.
    #[serde(default)]
    privacy: BTreeMap<String, String>,
}

impl Profile {
    const fn empty(number: Number) -> Self {
        Self { number, picture: None, about: None, blocked: Vec::new(), privacy: BTreeMap::new() }
    }

    pub(crate) fn blocked(&self) -> Vec<Number> {
        self.blocked.iter().copied().map(Number).collect()
    }

    /// What was set for a category; everybody may see what nobody set.
    pub(crate) fn privacy(&self, category: &str) -> &str {
        self.privacy.get(category).map_or("all", String::as_str)
    }
}

pub(crate) struct Profiles {
    profiles: Mutex<BTreeMap<Number, Profile>>,
    /// Serves the pictures.
    control: SocketAddr,
}

impl Profiles {
    pub(crate) fn new(profiles: Vec<Profile>, control: SocketAddr) -> Self {
        Self { profiles: Mutex::new(profiles.into_iter().map(|profile| (profile.number, profile)).collect()), control }
    }

    pub(crate) fn all(&self) -> Vec<Profile> {
        lock(&self.profiles).values().cloned().collect()
    }

    pub(crate) fn of(&self, number: Number) -> Profile {
        lock(&self.profiles).get(&number).cloned().unwrap_or(Profile::empty(number))
    }

    fn change(&self, number: Number, change: impl FnOnce(&mut Profile)) {
        change(lock(&self.profiles).entry(number).or_insert(Profile::empty(number)));
    }

    /// No bytes take the picture away. Gives the new picture's id.
    pub(crate) fn set_picture(&self, number: Number, bytes: Option<&[u8]>) -> Option<String> {
        let picture = bytes.map(|bytes| ProfilePicture { id: new_id(), bytes: BASE64_STANDARD.encode(bytes) });
        let id = picture.as_ref().map(|picture| picture.id.clone());
        self.change(number, |profile| profile.picture = picture);
        id
    }

    pub(crate) fn set_about(&self, number: Number, text: &str) {
        self.change(number, |profile| profile.about = Some(About { text: text.to_owned(), at_secs: clock::now_secs() }));
    }

    pub(crate) fn set_blocked(&self, number: Number, other: Number, blocked: bool) {
        self.change(number, |profile| {
            profile.blocked.retain(|known| *known != other.0);
            if blocked {
                profile.blocked.push(other.0);
            }
        });
    }

    pub(crate) fn set_privacy(&self, number: Number, category: String, value: String) {
        self.change(number, |profile| {
            profile.privacy.insert(category, value);
        });
    }

    pub(crate) fn blocks(&self, number: Number, other: Number) -> bool {
        lock(&self.profiles).get(&number).is_some_and(|profile| profile.blocked.contains(&other.0))
    }

    pub(crate) fn picture_url(&self, id: &str) -> String {
        format!("http://{}/control/pictures/{id}", self.control)
    }

    pub(crate) fn picture(&self, id: &str) -> Option<Vec<u8>> {
        let profiles = lock(&self.profiles);
        let picture = profiles.values().filter_map(|profile| profile.picture.as_ref()).find(|picture| picture.id == id)?;
        BASE64_STANDARD.decode(&picture.bytes).ok()
    }
}

fn new_id() -> String {
    (u64::from_be_bytes(keys::random_bytes()) % 10_000_000_000).to_string()
}
