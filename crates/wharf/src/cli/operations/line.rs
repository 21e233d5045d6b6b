//! The commands themselves, as clap has them.

use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser, StringValueParser, TypedValueParser as _};
use clap::{Arg, ArgAction, Args as _, Command};
use serde_json::Value;
use wharf_api::ops::{Access, Answer, Body, Operation};

use super::confirmed;
use super::sort::Sort;
use super::table::{self, Group, Taken, ValuePlace, Verb};
use super::{JOINED, SHORT};
use crate::cli::target::Target;

/// The command below which every operation stands, whatever else has its group's name.
pub(super) const ALL: &str = "api";
const BODY: &str = "What it takes";
const ANSWER: &str = "How it is asked and shown";

/// Adds the commands of all operations: each below `api`, and as short as the commands that are there already let it be.
pub(super) fn joined(mut root: Command) -> Command {
    let mut all = Command::new(ALL)
        .about("Every operation of the API, through a gateway that runs")
        .subcommand_required(true)
        .arg_required_else_help(true);
    for group in table::GROUPS.iter() {
        all = all.subcommand(filled(named(group), group));
        if root.find_subcommand(group.name).is_none() {
            root = root.subcommand(filled(named(group), group));
        } else if JOINED.contains(&group.name) {
            root = root.mut_subcommand(group.name, |own| filled(own, group));
        }
    }
    for (path, op) in SHORT {
        let [inner @ .., last] = path else { continue };
        let command = verb(table::verb_of(op)).name(*last);
        root = match inner {
            [] => root.subcommand(command),
            [group, ..] => root.mut_subcommand(*group, |own| own.subcommand(command)),
        };
    }
    root.subcommand(all)
}

fn named(group: &'static Group) -> Command {
    Command::new(group.name).about(group.about).subcommand_required(true).arg_required_else_help(true)
}

/// The group's verbs, but for those that are there by hand.
fn filled(mut command: Command, group: &'static Group) -> Command {
    for one in &group.verbs {
        if command.find_subcommand(&one.name).is_none() {
            command = command.subcommand(verb(one));
        }
    }
    command
}

fn verb(verb: &'static Verb) -> Command {
    let op = verb.op;
    let mut command = Command::new(verb.name.as_str()).about(op.summary).after_help(asked(op));
    for taken in &verb.takes {
        command = command.arg(argument(taken, verb));
    }
    if op.request.is_some() {
        command = command.arg(data());
    }
    let clearable: Vec<_> = verb.clearable().map(|taken| taken.wire.as_str()).collect();
    if !clearable.is_empty() {
        let help = "Sets this member to null, which says something else than leaving it out. May be given several times.";
        command = command.arg(
            Arg::new("unset")
                .long("unset")
                .value_name("MEMBER")
                .action(ArgAction::Append)
                .value_parser(PossibleValuesParser::new(clearable))
                .help(help)
                .help_heading(BODY),
        );
    }
    if op.body == Body::Stream {
        let help = "The file to upload; - for the standard input.";
        command = command.arg(Arg::new("file").long("file").value_name("PATH").required(true).help(help).help_heading(BODY));
    }
    Target::augment_args(common(command, op))
}

/// What it asks for, where a person would look it up.
fn asked(op: &Operation) -> String {
    let access = match op.access {
        Access::Open => "Needs no key.".to_owned(),
        Access::Operator => "Needs an operator's key.".to_owned(),
        Access::Login => "Needs a log-in, which a browser has: with a key it is refused.".to_owned(),
        Access::Key(permission) => format!("Needs a key with the permission {}.", permission.as_str()),
    };
    format!("{} {}. {access}", op.method.as_str(), op.path)
}

fn argument(taken: &'static Taken, verb: &Verb) -> Arg {
    let arg = Arg::new(taken.id.as_str()).help(taken.help.as_str()).value_name(value_name(taken));
    let arg = parsed(arg, &taken.sort);
    match taken.place {
        ValuePlace::Path => arg.required(true),
        ValuePlace::Query => flagged(arg, taken, verb).required(taken.required),
        ValuePlace::Body if taken.required => flagged(arg, taken, verb).required_unless_present("data"),
        ValuePlace::Body => flagged(arg, taken, verb),
    }
}

/// The argument as a flag; without its `-id` too, as the commands written by hand have it, where nothing else is called so.
fn flagged(arg: Arg, taken: &'static Taken, verb: &Verb) -> Arg {
    let arg = arg.long(taken.flag.as_str()).help_heading(BODY);
    match taken.flag.strip_suffix("-id") {
        Some(short) if verb.leaves_free(short) => arg.alias(short),
        _ => arg,
    }
}

