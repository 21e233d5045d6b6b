//! What a person reads when all is ready.

use std::path::{Path, PathBuf};

use crate::demo::Keys;

/// Where the banner stands.
pub struct Place<'a> {
    pub url: &'a str,
    /// The phones' own address, where the pretend network is ours.
    pub control_url: Option<&'a str>,
    pub clock_url: &'a str,
    /// Signs in by itself, once.
    pub dashboard: &'a str,
}

/// Prints the addresses, the keys and the commands that lead to a first message: the two variables first, then commands as README has them.
pub fn print(place: &Place<'_>, keys: &Keys, pace: bool) {
    let Place { url, control_url, clock_url, dashboard } = place;
    let key = &keys.api_key;
    let control = control_url.unwrap_or("the --network's controlUrl");
    let mut lines = Vec::new();
    lines.push("Wharf sandbox: the real gateway on a pretend WhatsApp. Nothing leaves this machine.\n".to_owned());
    lines.push(format!("  API          {url}"));
    lines.push(format!("  dashboard    {dashboard}"));
    lines.push(format!("  sign in      as demo or operator, password {}", keys.password));
    lines.push(format!("  API, to read {url}/docs"));
    if control_url.is_some() {
        lines.push(format!("  phones       {control}/control/phones"));
    }
    lines.push(format!("  clock        {clock_url}"));
    lines.push(format!("  demo key     {key}"));
    lines.push(format!("  operator key {}\n", keys.operator_key));
    if !pace {
        lines.push(
            "The pace of the plans is switched off here (--pace keeps it): on the real WhatsApp sessions write more slowly.\n".to_owned(),
        );
    }
    lines.push("In a second terminal, line by line or all at once:\n".to_owned());
    lines.push(format!("export KEY={key}"));
    lines.push(format!("export CONTROL={control}\n"));
    lines.push("# 1. a session, with its first QR code".to_owned());
    lines.push(format!(
        "curl -s -X POST {url}/v1/sessions -H \"Authorization: Bearer $KEY\" \\\n     -H 'Content-Type: application/json' -d '{{\"name\":\"demo\"}}' | tee session.json\n"
    ));
    lines.push("# 2. a pretend phone scans it".to_owned());
    lines.push(
        "curl -s -X POST \"$CONTROL/control/scan\" --data-binary \"$(sed -n 's/.*\"qr\":\"\\([^\"]*\\)\".*/\\1/p' session.json)\""
            .to_owned(),
    );
    // Pasted as one block, a text would come before the session is connected.
    lines.push(format!(
        "until curl -s {url}/v1/sessions -H \"Authorization: Bearer $KEY\" | grep -q '\"status\":\"connected\"'; do sleep 0.2; done\n"
    ));
    lines.push("# 3. a first message".to_owned());
    lines.push(format!(
        "curl -s -X POST {url}/v1/messages/text -H \"Authorization: Bearer $KEY\" -H 'Content-Type: application/json' \\\n     \
         -d \"{{\\\"sessionId\\\":\\\"$(sed -n 's/.*\"sessionId\":\"\\([^\"]*\\)\".*/\\1/p' session.json)\\\",\\\"to\\\":\\\"15550001001\\\",\\\"text\\\":\\\"Hello\\\"}}\"\n"
    ));
    lines.push("# what the phone decrypted, and the answer that came back".to_owned());
    lines.push("curl -s \"$CONTROL/control/phones/15550001001/messages\"".to_owned());
    lines.push(format!("curl -s \"{url}/v1/messages?direction=incoming\" -H \"Authorization: Bearer $KEY\"\n"));
    lines.push(as_it_happens(url, program().as_deref()));
    lines.push(
        "What happens is told here, a line each (--quiet: nothing). Ctrl-C ends it; the phones and the pairing are kept.\n".to_owned(),
    );
    wharf::log::print(lines.join("\n"));
}

/// How events are heard with what is there. A comment, for it stands in the block that is pasted: it goes on until Ctrl-C.
fn as_it_happens(url: &str, program: Option<&Path>) -> String {
    let Some(program) = program else {
        return format!(
            "# what happens, as it happens: curl -sN {url}/v1/events -H \"Authorization: Bearer $KEY\" -H 'Accept: text/event-stream'\n\
             # (`listen` of the release program says it for people; `cargo build --release -p wharf` makes that)\n"
        );
    };
    format!("# who and what as it happens, here and on any gateway: {} listen --url {url} --api-key \"$KEY\"\n", program.display())
}

/// The release program, where it was built: beside this one, or next door. As somebody types it here.
fn program() -> Option<PathBuf> {
    let folder = std::env::current_exe().ok()?.parent()?.to_owned();
    let found = [folder.join("wharf"), folder.with_file_name("release").join("wharf")].into_iter().find(|path| path.is_file())?;
    let here = std::env::current_dir().ok()?;
    let typed = found.strip_prefix(&here).map(|path| Path::new(".").join(path));
    Some(typed.unwrap_or(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_program_that_is_there_is_proposed() {
        let url = "http://127.0.0.1:8080";
        let built = as_it_happens(url, Some(Path::new("./target/debug/wharf")));
        assert!(built.contains(": ./target/debug/wharf listen --url http://127.0.0.1:8080 "), "{built}");
        let missing = as_it_happens(url, None);
        assert!(missing.contains(": curl -sN http://127.0.0.1:8080/v1/events ") && !missing.contains("wharf listen"), "{missing}");
        for hint in [built, missing] {
            assert!(hint.lines().all(|line| line.starts_with("# ")), "it stands in the block that is pasted: {hint}");
        }
    }
}
