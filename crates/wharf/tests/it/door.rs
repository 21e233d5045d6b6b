//! A node that was late with its lease: what it missed it looks for itself, once for the calls of a second, and what it finds shuts it.

use std::time::Duration;

use tokio::time::Instant;
use wharf_api::ErrorCode;
use wharf_core::door;
use wharf_core::readiness::{Fitness, Part};
use wharf_core::store::DatabaseStore;

use crate::harness::Gateway;

#[tokio::test]
async fn a_node_of_which_nobody_has_heard_for_long_answers_every_call_as_long_as_it_is_the_right_one() {
    let gateway = Gateway::start().await;
    let readiness = &gateway.services.readiness;
    gateway.store.claim_installation(&gateway.services.installation).await.unwrap();
    readiness.heeded(Instant::now());
    // Nor is it ready, as while the database takes no writes.
    readiness.found(Part::Tables, Some("the database takes no writes"));
    gateway.session().await;
    for path in ["/v1/account", "/v1/sessions", "/v1/messages"] {
        gateway.get(path).send().await.ok(200);
    }
    assert_eq!(readiness.fitness(), Fitness::Unheard, "nobody has looked for it");

    let (file, aside) = (gateway.dir.join("wharf.sqlite"), gateway.dir.join("aside"));
    std::fs::rename(&file, &aside).unwrap();
    // What was seen a moment ago serves as long as its second: here it is over.
    readiness.heeded(Instant::now());
    let refused = gateway.get("/v1/account").send().await;
    assert!(refused.refused(ErrorCode::ServiceUnavailable)["retryAfter"].as_u64().is_some_and(|seconds| seconds > 0));
    std::fs::rename(&aside, &file).unwrap();
    readiness.heeded(Instant::now());
    gateway.get("/v1/account").send().await.ok(200);
    // A call that finds a look of its second makes none of its own.
    readiness.looked(Instant::now() + Duration::from_hours(1), false);
    gateway.get("/v1/account").send().await.refused(ErrorCode::ServiceUnavailable);
    // Who has met what cannot be read makes one all the same.
    door::pass_anew(&gateway.services).await.unwrap();
    readiness.heeded(Instant::now());
    gateway.get("/v1/account").send().await.ok(200);
}