fn value_name(taken: &'static Taken) -> &'static str {
    match &taken.sort {
        _ if taken.place == ValuePlace::Path => taken.wire.as_str(),
        Sort::Whole | Sort::Number => "NUMBER",
        Sort::Boolean => "true|false",
        Sort::Json => "JSON",
        Sort::Base64 => "BASE64",
        Sort::Text if taken.wire == "id" || taken.wire.ends_with("Id") => "ID",
        Sort::Text => "TEXT",
        Sort::Word(_) => "WORD",
        Sort::Many(one) => match **one {
            Sort::Word(_) => "WORD",
            Sort::Whole | Sort::Number => "NUMBER",
            _ => "TEXT",
        },
    }
}

/// The argument with what reads its words. A number below zero is a value; a text that begins with a dash stands behind `=`.
fn parsed(arg: Arg, sort: &'static Sort) -> Arg {
    match sort {
        Sort::Text => arg.value_parser(StringValueParser::new().map(Value::String)),
        Sort::Base64 => arg.value_parser(base64),
        Sort::Whole => arg.value_parser(whole).allow_negative_numbers(true),
        Sort::Number => arg.value_parser(number).allow_negative_numbers(true),
        Sort::Boolean => {
            let words = PossibleValuesParser::new(["true", "false"]).map(|word| Value::Bool(word == "true"));
            arg.value_parser(words).num_args(0..=1).require_equals(true).default_missing_value("true")
        }
        Sort::Word(words) => arg.value_parser(PossibleValuesParser::new(words.iter().map(String::as_str)).map(Value::String)),
        Sort::Json => arg.value_parser(json),
        Sort::Many(one) => {
            let arg = parsed(arg, one).action(ArgAction::Append);
            if matches!(**one, Sort::Word(_)) { arg.value_delimiter(',') } else { arg }
        }
    }
}

fn whole(word: &str) -> Result<Value, String> {
    word.parse::<i64>().map(Value::from).map_err(|_| "a whole number is expected".to_owned())
}

fn number(word: &str) -> Result<Value, String> {
    word.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from).ok_or_else(|| "a number is expected".to_owned())
}

/// JSON as it stands, or that of a file.
fn json(word: &str) -> Result<Value, String> {
    let from_file = word.strip_prefix('@').map(|path| std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}")));
    let text = from_file.unwrap_or_else(|| Ok(word.to_owned()))?;
    serde_json::from_str(&text).map_err(|error| format!("this is no JSON: {error}"))
}

fn base64(word: &str) -> Result<Value, String> {
    use base64::Engine as _;
    let Some(path) = word.strip_prefix('@') else { return Ok(Value::String(word.to_owned())) };
    let bytes = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    Ok(Value::String(base64::engine::general_purpose::STANDARD.encode(bytes)))
}

/// A whole body: JSON as it stands, of a file, or of the standard input.
pub(super) fn body(word: &str) -> Result<Value, String> {
    if word != "-" {
        return json(word);
    }
    let text = std::io::read_to_string(std::io::stdin()).map_err(|error| format!("the standard input: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("this is no JSON: {error}"))
}

fn data() -> Arg {
    let help = "The whole body: JSON, @FILE for a file with it, - for the standard input. Flags stand over its members.";
    Arg::new("data").long("data").value_name("JSON").help(help).help_heading(BODY)
}

/// What the commands of all operations take.
fn common(mut command: Command, op: &Operation) -> Command {
    let flag =
        |name: &'static str, help: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help).help_heading(ANSWER);
    let value = |name: &'static str, shown: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(shown).help(help).help_heading(ANSWER)
    };
    let raw = op.raw();
    if !raw.is_empty() {
        command = command.arg(value("out", "PATH", "Writes the answer into this file."));
    }
    if matches!(op.answer, Answer::Raw(_) | Answer::File) {
        command = command.arg(flag("json", "A refusal is JSON, on the standard error."));
    } else {
        command = command.arg(flag("json", "Prints the answer as it is; a refusal is JSON too, on the standard error."));
        if !raw.is_empty() {
            let help = "Asks for the answer in this form instead of JSON.";
            command = command.arg(value("accept", "TYPE", help).value_parser(PossibleValuesParser::new(raw.iter().copied())));
        }
    }
    if matches!(op.answer, Answer::List(_)) {
        command = command.arg(flag("all", "Follows the pages to the end of the list; with --json each page is one answer."));
    }
    if op.idempotent() {
        let help = "Your own key of this call: the same key with the same words is done once in 24 hours. One is made unless given.";
        command = command.arg(value("idempotency-key", "KEY", help).value_parser(NonEmptyStringValueParser::new()));
    }
    if confirmed::is_final(op) {
        command = command.arg(flag(confirmed::FLAG, confirmed::HELP));
    }
    let tries = "How often it is tried where nobody answers or the gateway is busy (429, 503), the first try among them.";
    command.arg(value("tries", "NUMBER", tries).value_parser(clap::value_parser!(u32).range(1..=20)).default_value("4"))
}

/// The verb that a command of [`SHORT`] stands for.
pub(super) fn short(path: &[&str]) -> Option<&'static Verb> {
    let (_, op) = SHORT.iter().find(|(known, _)| *known == path)?;
    Some(table::verb_of(op))
}
