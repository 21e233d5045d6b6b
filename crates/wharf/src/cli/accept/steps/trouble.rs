//! Death, a lost network and a phone that is away: steps 10 to 12.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::course::{Run, Step, Trouble};
use super::super::people::Act;
use super::is;

const RESUMED_LIMIT: Duration = Duration::from_secs(15);
/// Keep-alive asks after 15 to 30 s, and waits for 20 s.
const NOTICED_LIMIT: Duration = Duration::from_mins(1);
const BACK_LIMIT: Duration = Duration::from_secs(20);
const SENT_LIMIT: Duration = Duration::from_secs(30);

pub(super) async fn killed(run: &mut Run<'_>) -> Step {
    let id = run.session()?.to_owned();
    let mark = run.ear.mark();
    run.act(Act::KillGateway).await?;
    run.act(Act::WriteThreeAndCall).await?;
    run.act(Act::StartGateway).await?;
    let took = run.api.session(&id, RESUMED_LIMIT, "connected again", |session| session["status"] == "connected").await?;
    run.measure("connected", took);
    let heard = run.heard(mark, 3, "texts that were written while the gateway was away", None).await?;
    let called = |event: &Value| is(event, &id, "call.received") && event["data"]["missed"] == true;
    let calls = run.ear.hear(mark, 1, run.options.patience, "the call that was missed", called).await?;
    once(run, &heard, 3).await?;
    if calls.len() > 1 {
        return Err(Trouble::Failed(format!("one call was told {} times", calls.len())));
    }
    Ok(())
}

/// Each text is there once: by its event, and in the list.
async fn once(run: &Run<'_>, heard: &[Value], wanted: usize) -> Step {
    let ids = |list: &[Value], name: &str| -> BTreeSet<String> {
        list.iter().filter_map(|message| message[name].as_str()).map(str::to_owned).collect()
    };
    let data: Vec<Value> = heard.iter().map(|event| event["data"].clone()).collect();
    let (events, messages) = (data.len(), ids(&data, "whatsappId"));
    if events != wanted || messages.len() != wanted {
        return Err(Trouble::Failed(format!("{wanted} texts made {events} events of {} messages", messages.len())));
    }
    let query = [("sessionId", run.session()?), ("direction", "incoming"), ("limit", "50")];
    let list = run.api.get(&["messages"], &query).await?;
    let list = list.as_array().cloned().unwrap_or_default();
    let rows = list.iter().filter(|message| message["whatsappId"].as_str().is_some_and(|id| messages.contains(id))).count();
    if rows != wanted {
        return Err(Trouble::Failed(format!("{wanted} texts are {rows} messages in the list")));
    }
    Ok(())
}

pub(super) async fn network_lost(run: &mut Run<'_>) -> Step {
    let id = run.session()?.to_owned();
    let mark = run.ear.mark();
    let begun = Instant::now();
    run.act(Act::CutNetwork).await?;
    run.api.session(&id, NOTICED_LIMIT, "reconnecting", |session| session["status"] == "reconnecting").await?;
    run.measure("noticed", begun.elapsed());
    run.act(Act::WriteTwo).await?;
    run.act(Act::JoinNetwork).await?;
    let took = run.api.session(&id, BACK_LIMIT, "connected again", |session| session["status"] == "connected").await?;
    run.measure("connected", took);
    let heard = run.heard(mark, 2, "texts that were written meanwhile", None).await?;
    once(run, &heard, 2).await
}

pub(super) async fn phone_away(run: &mut Run<'_>) -> Step {
    run.act(Act::FlightMode).await?;
    let talked = without_the_phone(run).await;
    // Whatever happened: the later steps need the phone.
    run.act(Act::Land).await?;
    talked
}

async fn without_the_phone(run: &mut Run<'_>) -> Step {
    let body = json!({"sessionId": run.session()?, "to": run.options.to, "text": "This goes without the phone. Please answer."});
    let sent = run.api.post(&["messages", "text"], &body).await?;
    let id = sent["messageId"].as_str().unwrap_or_default();
    let took = run.api.message(id, SENT_LIMIT, &["delivered", "read"]).await?;
    run.measure("text delivered", took);
    let mark = run.ear.mark();
    run.act(Act::Answer).await?;
    run.heard(mark, 1, "an answer of B", None).await?;
    Ok(())
}
