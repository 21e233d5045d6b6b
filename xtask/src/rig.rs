//! The bad days of an operator, one after the other, and a table of what was seen. The cases are tests of the suite, run by name; the
//! bounds of time are judged here only, where nothing else keeps the machine busy.

use std::{
    env,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::{
    cargo::{cargo, metadata, program, run as run_command},
    postgres::{Cluster, URL_VARIABLE},
    settle::settle,
};

/// Within which readiness tells a state, and that it is over.
const BOUND_SECS: f64 = 10.0;
/// What the tests print in front of what they measured.
const MEASURED: &str = "rig:readiness\t";
/// What they print in front of what they saw.
const SEEN: &str = "rig:seen\t";
/// What a test says that could not do its work here.
const SHOWS_NOTHING: &str = "the test shows nothing";

/// A bad day, the test that makes it, and what is lost by it.
struct Case {
    day: &'static str,
    test: &'static str,
    lost: &'static str,
}

const fn case(day: &'static str, test: &'static str) -> Case {
    Case { day, test, lost: "nothing" }
}

const CASES: &[Case] = &[
    case("disk full under the running gateway", "outage::a_full_disk_is_unavailable_and_all_is_well_when_there_is_room_again"),
    case("start on a full or read-only disk", "bad_days::a_start_on_a_disk_that_is_full_or_read_only_is_refused_in_words_that_name_it"),
    case("SQLite's write lock held", "bad_days::a_file_that_somebody_else_holds_the_lock_of_is_not_ready_and_is_again_by_itself"),
    case("SQLite file put aside", "bad_days::a_database_file_that_was_put_aside_is_not_ready_and_names_the_file"),
    Case { day: "page damaged", test: "bad_days::a_damaged_page_stays_visible", lost: "what lay on it" },
    case(
        "PostgreSQL locked, then read-only",
        "bad_days::a_server_that_is_read_only_or_whose_tables_are_locked_is_not_ready_and_is_again_by_itself",
    ),
    case("PostgreSQL cut off", "outage::a_database_that_is_cut_off_is_unavailable_and_back_without_a_restart"),
    case("PostgreSQL silent", "outage::a_database_that_goes_silent_is_unavailable_and_back_without_a_restart"),
    case("answer to a commit lost", "outage::a_commit_whose_answer_is_lost_is_looked_up_and_not_done_twice"),
    case("table gone", "intact::a_table_that_is_away_stops_the_intake_and_loses_nothing::"),
    case("trigger that raises", "intact::a_trigger_of_the_customer_that_raises_stops_the_intake_and_loses_nothing"),
    case("trigger that blames the data", "intact::a_trigger_that_raises_an_error_of_data_for_every_row_proves_nothing_against_a_message"),
    case("sequences behind their tables", "intact::sequences_behind_their_tables_stop_the_intake_and_lose_nothing"),
    case("right taken away", "intact::a_right_that_is_taken_away_stops_the_intake_and_loses_nothing"),
    case("folder of files away", "bad_days::a_node_without_its_folder_of_files_is_not_ready_and_is_again_by_itself"),
    case("folder of files away for days", "file_store::a_file_store_that_is_away_for_days_costs_a_received_file_no_try_and_mends_itself::"),
    case("stored file damaged", "file_store::a_stored_file_that_is_not_what_was_taken_in_is_neither_served_nor_sent::"),
    case("bucket away, or refusing", "bucket::a_bucket_takes_files_as_long_as_it_is_there_and_lets_us_in"),
    case("no descriptor left", "bad_days::a_process_that_may_open_nothing_more_is_not_ready_and_is_again_by_itself"),
    case("disk full, told", "unready::a_disk_that_is_full_is_told_while_it_is"),
    case("disk turned read-only", "unready::a_disk_that_turned_read_only_is_told_and_what_was_accepted_is_there_after_it_was_mended"),
    case("disk of files full, or read-only", "unready::a_folder_of_files_whose_disk_is_full_or_read_only_is_told_while_it_is"),
    case("bucket away, told", "unready::a_bucket_that_refuses_our_keys_or_is_away_is_told_while_it_is"),
    case("master key's file away", "unready::a_master_key_whose_file_is_away_or_another_one_is_told_while_it_is_and_all_goes_on"),
    case("process frozen", "unready::a_process_that_was_frozen_is_ready_again_when_it_goes_on"),
    case("PostgreSQL slow", "unready::a_server_that_is_too_slow_is_told_while_it_is"),
    case("PostgreSQL refuses our login", "unready::a_server_that_lets_us_in_no_more_is_told_while_it_does"),
    case("log that nobody reads", "bad_days::a_log_that_nobody_reads_stops_neither_a_request_nor_the_end"),
    case("log that is read again", "bad_days::who_reads_the_log_again_is_told_how_many_lines_were_dropped"),
    case("signals", "bad_days::a_service_ends_in_order_on_sigquit_and_goes_on_after_signals_that_mean_nothing_to_it"),
    case(
        "master key gone, or another",
        "bad_days::a_database_without_the_key_that_sealed_it_is_refused_by_name_and_no_other_key_is_made::",
    ),
    case("another database", "bad_days::a_folder_that_was_used_with_another_database_is_refused_until_that_is_meant::"),
    case("second node with another key", "bad_days::a_second_node_with_another_key_is_refused_before_it_takes_a_session"),
    Case {
        day: "backup put back",
        test: "restored::a_backup_of_many_texts_ago_that_is_put_back_sends_all_that_comes_after::",
        lost: "what came after the backup",
    },
    case("node died", "nodes::the_sessions_of_a_node_that_died_are_taken_over_and_each_by_one"),
    case("clock leaps ahead", "file_store::a_clock_that_leaps_ahead_fails_expires_and_removes_nothing_until_it_is_believed::"),
    case("receivers that hang", "chaos::endpoints_that_hang_delay_nobody_else::"),
];

/// How long one state took to be told, or to be over.
#[derive(Debug, PartialEq)]
struct Measured {
    state: String,
    what: String,
    secs: f64,
    reason: String,
}

enum Verdict {
    Held,
    NotShown,
    Broken(String),
}

/// Runs every case whose day or test has one of `names` in it, all where there are none, and prints the tables.
pub fn run(seconds: u32, names: &[String]) -> Result<()> {
    let target = metadata()?.target_directory;
    let wanted = |case: &&Case| names.is_empty() || names.iter().any(|name| case.day.contains(name) || case.test.contains(name));
    let cases: Vec<&Case> = CASES.iter().filter(wanted).collect();
    ensure!(!cases.is_empty(), "no case has one of these words in its name");
    let mut cluster = None;
    let url = match env::var(URL_VARIABLE) {
        Ok(url) => url,
        Err(_) => cluster.insert(Cluster::start()?).url(),
    };
    run_command(cargo().args(["build", "--workspace", "--all-targets"]))?;
    settle()?;

    let (mut rows, mut measured) = (Vec::new(), Vec::new());
    for case in cases {
        println!("==> {}", case.day);
        let (verdict, told) = one(case, &target, &url, seconds)?;
        measured.extend(lines(&told, MEASURED).filter_map(read));
        rows.push((case, lines(&told, SEEN).collect::<Vec<_>>().join("; "), verdict));
    }
    drop(cluster);

    println!("\n| state | | within, s | reason | verdict |\n| --- | --- | --- | --- | --- |");
    for Measured { state, what, secs, reason } in &measured {
        println!("| {state} | {what} | {secs:.1} | {reason} | {} |", if *secs <= BOUND_SECS { "held" } else { "TOO LATE" });
    }
    println!("\n| bad day | lost | seen | verdict |\n| --- | --- | --- | --- |");
    for (case, seen, verdict) in &rows {
        let verdict = match verdict {
            Verdict::Held => "held".to_owned(),
            Verdict::NotShown => "not shown: no right to mount here".to_owned(),
            Verdict::Broken(why) => format!("BROKEN: {why}"),
        };
        println!("| {} | {} | {seen} | {verdict} |", case.day, case.lost);
    }
    let late = measured.iter().filter(|row| row.secs > BOUND_SECS).count();
    let broken = rows.iter().filter(|(.., verdict)| matches!(verdict, Verdict::Broken(_))).count();
    ensure!(late + broken == 0, "{broken} cases are broken, {late} states were told too late");
    Ok(())
}

/// Runs strangers beside a good tenant, on release builds: the measured thing is what customers run.
pub fn hostile(minutes: u32) -> Result<()> {
    // By their names: a release build of the workspace would leave a `wharf` with the sandbox inside, to be taken for the product.
    let programs = ["--package", "wharf-bench", "--package", "wharf-sandbox", "--package", "wharf-sim"];
    run_command(cargo().args(["build", "--release", "--bins"]).args(programs))?;
    let bench = program(&metadata()?.target_directory.join("release"), "wharf-bench");
    run_command(Command::new(bench).args(["hostile", "--minutes", &minutes.to_string()]))
}

fn one(case: &Case, target: &Path, url: &str, seconds: u32) -> Result<(Verdict, String)> {
    let debug = target.join("debug");
    let mut command: Command = cargo();
    // The whole workspace, or cargo chooses other features and compiles the WhatsApp library anew.
    command.args(["test", "--quiet", "--workspace", "--test", "it", "--", "--test-threads=1", "--nocapture", case.test]);
    command
        .env(URL_VARIABLE, url)
        .env("WHARF_RIG_SECONDS", seconds.to_string())
        .env("WHARF_SANDBOX_BIN", program(&debug, "wharf-sandbox"))
        .env("WHARF_SIM_BIN", program(&debug, "wharf-sim"))
        .stderr(Stdio::piped());
    let done = command.output().context("cannot start cargo")?;
    let told = String::from_utf8_lossy(&done.stdout).into_owned();
    let said = String::from_utf8_lossy(&done.stderr);
    let verdict = if !done.status.success() {
        println!("{told}\n{said}");
        Verdict::Broken("its words are above".to_owned())
    } else if passed(&told) == 0 {
        Verdict::Broken(format!("no test is called {}", case.test))
    } else if said.contains(SHOWS_NOTHING) {
        Verdict::NotShown
    } else {
        Verdict::Held
    };
    Ok((verdict, told))
}

/// How many tests passed, of all programs that looked for the name.
fn passed(told: &str) -> u32 {
    let of = |line: &str| line.split_once("test result: ok. ")?.1.split_once(" passed")?.0.parse::<u32>().ok();
    told.lines().filter_map(of).sum()
}

/// What stands behind a mark; the test program's own words may stand before it.
fn lines<'a>(told: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
    told.lines().filter_map(move |line| Some(line.split_once(mark)?.1))
}

fn read(line: &str) -> Option<Measured> {
    let [state, what, secs, reason] = line.split('\t').collect::<Vec<_>>().try_into().ok()?;
    Some(Measured { state: state.to_owned(), what: what.to_owned(), secs: secs.parse().ok()?, reason: reason.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_test_prints_is_read_wherever_it_stands_in_a_line() {
        let told = "test a ... rig:readiness\tthe disk is full\tsaid\t4.2\tno writes\nok\nrig:seen\t12 lines\n";
        let rows: Vec<_> = lines(told, MEASURED).filter_map(read).collect();
        assert_eq!(
            rows,
            [Measured { state: "the disk is full".to_owned(), what: "said".to_owned(), secs: 4.2, reason: "no writes".to_owned() }]
        );
        assert_eq!(lines(told, SEEN).collect::<Vec<_>>(), ["12 lines"]);
        assert_eq!(read("a line\tof others"), None);
    }

    #[test]
    fn a_name_that_no_test_has_is_no_pass() {
        let none = "test result: ok. 0 passed; 0 failed; 0 ignored\n";
        assert_eq!(passed(none), 0);
        assert_eq!(passed(&format!("{none}test result: ok. 2 passed; 0 failed\n")), 2);
    }
}
