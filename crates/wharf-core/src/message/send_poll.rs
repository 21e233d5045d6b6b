//! Sending a poll.

use std::collections::HashSet;

use wharf_api::limits;
use wharf_api::types::message::{Content, SendPoll};

use super::shape::{Shape, count, within};
use super::{Error, Finished, heading};
use crate::engine::Body;

/// What can be said without looking anything up.
pub fn parse(request: &SendPoll) -> Result<Finished, Error> {
    let heading = heading::raw!(request).parse()?;
    let SendPoll { question, options, selectable_count, .. } = request;
    within("question", question, 1, limits::POLL_QUESTION_CHARS)?;
    count("options", options.len(), limits::POLL_OPTIONS)?;
    let mut seen = HashSet::new();
    for (index, option) in options.iter().enumerate() {
        within(&format!("options[{index}]"), option, 1, limits::POLL_OPTION_CHARS)?;
        if !seen.insert(option) {
            return Err(Shape::new(format!("options[{index}]"), "the option stands there twice").into());
        }
    }
    if *selectable_count as usize > options.len() {
        let error = Shape::new("selectableCount", "more than there are options");
        return Err(error.limit(options.len(), *selectable_count as usize).into());
    }
    Ok(Finished { heading, said: said(question.clone(), options.clone(), *selectable_count) })
}

/// A poll without votes. `selectable_count` is 0 for any number.
pub(crate) fn said(question: String, options: Vec<String>, selectable_count: u32) -> (Body, Content) {
    let body = Body::Poll { question: question.clone(), options: options.clone(), selectable_count };
    (body, Content::Poll { question, options, selectable_count, results: Vec::new() })
}
