//! The variables that are read, found out by asking the settings for them: there is no second list.

use std::cell::RefCell;

use serde_json::Value;

use super::Settings;

/// What the commands take beside the settings.
const COMMANDS: [&str; 6] = ["WHARF_CONFIG", "WHARF_URL", "WHARF_API_KEY", "WHARF_PROFILE", "WHARF_OPERATOR_KEY", "WHARF_LISTEN_SECRET"];

/// Every variable that is read: the settings, and what the commands take.
pub(in crate::config) fn all() -> Vec<&'static str> {
    [&COMMANDS[..], &of_settings()].concat()
}

fn of_settings() -> Vec<&'static str> {
    let asked = RefCell::new(Vec::new());
    let note = |name: &'static str| {
        asked.borrow_mut().push(name);
        None
    };
    // Nothing is set, so nothing can be wrong.
    let _ = Settings::default().overlay_with(note);
    asked.into_inner()
}

/// Each variable with the whole name of the key that it sets, found out by setting it.
pub(in crate::config) fn keys() -> Vec<(&'static str, String)> {
    let set = |variable: &'static str, value: &str| {
        let mut settings = Settings::default();
        settings.overlay_with(|asked| (asked == variable).then(|| (asked, value.to_owned()))).ok()?;
        only_key(&serde_json::to_value(&settings).ok()?)
    };
    of_settings().into_iter().filter_map(|variable| Some((variable, set(variable, "1").or_else(|| set(variable, "true"))?))).collect()
}

/// The whole name of the one member that is not null.
fn only_key(value: &Value) -> Option<String> {
    value.as_object()?.iter().find_map(|(name, value)| match value {
        Value::Null => None,
        Value::Object(_) => only_key(value).map(|inner| format!("{name}.{inner}")),
        _ => Some(name.clone()),
    })
}
