//! Who is on the network, and the numbers that refuse.

use crate::harness::{Device, OWNER, SILENT, Sim};
use whatsapp_rust::Jid;

const NOBODY: &str = "15550009999";

#[tokio::test]
async fn a_check_tells_who_is_registered() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    let asked = [Jid::pn(SILENT), Jid::pn(NOBODY), Jid::pn("15550002345")];
    let found = device.client.contacts().is_on_whatsapp(&asked).await.unwrap();
    let registered = |number: &str| found.iter().find(|result| result.jid.user == number).map(|result| result.is_registered);
    assert_eq!(registered(SILENT), Some(true));
    assert_eq!(registered(NOBODY), Some(false));
    assert_eq!(registered("15550002345"), Some(true));
}

#[tokio::test]
async fn a_message_to_nobody_is_refused_with_404() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    let id = device.send(NOBODY, "anyone?").await;
    assert_eq!(device.server_ack(&id).await.as_deref(), Some("404"));
}

#[tokio::test]
async fn magic_numbers_refuse_with_their_code() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    for code in ["463", "475", "479", "503"] {
        let number = format!("15550007{code}");
        let id = device.send(&number, "no").await;
        assert_eq!(device.server_ack(&id).await.as_deref(), Some(code));
        assert!(sim.ledger(&number, &id).await.is_empty());
    }
}

#[tokio::test]
async fn the_number_that_never_acknowledges_still_receives() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    let id = device.send("15550007408", "silence").await;
    sim.shown("15550007408", &id).await;
    device.receipt(&id, "Delivered").await;
    let wire = sim.get(&format!("/control/wire/{OWNER}?id={id}")).await;
    assert_eq!(wire["messages"][0]["acked"], 0);
}

#[tokio::test]
async fn a_question_about_one_magic_number_is_answered_with_nonsense_and_about_another_never() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    let contacts = device.client.contacts();
    let garbled = contacts.is_on_whatsapp(&[Jid::pn("15550007500")]).await;
    assert!(garbled.is_err(), "{garbled:?}");
    let unanswered = [Jid::pn(SILENT), Jid::pn("15550007504")];
    let other = [Jid::pn(SILENT)];
    // The connection is not held up by the question that stays open.
    tokio::select! {
        biased;
        answered = contacts.is_on_whatsapp(&unanswered) => panic!("{answered:?}"),
        found = async {
            // Asked later than the other, on the same connection.
            tokio::task::yield_now().await;
            contacts.is_on_whatsapp(&other).await
        } => assert!(found.unwrap()[0].is_registered),
    }
}
