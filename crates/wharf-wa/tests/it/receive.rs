//! Receiving: every text once, also across restarts.

use wharf_api::types::message::{Content, Direction};
use wharf_api::types::session::SessionStatus;
use wharf_core::engine::Engine as _;
use wharf_core::store::MessageFilter;

use crate::harness::{ECHO, OWNER, World, until};

fn incoming() -> MessageFilter {
    MessageFilter { direction: Some(Direction::Incoming), ..MessageFilter::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_comes_in_with_number_lid_and_name() {
    let world = World::start().await;
    let session = world.paired(OWNER).await;
    world.send(&session, ECHO, "say it back").await.unwrap();
    let row = until("the echo", async || world.messages(&incoming()).await.pop()).await;
    assert_eq!(row.content, Content::text("say it back"));
    assert_eq!(row.chat, "15550001001@s.whatsapp.net");
    assert_eq!(row.sender_phone.as_deref(), Some(ECHO));
    assert_eq!(row.sender_name.as_deref(), Some("Echo"));
    assert!(row.sender_lid.is_some_and(|lid| lid.ends_with("@lid")));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_while_the_session_was_away_is_there_once_after_it_returns() {
    let mut world = World::start().await;
    let session = world.paired(OWNER).await;
    world.engine.shutdown().await;
    for n in 0..20 {
        world.phone_sends(ECHO, OWNER, &format!("offline {n}")).await;
    }
    world.restart().await;
    world.status(&session, SessionStatus::Connected).await;
    let rows = until("all texts", async || Some(world.messages(&incoming()).await).filter(|rows| rows.len() >= 20)).await;
    let mut texts: Vec<String> = rows
        .iter()
        .filter_map(|row| match &row.content {
            Content::Text { text, .. } => Some(text.clone()),
            _ => None,
        })
        .collect();
    texts.reverse();
    assert_eq!(texts, (0..20).map(|n| format!("offline {n}")).collect::<Vec<_>>());
    world.restart().await;
    world.status(&session, SessionStatus::Connected).await;
    world.phone_sends(ECHO, OWNER, "the last").await;
    until("the last text", async || Some(world.messages(&incoming()).await).filter(|rows| rows.len() == 21)).await;
    world.end().await;
}
