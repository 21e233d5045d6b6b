//! A small layer over the two drivers: statements with their arguments, rows with typed cells.

mod arg;
mod conn;
mod fault;
mod found;
mod kept;
mod list;
pub(crate) mod page;
mod row;
mod sqlite;
mod tx;

pub(crate) use arg::{Arg, args};
pub(crate) use conn::Conn;
pub(crate) use fault::{
    classify, classify_sqlite, corrupt, is_damaged, is_undone, is_undone_commit, refused, unavailable, wants_another_connection,
    worth_another_try,
};
pub(crate) use found::{FoundKey, Sought, StepTimes, prepare as prepare_found, questions as questions_of_found};
pub(crate) use kept::{KeptKey, KeptWrite, prepare as prepare_kept, questions as questions_of_kept};
pub(crate) use list::Joint;
pub(crate) use row::{Row, TextOrBytes};
pub(crate) use sqlite::keep_statements;
pub(crate) use tx::{Rings, Tx};

/// A statement in both spellings, which mostly differ only in how rows are locked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sql {
    pub name: &'static str,
    pub sqlite: &'static str,
    pub postgres: &'static str,
}

/// The statement with `?3` for `$3`: SQLite binds that by its number, and would look a name up.
pub(crate) const fn numbered<const LENGTH: usize>(text: &str) -> [u8; LENGTH] {
    let (text, mut numbered, mut at) = (text.as_bytes(), [0; LENGTH], 0);
    while at < LENGTH {
        numbered[at] = if text[at] == b'$' { b'?' } else { text[at] };
        at += 1;
    }
    numbered
}

/// The text as SQLite takes it.
macro_rules! for_sqlite {
    ($text:expr) => {{
        const TEXT: &str = $text;
        const NUMBERED: [u8; TEXT.len()] = $crate::sql::numbered(TEXT);
        match std::str::from_utf8(&NUMBERED) {
            Ok(text) => text,
            Err(_) => panic!("a letter was cut in two"),
        }
    }};
}
pub(crate) use for_sqlite;

/// A statement whose two texts differ within: `$text!(sqlite)` and `$text!(postgres)`, with further words of the macro behind.
macro_rules! spelled {
    ($name:literal, $text:ident $(, $more:literal)?) => {
        $crate::sql::Sql { name: $name, sqlite: $crate::sql::for_sqlite!($text!(sqlite $(, $more)?)), postgres: $text!(postgres $(, $more)?) }
    };
}
pub(crate) use spelled;

/// What stands behind `IN`: the values of a list that comes as JSON. Only for lists that we write ourselves: in a row that is damaged one
/// that is no JSON would fail the statement.
macro_rules! among {
    (sqlite, $list:literal) => {
        concat!("(SELECT value FROM json_each(", $list, "))")
    };
    (postgres, $list:literal) => {
        concat!("(SELECT jsonb_array_elements_text(CAST(", $list, " AS jsonb)))")
    };
}
pub(crate) use among;

/// Whether a list of words that stands in a row, as JSON, names a word, which comes as SQL. The word is found between its quotation marks,
/// and no word has one: it is that word and no other. In a list that is damaged nothing is found, and no statement fails.
macro_rules! names {
    (sqlite, $list:literal, $word:literal) => {
        concat!("INSTR(", $list, ", '\"' || ", $word, " || '\"') > 0")
    };
    (postgres, $list:literal, $word:literal) => {
        concat!("STRPOS(", $list, ", '\"' || ", $word, " || '\"') > 0")
    };
}
pub(crate) use names;

/// A list as [`among`] reads it.
pub(crate) fn listed<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.collect::<serde_json::Value>().to_string()
}

/// Declares statements and lists them in `ALL`, from where the test that prepares every one takes them. A trailing
/// `lock "FOR …"` is for PostgreSQL alone: SQLite has one writer and nothing to lock. So is `postgres`, which goes on right after the text.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:expr $(, lock $lock:literal)? $(, postgres $more:expr)?;)+) => {
        $($(#[$doc])* pub(crate) const $name: $crate::sql::Sql = $crate::sql::Sql {
            name: stringify!($name),
            sqlite: $crate::sql::for_sqlite!($text),
            postgres: concat!($text, $(" ", $lock)? $($more)?),
        };)+
        pub(crate) const ALL: &[$crate::sql::Sql] = &[$($name),+];
    };
}
pub(crate) use statements;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_its_words_and_nothing_that_only_looks_like_one() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        let named = |list: &str, word: &str| -> bool {
            conn.query_row(concat!("SELECT ", names!(sqlite, "?1", "?2")), [list, word], |row| row.get(0)).unwrap()
        };
        let list = listed(["message.sent", "poll.vote"].into_iter());
        assert!(named(&list, "message.sent") && named(&list, "poll.vote"));
        for other in ["", "*", "%", "message.sen", "essage.sent", "message.sent_failed", "message_sent", "MESSAGE.SENT", "message"] {
            assert!(!named(&list, other), "{other:?}");
        }
        for longer in ["message.sent_failed", "a.message.sent"] {
            assert!(!named(&listed([longer].into_iter()), "message.sent"), "{longer:?}");
        }
        for damaged in ["", "[", "no list", "[\"message.sent", "[message.sent]"] {
            assert!(!named(damaged, "message.sent"), "{damaged:?}");
        }
    }
}
