//! Sending a poll.

use std::collections::HashSet;

use wharf_api::limits;
use wharf_api::types::message::Content;

use super::shape::{Shape, count, within};
use super::{Envelope, Error, Sent, post};
use crate::caller::Caller;
use crate::engine::Body;
use crate::services::Services;
use crate::store::Claim;

#[derive(Clone, Debug)]
pub struct Command {
    pub envelope: Envelope,
    pub question: String,
    pub options: Vec<String>,
    /// 0 for any number.
    pub selectable_count: u32,
}

/// Checks the shape of a command.
pub fn check(command: &Command) -> Result<(), Error> {
    command.envelope.check()?;
    within("question", &command.question, 1, limits::POLL_QUESTION_CHARS)?;
    count("options", command.options.len(), limits::POLL_OPTIONS)?;
    let mut seen = HashSet::new();
    for (index, option) in command.options.iter().enumerate() {
        within(&format!("options[{index}]"), option, 1, limits::POLL_OPTION_CHARS)?;
        if !seen.insert(option) {
            return Err(Shape::new(format!("options[{index}]"), "the option stands there twice").into());
        }
    }
    if command.selectable_count as usize > command.options.len() {
        let error = Shape::new("selectableCount", "more than there are options");
        return Err(error.limit(command.options.len(), command.selectable_count as usize).into());
    }
    Ok(())
}

/// Sends a poll; see [`super::send`].
pub async fn send_poll(services: &Services, caller: &Caller, command: Command, claim: Option<Claim>) -> Result<Sent, Error> {
    check(&command)?;
    let Command { envelope, question, options, selectable_count } = command;
    let body = Body::Poll { question: question.clone(), options: options.clone(), selectable_count };
    post(services, caller, &envelope, (body, Content::Poll { question, options, selectable_count, results: Vec::new() }), claim).await
}
