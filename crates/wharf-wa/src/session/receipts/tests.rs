use std::path::PathBuf;

use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, SessionId};
use wharf_core::Chance;
use wharf_core::chance::SystemChance;
use wharf_core::clock::SystemClock;
use wharf_core::message::outcomes::Outcomes;
use wharf_core::seal::Seal;
use wharf_core::store::{AccountStore as _, NewSession, OwnerStore as _, SessionStore as _};

use super::*;
use crate::{Config, WaEngine};

/// What the parts of a session share, over a store without messages.
async fn own() -> (Arc<Own>, PathBuf) {
    let chance: &dyn Chance = &SystemChance;
    let folder = std::env::temp_dir().join(format!("wharf-wa-{}", chance.base62(16)));
    std::fs::create_dir_all(&folder).unwrap();
    let url = format!("sqlite:{}", folder.join("wharf.db").display());
    let store = wharf_store::open(wharf_store::Config::new(url, Arc::new(SystemChance))).await.unwrap();
    let (account, session): (AccountId, SessionId) = (chance.account_id(), chance.session_id());
    let at = Timestamp::from_millis(0);
    store.insert_account(&account, "test", "enterprise", at).await.unwrap();
    let row = NewSession {
        id: session.clone(),
        account,
        name: "s".into(),
        at,
        limit: None,
        claim: None,
        proxy: None,
        webhook: None,
        webhook_limit: 0,
    };
    store.insert_session(&row).await.unwrap();
    let fence = store.take_session(&session, "node", at).await.unwrap().unwrap();
    let config = Config::new("node", Seal::new(&[1; 32], Arc::new(SystemChance)));
    let engine = WaEngine::new(config, store, Arc::new(SystemClock), Arc::new(SystemChance), Arc::<Outcomes>::default()).unwrap();
    (Own::new(&engine.ctx, fence, 0, &Arc::default()), folder)
}

fn comes(receipts: &mut Receipts, own: &Arc<Own>, id: &str) {
    receipts.waiting.push(ToldReceipt {
        kind: ReceiptKind::Delivered,
        wa_id: id.to_owned(),
        member: None,
        elsewhere: false,
        offers: 0,
        kept: Vec::new(),
    });
    receipts.start(own);
}

#[tokio::test]
async fn a_receipt_without_a_message_holds_up_no_other() {
    let (own, folder) = own().await;
    let mut receipts = Receipts::default();
    comes(&mut receipts, &own, "3EB0UNKNOWN");
    receipts.progress(&own).await;
    // The first is to be offered again; the second does not wait for that.
    comes(&mut receipts, &own, "3EB0NEXT");
    receipts.progress(&own).await;
    let offered: Vec<_> = receipts.early.iter().map(|told| (told.wa_id.as_str(), told.offers)).collect();
    assert_eq!(offered, [("3EB0UNKNOWN", 1), ("3EB0NEXT", 1)]);
    assert!(receipts.is_busy(), "they are offered again");
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_receipt_whose_message_never_comes_is_given_up() {
    let (own, folder) = own().await;
    let mut receipts = Receipts::default();
    comes(&mut receipts, &own, "3EB0UNKNOWN");
    let mut rounds = 0;
    while receipts.is_busy() {
        // The time of the next offer has come.
        receipts.again_at = receipts.again_at.map(|_| Instant::now());
        receipts.progress(&own).await;
        rounds += 1;
    }
    assert!(receipts.early.is_empty() && receipts.waiting.is_empty());
    // It is stored once, and then waited for and stored again at every offer.
    assert_eq!(rounds, 1 + 2 * usize::from(OFFERS));
    std::fs::remove_dir_all(folder).unwrap();
}

/// A receipt for a message, as the library brings it.
fn seen(id: &str) -> Seen {
    let source =
        wacore::types::message::MessageSource { chat: "1@lid".parse().unwrap(), sender: "1@lid".parse().unwrap(), ..Default::default() };
    Seen::builder()
        .source(source)
        .message_ids(vec![id.into()])
        .timestamp(wacore::time::now_utc())
        .r#type(ReceiptType::Delivered)
        .offline(false)
        .build()
}

#[tokio::test]
async fn nothing_goes_out_before_a_receipt_is_stored_and_a_crowd_of_them_holds_nothing_back() {
    use futures::FutureExt as _;
    let (own, folder) = own().await;
    let mut receipts = Receipts::default();
    let kept = Kept::back(&own);
    let later = own.gate.hold();
    assert!(later.turn().now_or_never().is_none(), "it is held back");
    receipts.add(&own, &seen("3EB0FIRST"), &[], kept);
    assert!(later.turn().now_or_never().is_none(), "it is not stored yet");
    receipts.progress(&own).await;
    assert!(later.turn().now_or_never().is_some());
    later.written();

    receipts.waiting = (0..BEFORE).map(|_| receipts.early[0].let_go()).collect();
    receipts.add(&own, &seen("3EB0LAST"), &[], Kept::back(&own));
    let free = own.gate.hold();
    assert!(free.turn().now_or_never().is_some(), "so many are not waited for");
    free.written();
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn only_a_few_are_held_back_at_once() {
    let (own, folder) = own().await;
    let held: Vec<_> = (0..100).map_while(|_| Kept::back(&own)).collect();
    assert_eq!(held.len(), 16);
    drop(held);
    assert!(Kept::back(&own).is_some());
    std::fs::remove_dir_all(folder).unwrap();
}
