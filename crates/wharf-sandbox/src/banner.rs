//! What a person reads when all is ready.

use crate::demo::Keys;

/// Prints the addresses, the key and the three commands that lead to a first message.
pub fn print(url: &str, control_url: Option<&str>, clock_url: &str, keys: &Keys, pace: bool) {
    let key = &keys.api_key;
    println!("Wharf sandbox: the real gateway on a pretend WhatsApp. Nothing leaves this machine.\n");
    println!("  API          {url}");
    if let Some(control) = control_url {
        println!("  phones       {control}/control/phones");
    }
    println!("  clock        {clock_url}");
    println!("  demo key     {key}");
    println!("  operator key {}\n", keys.operator_key);
    if !pace {
        println!("The pace of the plans is switched off here (--pace keeps it): on the real WhatsApp sessions write more slowly.\n");
    }
    let control = control_url.unwrap_or("$CONTROL");
    println!("A session, its QR code scanned by a pretend phone, and a first message:\n");
    println!(
        "curl -s -X POST {url}/v1/sessions -H 'Authorization: Bearer {key}' \\\n     -H 'Content-Type: application/json' -d '{{\"name\":\"demo\"}}' | tee session.json\n"
    );
    println!("curl -s -X POST {control}/control/scan --data-binary \"$(sed -n 's/.*\"qr\":\"\\([^\"]*\\)\".*/\\1/p' session.json)\"\n");
    println!(
        "curl -s -X POST {url}/v1/messages/text -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\\n     \
         -d \"{{\\\"sessionId\\\":\\\"$(sed -n 's/.*\"sessionId\":\"\\([^\"]*\\)\".*/\\1/p' session.json)\\\",\\\"to\\\":\\\"15550001001\\\",\\\"text\\\":\\\"Hello\\\"}}\"\n"
    );
    println!("What the phone decrypted, and the answer that came back:\n");
    println!("curl -s {control}/control/phones/15550001001/messages");
    println!("curl -s '{url}/v1/messages?direction=incoming' -H 'Authorization: Bearer {key}'\n");
    println!("Ctrl-C ends it; the phones and the pairing are kept.");
}
