use proptest::prelude::*;

use super::*;
use crate::engine::Link;
use crate::samples::session_row;

fn linked(status: SessionStatus) -> SessionRow {
    SessionRow { jid: Some("15550000009@s.whatsapp.net".into()), ..session_row(status) }
}

#[test]
fn what_an_engine_sees_counts_more_than_what_was_written_down() {
    for status in SessionStatus::ALL {
        for written in SessionStatus::ALL {
            assert_eq!(current(Some(&Link::new(*status)), &linked(*written)), *status);
            assert_eq!(current(Some(&Link::new(*status)), &session_row(*written)), *status);
        }
    }
}

#[test]
fn without_an_engine_an_end_stays_and_everything_else_is_on_its_way_or_stopped() {
    use SessionStatus::{Disconnected, QrExpired, Reconnecting, Stopped};
    for status in SessionStatus::ALL {
        let (with_link, without) = match status {
            Disconnected | QrExpired | Stopped => (*status, *status),
            _ => (Reconnecting, Stopped),
        };
        assert_eq!(current(None, &linked(*status)), with_link, "linked and written down as {}", status.as_str());
        assert_eq!(current(None, &session_row(*status)), without, "written down as {}", status.as_str());
    }
}

#[test]
fn a_session_that_runs_nowhere_never_shows_what_only_a_running_one_can_be() {
    use SessionStatus::{Connected, Connecting, Qr, Starting};
    for status in SessionStatus::ALL {
        for row in [linked(*status), session_row(*status)] {
            assert!(!matches!(current(None, &row), Starting | Qr | Connecting | Connected), "{}", status.as_str());
        }
    }
}

#[test]
fn only_who_is_linked_and_not_yet_connected_is_waited_for() {
    use SessionStatus::{Connecting, Reconnecting, Starting};
    for status in SessionStatus::ALL {
        assert_eq!(is_on_its_way(*status, true), matches!(status, Starting | Connecting | Reconnecting), "{}", status.as_str());
        assert_eq!(is_on_its_way(*status, false), matches!(status, Connecting | Reconnecting), "{}", status.as_str());
    }
}

#[test]
fn a_change_is_told_under_the_umbrella_first_and_by_a_kind_of_its_own_where_there_is_one() {
    use wharf_api::types::event::EventKind;
    for link in SessionStatus::ALL.iter().map(|status| Link::new(*status)) {
        let told: Vec<EventKind> = events::status_changed(&session_row(link.status).id, &link).iter().map(|event| event.kind).collect();
        let own = match link.status {
            SessionStatus::Qr => Some(EventKind::SessionQr),
            SessionStatus::Connected => Some(EventKind::SessionConnected),
            SessionStatus::Disconnected => Some(EventKind::SessionDisconnected),
            _ => None,
        };
        let expected: Vec<EventKind> = [EventKind::SessionStatus].into_iter().chain(own).collect();
        assert_eq!(told, expected, "{}", link.status.as_str());
        assert!(own.is_none_or(|own| own.umbrella() == Some(EventKind::SessionStatus)));
    }
}

#[test]
fn the_code_that_links_a_session_stands_in_its_own_event_alone() {
    let qr = engine::QrCode { text: "2@secret".into(), expires_at: Timestamp::from_millis(0) };
    let link = Link { qr: Some(qr), ..Link::new(SessionStatus::Qr) };
    let events = events::status_changed(&session_row(SessionStatus::Qr).id, &link);
    let with_code: Vec<bool> = events.iter().map(|event| event.data.contains("2@secret")).collect();
    assert_eq!(with_code, [false, true], "whoever hears of every step need not be let in");
}

#[test]
fn the_number_of_an_id_is_what_stands_before_device_and_server() {
    for jid in ["15550000001@s.whatsapp.net", "15550000001:7@s.whatsapp.net", "15550000001"] {
        assert_eq!(user_part(jid), "15550000001", "{jid}");
    }
    assert_eq!(user_part(""), "");
}

proptest! {
    #[test]
    fn an_id_with_a_device_has_the_number_of_one_without(user in "[0-9]{1,20}", device in 0_u8..100, server in "(s[.]whatsapp[.]net|lid)") {
        let (with, without) = (format!("{user}:{device}@{server}"), format!("{user}@{server}"));
        prop_assert_eq!(user_part(&with), user_part(&without));
        prop_assert_eq!(user_part(&with), user.as_str());
    }

    /// Whatever WhatsApp said and when, a session is left alone or tried, never both, and what is over stays over.
    #[test]
    fn a_ban_bars_until_one_moment_and_never_again(
        status in prop::sample::select(SessionStatus::ALL),
        reason in prop::option::of(prop::sample::select(DisconnectReason::ALL)),
        code in 400_u16..404,
        until in prop::option::of(-100_000_i64..100_000_000),
        moments in prop::collection::vec(-100_000_i64..200_000_000, 2..20),
    ) {
        let at = Timestamp::from_millis(1_800_000_000_000);
        let refusal = wharf_api::types::session::Refusal { code, text: None, at, until: until.map(|millis| at.plus_millis(millis)) };
        let row = SessionRow { reason, refusal: Some(refusal), ..session_row(status) };
        let mut moments = moments;
        moments.sort_unstable();
        let mut was_over = false;
        for millis in moments {
            let now = at.plus_millis(millis);
            let (barred, over) = (refusal::is_barred(&row, now), refusal::is_over(&row, now));
            prop_assert!(!(barred && over), "{millis}");
            prop_assert!(over || !was_over, "{millis}: what is over stays over");
            let is_ban = status == SessionStatus::Disconnected && reason == Some(DisconnectReason::Banned);
            prop_assert!(is_ban || !(barred || over), "only a ban is waited for");
            was_over = over;
        }
    }
}
