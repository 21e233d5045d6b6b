//! What a person reads when all is ready.

use crate::demo::Keys;

/// Prints the addresses, the key and the three commands that lead to a first message.
pub fn print(url: &str, control_url: Option<&str>, clock_url: &str, keys: &Keys, pace: bool) {
    let key = &keys.api_key;
    let mut lines = Vec::new();
    lines.push("Wharf sandbox: the real gateway on a pretend WhatsApp. Nothing leaves this machine.\n".to_owned());
    lines.push(format!("  API          {url}"));
    if let Some(control) = control_url {
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
    let control = control_url.unwrap_or("$CONTROL");
    lines.push("A session, its QR code scanned by a pretend phone, and a first message:\n".to_owned());
    lines.push(format!(
        "curl -s -X POST {url}/v1/sessions -H 'Authorization: Bearer {key}' \\\n     -H 'Content-Type: application/json' -d '{{\"name\":\"demo\"}}' | tee session.json\n"
    ));
    lines.push(format!(
        "curl -s -X POST {control}/control/scan --data-binary \"$(sed -n 's/.*\"qr\":\"\\([^\"]*\\)\".*/\\1/p' session.json)\"\n"
    ));
    lines.push(format!(
        "curl -s -X POST {url}/v1/messages/text -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\\n     \
         -d \"{{\\\"sessionId\\\":\\\"$(sed -n 's/.*\"sessionId\":\"\\([^\"]*\\)\".*/\\1/p' session.json)\\\",\\\"to\\\":\\\"15550001001\\\",\\\"text\\\":\\\"Hello\\\"}}\"\n"
    ));
    lines.push("What the phone decrypted, and the answer that came back:\n".to_owned());
    lines.push(format!("curl -s {control}/control/phones/15550001001/messages"));
    lines.push(format!("curl -s '{url}/v1/messages?direction=incoming' -H 'Authorization: Bearer {key}'\n"));
    lines.push("Ctrl-C ends it; the phones and the pairing are kept.".to_owned());
    wharf::log::print(lines.join("\n"));
}
