//! A command for every operation of the API, made of the table while the program runs: an operation that is added there is at the terminal
//! without another line here.

mod asked;
mod confirmed;
mod given;
mod line;
mod refused;
mod shown;
mod sort;
mod table;
mod wire;
mod words;

use clap::{ArgMatches, Command, CommandFactory as _, FromArgMatches as _};
use serde_json::Value;
use wharf_api::ops::{self, Operation};

use super::Cli;
use super::target::{Place, Target, no_key};
use given::Form;

pub(super) use refused::{Refused, in_form};
pub(super) use shown::shortened;
pub(super) use table::{ValuePlace, Verb, verb_of};
pub(super) use wire::{Client, Content, Request, refusal};

/// The commands written by hand that ask a gateway too: the operations of their groups stand among them. The others work on the
/// database, and a reader must not have to know which verb does what.
const JOINED: &[&str] = &["sessions", "messages"];
/// Operations that are looked for elsewhere than in their groups.
static SHORT: &[(&[&str], &Operation)] =
    &[(&["usage"], &ops::get_usage), (&["nodes"], &ops::admin_list_nodes), (&["keys", "rotate"], &ops::rotate_api_key)];

/// How often a question is asked of a gateway that is busy or away, unless the line says otherwise.
const TRIES: u32 = 4;

/// A line that asks for an operation.
pub(super) struct Call {
    verb: &'static Verb,
    matches: ArgMatches,
}

/// The program's own commands with those of the operations.
pub(super) fn joined(root: Command) -> Command {
    line::joined(root)
}

impl Call {
    /// `None` where the line is one of those written by hand.
    pub(super) fn of(matches: &ArgMatches) -> Option<Self> {
        let mut path = Vec::new();
        let mut leaf = matches;
        while let Some((name, inner)) = leaf.subcommand() {
            path.push(name);
            leaf = inner;
        }
        let verb = match path.as_slice() {
            [line::ALL, group, verb] => table::find(group, verb),
            path => line::short(path).or_else(|| among_others(path)),
        }?;
        Some(Self { verb, matches: leaf.clone() })
    }

    pub(super) async fn run(self) -> anyhow::Result<()> {
        let form = Form::of(&self.matches);
        let done = self.ask(&form).await;
        done.map_err(|error| in_form(error, form.json))
    }

    async fn ask(&self, form: &Form) -> anyhow::Result<()> {
        let place = Target::from_arg_matches(&self.matches)?.place()?;
        if place.key.is_none() && self.verb.op.access.takes_keys() {
            return Err(no_key().into());
        }
        let mut request = asked::request(self.verb, &self.matches)?;
        let client = Client::new(&place)?;
        if confirmed::is_final(self.verb.op) && !self.matches.get_flag(confirmed::FLAG) {
            confirmed::confirm(&client, &request).await?;
        }
        let tries = self.matches.get_one("tries").copied().unwrap_or(TRIES);
        if !form.all {
            return given::show(client.ask(&request, tries).await?, self.verb.op, form).await;
        }
        let mut list = given::List::default();
        loop {
            let page = client.ask(&request, tries).await?;
            let Some(next) = list.show(page, self.verb.op, form).await? else { return Ok(()) };
            request.query.retain(|(name, _)| name != "cursor");
            request.query.push(("cursor".to_owned(), next));
        }
    }
}

/// The operation where its command stands among those written by hand.
fn among_others(path: &[&str]) -> Option<&'static Verb> {
    let [group, verb] = path else { return None };
    let by_hand = match Cli::command().find_subcommand(group) {
        Some(own) => !JOINED.contains(group) || own.find_subcommand(verb).is_some(),
        None => false,
    };
    if by_hand { None } else { table::find(group, verb) }
}

/// Asks for one thing, without words in its path; gives the body.
pub(super) async fn asked(place: &Place, op: &'static Operation) -> anyhow::Result<Value> {
    ask(place, &Request::of(op)).await
}

/// Asks for one thing; gives the body.
pub(super) async fn ask(place: &Place, request: &Request) -> anyhow::Result<Value> {
    ask_with(&Client::new(place)?, request).await
}

/// Asks for one thing without another try.
pub(super) async fn ask_once(client: &Client, request: &Request) -> anyhow::Result<Value> {
    wire::json(client.ask(request, 1).await?).await
}

