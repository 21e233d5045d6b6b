//! Messages both ways: steps 6 to 9 and 14.

use std::time::Duration;

use serde_json::{Value, json};
use wharf_api::ErrorCode;

use super::super::course::{Run, Step, Trouble};
use super::super::people::{Act, Sight};
use super::super::samples;
use super::is;

/// A first message to a stranger may wait for the pace and for WhatsApp's properties.
const SENT_LIMIT: Duration = Duration::from_mins(1);
/// WhatsApp's own time of a message is in whole seconds: two seconds may look like three.
const HEARD_LIMIT: Duration = Duration::from_secs(3);
const FETCHED_LIMIT: Duration = Duration::from_mins(1);

impl Run<'_> {
    /// Sends something and waits until WhatsApp has it. Gives the message's id.
    async fn send(&mut self, what: &str, kind: &str, mut body: Value) -> Result<String, Trouble> {
        body["sessionId"] = json!(self.session()?);
        let sent = self.api.post(&["messages", kind], &body).await?;
        let id = sent["messageId"].as_str().unwrap_or_default().to_owned();
        let took = self.api.message(&id, SENT_LIMIT, &["sent", "delivered", "read", "played"]).await?;
        self.measure(&format!("{what} sent"), took);
        Ok(id)
    }

    async fn delivered(&mut self, what: &str, id: &str) -> Step {
        let took = self.api.message(id, self.options.patience, &["delivered", "read", "played"]).await?;
        self.measure(&format!("{what} delivered"), took);
        Ok(())
    }

    /// Waits for what B writes; `group` where it is written there.
    pub(super) async fn heard(&mut self, mark: usize, wanted: usize, what: &str, group: Option<&str>) -> Result<Vec<Value>, Trouble> {
        let session = self.session()?.to_owned();
        let of_chat = |event: &Value| {
            let chat = event["data"]["chat"]["chatId"].as_str().unwrap_or_default();
            is(event, &session, "message.received") && group.map_or(!chat.ends_with("@g.us"), |group| chat == group)
        };
        Ok(self.ear.hear(mark, wanted, self.options.patience, what, of_chat).await?)
    }
}

pub(super) async fn first_text(run: &mut Run<'_>) -> Step {
    let to = run.options.to.clone();
    let id = run.send("text", "text", json!({"to": to, "text": "Hello from wharf accept. Please answer when you are asked to."})).await?;
    run.act(Act::OpenChat).await?;
    run.delivered("text", &id).await
}

pub(super) async fn answer(run: &mut Run<'_>) -> Step {
    run.act(Act::Lock).await?;
    let mark = run.ear.mark();
    run.act(Act::Answer).await?;
    let heard = run.heard(mark, 1, "a text of B", None).await?;
    run.answered = heard[0]["data"]["messageId"].as_str().map(str::to_owned);
    let took = between(&heard[0]["data"]["createdAt"], &heard[0]["createdAt"]);
    if let Some(took) = took {
        run.measure("heard", took);
    }
    run.see(Sight::PushNotice, "phone A shows a notice of it").await?;
    run.see(Sight::NotOnline, "A is not shown as online").await?;
    match took {
        Some(took) if took > HEARD_LIMIT => Err(Trouble::Failed(format!("the text was heard after {} ms", took.as_millis()))),
        _ => Ok(()),
    }
}

/// The time between two times of the API.
fn between(from: &Value, to: &Value) -> Option<Duration> {
    let at = |value: &Value| value.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let (from, to) = (at(from)?, at(to)?);
    // Two clocks: a message may seem to come before it was written.
    Some(Duration::try_from(to.duration_since(from)).unwrap_or_default())
}

pub(super) async fn kinds(run: &mut Run<'_>) -> Step {
    let to = run.options.to.clone();
    let answered = match run.answered.clone() {
        Some(answered) => answered,
        None => latest_of(run).await?,
    };
    let reply = run.send("reply", "text", json!({"to": to, "text": "An answer with its quote", "replyTo": answered})).await?;
    run.api.post(&["messages", "reaction"], &json!({"messageId": answered, "emoji": "👍"})).await?;
    let picture = json!({"to": to, "mediaType": "image", "data": samples::picture()?, "caption": "A picture with its words"});
    let picture = run.send("picture", "media", picture).await?;
    let voice = json!({"to": to, "mediaType": "audio", "data": samples::voice(), "voice": true});
    let voice = run.send("voice note", "media", voice).await?;
    for (what, id) in [("reply", &reply), ("picture", &picture), ("voice note", &voice)] {
        run.delivered(what, id).await?;
    }
    run.see(Sight::KindsShown, "both phones show all of it").await?;
    let mark = run.ear.mark();
    run.act(Act::SendFiles).await?;
    let heard = run.heard(mark, 3, "files of B", None).await?;
    files(run, &heard).await
}

