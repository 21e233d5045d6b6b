//! What a person reads when all is ready.

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
    // A comment, for it stands in the block that is pasted: it goes on until Ctrl-C.
    lines.push(format!("# who and what as it happens, here and on any gateway: wharf listen --url {url} --api-key \"$KEY\"\n"));
    lines.push(
        "What happens is told here, a line each (--quiet: nothing). Ctrl-C ends it; the phones and the pairing are kept.\n".to_owned(),
    );
    wharf::log::print(lines.join("\n"));
}