/// Asks for one thing through a client that is used more than once.
pub(super) async fn ask_with(client: &Client, request: &Request) -> anyhow::Result<Value> {
    wire::json(client.ask(request, TRIES).await?).await
}

/// What is shown of a body.
pub(super) fn in_words(op: &Operation, body: &Value) -> String {
    shown::answer(op, body, &shown::Style::of_terminal())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn command() -> Command {
        let mut command = super::super::command();
        command.build();
        command
    }

    #[test]
    fn every_operation_is_a_command_and_every_flag_of_every_command_has_its_help() {
        let command = command();
        let all = command.find_subcommand(line::ALL).unwrap();
        let mut seen = BTreeSet::new();
        for op in ops::ALL {
            let verb = table::verb_of(op);
            let group = table::GROUPS.iter().find(|group| group.verbs.iter().any(|one| one.op.id == op.id)).unwrap();
            assert!(!verb.name.is_empty() && seen.insert((group.name, &verb.name)), "{} has a name of its own", op.id);
            let found = all.find_subcommand(group.name).and_then(|group| group.find_subcommand(&verb.name));
            let found = found.unwrap_or_else(|| panic!("{} is no command", op.id));
            for taken in &verb.takes {
                assert!(found.get_arguments().any(|arg| arg.get_id() == taken.id.as_str()), "{} does not take {}", op.id, taken.wire);
            }
        }
        let mut left: Vec<&Command> = vec![&command];
        while let Some(one) = left.pop() {
            assert!(one.get_about().is_some() || one.get_name() == "help", "{} says nothing of itself", one.get_name());
            for arg in one.get_arguments() {
                let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(!help.is_empty(), "{}: {} has no help", one.get_display_name().unwrap_or(one.get_name()), arg.get_id());
            }
            left.extend(one.get_subcommands());
        }
    }

    #[test]
    fn no_command_takes_a_name_twice() {
        super::super::command().debug_assert();
    }

    fn call(line: &[&str]) -> Option<&'static str> {
        let matches = super::super::command().try_get_matches_from([&["wharf"], line].concat());
        let matches = matches.unwrap_or_else(|error| panic!("{line:?}: {error}"));
        Call::of(&matches).map(|call| call.verb.op.id)
    }

    #[test]
    fn what_is_written_by_hand_stays_and_what_is_not_is_the_operation() {
        for (line, op) in [
            (&["sessions", "list"][..], Some("list_sessions")),
            (&["api", "sessions", "list"], Some("list_sessions")),
            (&["sessions", "pair"], None),
            (&["messages", "get", "msg_1"], Some("get_message")),
            (&["messages", "wait", "msg_1"], None),
            (&["users", "list"], None),
            (&["api", "users", "list"], Some("list_users")),
            (&["keys", "rotate", "key_1"], Some("rotate_api_key")),
            (&["api", "keys", "list"], Some("list_api_keys")),
            (&["usage"], Some("get_usage")),
            (&["nodes"], Some("admin_list_nodes")),
            (&["admin", "list-nodes"], Some("admin_list_nodes")),
            (&["server", "get-health"], Some("get_health")),
            (&["doctor"], None),
        ] {
            assert_eq!(call(line), op, "{line:?}");
        }
    }

    #[test]
    fn a_good_body_of_each_operation_can_be_said_in_whole() {
        for op in ops::ALL {
            let Some(body) = wharf_api::openapi::good_body(op) else { continue };
            let verb = table::verb_of(op);
            let group = table::GROUPS.iter().find(|group| group.verbs.iter().any(|one| one.op.id == op.id)).unwrap();
            let places = verb.takes.iter().filter(|taken| taken.place == table::ValuePlace::Path);
            let words = places.map(|taken| match &taken.sort {
                sort::Sort::Word(words) => words[0].clone(),
                _ => "x".to_owned(),
            });
            let line = ["wharf", line::ALL, group.name, &verb.name].map(str::to_owned).into_iter().chain(words);
            let line = line.chain(["--data".to_owned(), body.to_string()]);
            let matches = super::super::command().try_get_matches_from(line).unwrap_or_else(|error| panic!("{}: {error}", op.id));
            let call = Call::of(&matches).unwrap();
            let request = asked::request(call.verb, &call.matches).unwrap();
            assert!(matches!(&request.body, Content::Json(said) if *said == body), "{}", op.id);
        }
    }
}
