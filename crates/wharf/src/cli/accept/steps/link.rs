//! Reaching WhatsApp, linking and unlinking: steps 1 to 5, 13 and 15.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use wharf_api::ErrorCode;

use super::super::super::doctor::outside;
use super::super::super::gateway::Told;
use super::super::course::{Run, Step, Trouble};
use super::super::people::{Act, Sight};

const QR_LIMIT: Duration = Duration::from_secs(5);
const CONNECTED_LIMIT: Duration = Duration::from_secs(30);
const CODE_LINK_LIMIT: Duration = Duration::from_secs(20);
const LOGOUT_LIMIT: Duration = Duration::from_secs(10);
/// How long WhatsApp lets somebody sign with a passkey.
const PASSKEY_LIMIT: Duration = Duration::from_mins(10);
const POLL: Duration = Duration::from_millis(200);

pub(super) async fn network(run: &mut Run<'_>) -> Step {
    let seen = outside::look(&run.options.config, &run.options.world, true).await;
    run.versions.claimed.clone_from(&seen.claimed);
    for (name, finding) in &seen.findings {
        run.note(&format!("{name}: {finding}"));
    }
    for (what, took) in seen.steps {
        run.measure(what, took);
    }
    match seen.findings.iter().find(|(_, finding)| finding.is_failure()) {
        Some((name, finding)) => Err(Trouble::Failed(format!("{name}: {}", finding.text()))),
        None => Ok(()),
    }
}

pub(super) async fn gateway(run: &mut Run<'_>) -> Step {
    env!("CARGO_PKG_VERSION").clone_into(&mut run.versions.wharf);
    wharf_wa::LIBRARY.clone_into(&mut run.versions.library);
    run.options.world.check_build().map_err(anyhow::Error::from)?;
    let account = run.api.get(&["account"], &[]).await?;
    if account["limits"]["sessions"] == 1 {
        run.note("the plan allows one session: the step pairing_code needs two");
    }
    Ok(())
}

pub(super) async fn qr(run: &mut Run<'_>) -> Step {
    let begun = Instant::now();
    let made = run.api.post(&["sessions"], &json!({"name": "wharf accept"})).await?;
    let id = made["sessionId"].as_str().unwrap_or_default().to_owned();
    run.session = Some(id.clone());
    let limit = QR_LIMIT.saturating_sub(begun.elapsed());
    run.api.session(&id, limit, "at a QR code", |session| session["status"] == "qr").await?;
    run.measure("qr", begun.elapsed());
    Ok(())
}

pub(super) async fn scan(run: &mut Run<'_>) -> Step {
    let id = run.session()?.to_owned();
    let passkey = scanned(run, &id).await?;
    if passkey {
        run.note("WhatsApp asked for a passkey");
    }
    run.see(Sight::LinkedDevice, "the phone shows the new device").await
}

/// Shows every code until one was scanned. Tells whether a passkey was asked for.
async fn scanned(run: &mut Run<'_>, id: &str) -> Result<bool, Trouble> {
    let begun = Instant::now();
    let (mut known, mut told, mut passkey) = (String::new(), false, false);
    loop {
        let session = run.api.get(&["sessions", id], &[]).await?;
        let waits = session["waitingFor"] == "passkey";
        passkey |= waits;
        if waits && !told {
            told = true;
            run.people.tell("  WhatsApp asks for a passkey: follow docs/passkey.md, the session waits for it.");
        }
        match session["status"].as_str() {
            Some("connecting" | "connected" | "reconnecting") => {
                run.measure("scanned", begun.elapsed());
                return Ok(passkey);
            }
            Some("qr") if !waits => {
                if let Told::Done(qr) = run.api.gateway.next_qr(id, "").await?
                    && qr.qr != known
                {
                    known.clone_from(&qr.qr);
                    run.act(Act::Scan { qr: qr.qr }).await?;
                }
            }
            Some("starting" | "qr") => {}
            other => return Err(Trouble::Failed(format!("nobody scanned: the session is {}", other.unwrap_or("unknown")))),
        }
        let limit = if passkey { PASSKEY_LIMIT } else { run.options.patience };
        if begun.elapsed() > limit {
            return Err(Trouble::Failed("nobody scanned in time".to_owned()));
        }
        tokio::time::sleep(POLL).await;
    }
}

pub(super) async fn connected(run: &mut Run<'_>) -> Step {
    let id = run.session()?.to_owned();
    let took = run.api.session(&id, CONNECTED_LIMIT, "connected", |session| session["status"] == "connected").await?;
    run.measure("connected", took);
    let session = run.api.get(&["sessions", &id], &[]).await?;
    match session["degraded"].as_str() {
        Some(what) => Err(Trouble::Failed(format!("connected, but degraded: {what}"))),
        None => Ok(()),
    }
}

pub(super) async fn pairing_code(run: &mut Run<'_>) -> Step {
    let made = match run.api.try_post(&["sessions"], &json!({"name": "wharf accept, second"})).await? {
        Ok(made) => made,
        Err(refused) if refused.is(ErrorCode::SessionLimitReached) => {
            return Err(Trouble::Skipped("the plan allows no second session".to_owned()));
        }
        Err(refused) => return Err(anyhow::Error::from(*refused).into()),
    };
    let id = made["sessionId"].as_str().unwrap_or_default().to_owned();
    let linked = by_code(run, &id).await;
    // Whatever happened: a second session is not left behind.
    let deleted = run.api.delete(&["sessions", &id]).await;
    linked?;
    deleted?;
    Ok(())
}

async fn by_code(run: &mut Run<'_>, id: &str) -> Step {
    let to = run.options.to.clone();
    run.api.session(id, QR_LIMIT, "at a QR code", |session| session["status"] == "qr").await?;
    let told = run.api.post(&["sessions", id, "pairing-code"], &json!({"phoneNumber": to})).await?;
    let code = told["pairingCode"].as_str().unwrap_or_default().to_owned();
    run.act(Act::TypeCode { code }).await?;
    let typed = |session: &Value| !matches!(session["status"].as_str(), Some("starting" | "qr"));
    run.api.session(id, run.options.patience, "linked by the code", typed).await?;
    let took = run.api.session(id, CODE_LINK_LIMIT, "connected", |session| session["status"] == "connected").await?;
    run.measure("connected", took);
    run.act(Act::UnlinkOnB).await?;
    unlinked(run, id).await
}

async fn unlinked(run: &mut Run<'_>, id: &str) -> Step {
    let is = |session: &Value| session["status"] == "disconnected" && session["reason"] == "logged_out";
    let took = run.api.session(id, LOGOUT_LIMIT, "logged out", is).await?;
    run.measure("logged_out", took);
    Ok(())
}

pub(super) async fn relink(run: &mut Run<'_>) -> Step {
    let id = run.session()?.to_owned();
    let before = run.api.get(&["sessions", &id], &[]).await?["phoneNumber"].clone();
    run.act(Act::UnlinkOnA).await?;
    unlinked(run, &id).await?;
    run.api.gateway.restart(&id).await?;
    if scanned(run, &id).await? {
        run.note("WhatsApp asked for a passkey again");
    }
    let took = run.api.session(&id, CONNECTED_LIMIT, "connected", |session| session["status"] == "connected").await?;
    run.measure("connected", took);
    let after = run.api.get(&["sessions", &id], &[]).await?["phoneNumber"].clone();
    if before.is_string() && before != after {
        return Err(Trouble::Failed("the second link is of another number".to_owned()));
    }
    Ok(())
}