/// The message of B that came last; for a run that began behind the step that heard it.
async fn latest_of(run: &Run<'_>) -> Result<String, Trouble> {
    let query = [("sessionId", run.session()?), ("direction", "incoming"), ("limit", "50")];
    let list = run.api.get(&["messages"], &query).await?;
    let of_b = |message: &&Value| message["type"] == "text" && message["chat"]["phoneNumber"] == run.options.to.as_str();
    let found = list.as_array().and_then(|list| list.iter().find(of_b)).and_then(|message| message["messageId"].as_str());
    found.map(str::to_owned).ok_or_else(|| Trouble::Failed("there is no text of B to answer: begin with step 7".to_owned()))
}

/// A picture and a voice note are fetched; what can be opened once is shown as what it is.
async fn files(run: &mut Run<'_>, heard: &[Value]) -> Step {
    let once = |data: &Value| data["viewOnce"] == true || data["originalType"] == "view_once";
    if !heard.iter().any(|event| once(&event["data"])) {
        return Err(Trouble::Failed("what can be opened once was not shown as that".to_owned()));
    }
    for event in heard.iter().filter(|event| event["data"]["mediaStatus"].is_string()) {
        let id = event["data"]["messageId"].as_str().unwrap_or_default().to_owned();
        let begun = tokio::time::Instant::now();
        loop {
            let shown = run.api.get(&["messages", &id], &[]).await?;
            match shown["mediaStatus"].as_str() {
                Some("stored") => break,
                Some("pending") if begun.elapsed() < FETCHED_LIMIT => tokio::time::sleep(Duration::from_millis(100)).await,
                // Most of what can be opened once is not given to linked devices at all.
                _ if once(&shown) => break,
                _ => return Err(Trouble::Failed("a file of B could not be fetched".to_owned())),
            }
        }
        run.measure("file fetched", begun.elapsed());
    }
    Ok(())
}

pub(super) async fn group(run: &mut Run<'_>) -> Step {
    let body = json!({"sessionId": run.session()?, "subject": "wharf accept", "participants": [run.options.to]});
    let group = run.api.post(&["groups"], &body).await?["groupId"].as_str().unwrap_or_default().to_owned();
    let id = run.send("text", "text", json!({"to": group, "text": "Hello, group. Please answer."})).await?;
    let mark = run.ear.mark();
    run.act(Act::AnswerInGroup { group: group.clone() }).await?;
    run.heard(mark, 1, "an answer of B in the group", Some(&group)).await?;
    let took = run.api.message(&id, run.options.patience, &["read", "played"]).await?;
    run.measure("text read", took);
    run.see(Sight::GroupShown, "phone A shows the group").await
}

pub(super) async fn nobody(run: &mut Run<'_>) -> Step {
    let Some(nobody) = run.options.nobody.clone() else {
        return Err(Trouble::Skipped("no number without WhatsApp was given (--nobody)".to_owned()));
    };
    let session = run.session()?.to_owned();
    let told = run.api.post(&["contacts", "check"], &json!({"sessionId": session, "phoneNumbers": [nobody]})).await?;
    if told[0]["onWhatsapp"] != false {
        return Err(Trouble::Failed("the number of --nobody is on WhatsApp".to_owned()));
    }
    let text = json!({"sessionId": session, "to": nobody, "text": "This goes nowhere"});
    match run.api.try_post(&["messages", "text"], &text).await? {
        Err(refused) if refused.is(ErrorCode::RecipientNotOnWhatsapp) => {}
        Err(refused) => return Err(Trouble::Failed(format!("refused with another code: {}", refused.code()))),
        Ok(_) => return Err(Trouble::Failed("a text to it was accepted".to_owned())),
    }
    run.see(Sight::NothingSent { number: nobody }, "nothing went out").await
}
