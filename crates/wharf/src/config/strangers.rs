//! Variables that begin as ours do and that nobody reads: most likely a setting with a slip in its name.

use super::file;

/// What the project's own tests, measurements and files of services set for themselves, in the environment of whatever they start.
const OF_THE_PROJECT: &[&str] = &[
    "WHARF_CHAOS_",
    "WHARF_GATEWAYS",
    "WHARF_KILL_FILE",
    "WHARF_ODD_",
    "WHARF_PICTURES_OF_FAILURES",
    "WHARF_RATCHET_",
    "WHARF_RECORD_EXAMPLES",
    "WHARF_RELEASE_",
    "WHARF_RIG_",
    "WHARF_SANDBOX_",
    "WHARF_SIM_",
    "WHARF_SITE",
    "WHARF_STORM_",
    "WHARF_TEST_",
    "WHARF_TRY",
    "WHARF_VERSION",
    "WHARF_WHOLE",
];

/// Those that nobody reads, each with the nearest that is read. What container platforms set for a service that is called as we are, and
/// what the project's own tests set, is left out.
pub(super) fn among(names: impl Iterator<Item = String>) -> Vec<(String, &'static str)> {
    let known = file::variables();
    let ours: Vec<_> = names.filter(|name| name.starts_with("WHARF_")).collect();
    let strange = |name: &&String| {
        let project = OF_THE_PROJECT.iter().any(|prefix| name.starts_with(prefix));
        !known.contains(&name.as_str()) && !project && !of_a_platform(name, &ours)
    };
    let with_nearest = |name: &String| {
        let nearest = known.iter().min_by_key(|known| strsim::levenshtein(known, name)).copied()?;
        Some((name.clone(), nearest))
    };
    ours.iter().filter(strange).filter_map(with_nearest).collect()
}

/// Whether a platform of containers set it for a service that is called as we are: its address in one variable, and the same in parts.
fn of_a_platform(name: &str, all: &[String]) -> bool {
    let hosts = all.iter().filter_map(|other| other.strip_suffix("_SERVICE_HOST")).chain(["WHARF"]);
    let mut rests = hosts.filter_map(|service| name.strip_prefix(service));
    rests.any(|rest| rest.starts_with("_SERVICE_") || rest.starts_with("_PORT"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(set: &[&str]) -> Vec<(String, &'static str)> {
        among(set.iter().map(ToString::to_string))
    }

    #[test]
    fn a_variable_that_nobody_reads_is_told_with_the_nearest() {
        let set = ["WHARF_LISTENN", "WHARF_LOG", "WHARF_API_KEY", "WHARF_PROFILE", "PATH", "WHARF_DATADIR"];
        assert_eq!(told(&set), [("WHARF_LISTENN".to_owned(), "WHARF_LISTEN"), ("WHARF_DATADIR".to_owned(), "WHARF_DATA_DIR")]);
    }

    #[test]
    fn what_a_platform_or_a_test_sets_is_no_slip() {
        let set = ["WHARF_SERVICE_HOST", "WHARF_PORT_8080_TCP", "WHARF_TEST_POSTGRES_URL", "WHARF_SANDBOX_BIN", "WHARF_RECORD_EXAMPLES"];
        assert_eq!(told(&set), []);
        let other =
            ["WHARF_HEADLESS_SERVICE_HOST", "WHARF_HEADLESS_SERVICE_PORT_HTTP", "WHARF_HEADLESS_PORT", "WHARF_HEADLESS_PORT_80_TCP_ADDR"];
        assert_eq!(told(&other), []);
        assert_eq!(told(&["WHARF_LISTEN_PORT"]).len(), 1);
    }
}
