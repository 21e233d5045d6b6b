//! Made-up graphs: each rule with what it lets pass and what it refuses.

use std::{collections::BTreeMap, path::PathBuf};

use super::*;

#[test]
fn the_arrows_of_the_house_pass() {
    let whole: Vec<Package> = ARROWS.iter().map(|(from, to)| package(from, to)).collect();
    assert_eq!(broken_edges(&whole), [""; 0]);
}

#[test]
fn every_pair_of_rooms_without_an_arrow_is_refused() {
    for (from, may_import) in ARROWS {
        for (to, _) in ARROWS.iter().filter(|(to, _)| to != from && !may_import.contains(to)) {
            let broken = broken_edges(&[package(from, &[to]), package(to, &[])]);
            assert_eq!(broken.len(), 1, "{from} -> {to}: {broken:?}");
            assert!(broken[0].starts_with(&format!("{from} -> {to}: {from} may import ")), "{broken:?}");
        }
    }
}

#[test]
fn a_build_dependency_is_an_edge_like_any_other() {
    let mut core = package("wharf-core", &["wharf-store"]);
    core.dependencies[0].kind = Some(Kind::Build);
    assert_eq!(broken_edges(&[core, package("wharf-store", &[])]), ["wharf-core -> wharf-store: wharf-core may import wharf-api"]);
}

#[test]
fn a_crate_that_is_no_room_is_refused() {
    let broken = broken_edges(&[package("wharf-utils", &[])]);
    assert_eq!(broken, ["wharf-utils: no such room; add its arrows to xtask/src/rooms.rs"]);
}

#[test]
fn a_crate_on_the_disk_outside_the_workspace_is_refused() {
    let mut core = package("wharf-core", &["elsewhere"]);
    core.dependencies[0].path = Some(PathBuf::from("/elsewhere"));
    assert_eq!(broken_edges(&[core]), ["wharf-core -> elsewhere: wharf-core may import wharf-api"]);
}

#[test]
fn each_technology_is_named_by_its_owners_only() {
    let samples = [
        ("sqlx", "SQL"),
        ("sqlx-sqlite", "SQL"),
        ("rusqlite", "SQL"),
        ("axum", "HTTP serving"),
        ("tower-http", "HTTP serving"),
        ("hyper-util", "HTTP serving"),
        ("whatsapp-rust", "the WhatsApp client"),
        ("whatsapp-rust-tokio-transport", "the WhatsApp client"),
        ("wacore", "the WhatsApp protocol"),
        ("wacore-noise", "the WhatsApp protocol"),
        ("waproto", "the WhatsApp protocol"),
        ("opentelemetry", "OpenTelemetry"),
        ("opentelemetry_sdk", "OpenTelemetry"),
        ("tracing-opentelemetry", "OpenTelemetry"),
        ("tokio", "the async runtime"),
        ("tokio-util", "the async runtime"),
    ];
    for (to, technology) in samples {
        let (_, _, owners) = TECHNOLOGIES.iter().find(|(name, ..)| *name == technology).unwrap();
        for (from, _) in ARROWS {
            let broken = broken_edges(&[package(from, &[to])]);
            if owners.contains(from) {
                assert_eq!(broken, [""; 0], "{from} owns {technology}");
            } else {
                let rule = format!("{from} -> {to}: only {} may name {technology}", owners.join(", "));
                assert_eq!(broken, [rule]);
            }
        }
    }
}

#[test]
fn a_crate_that_only_sounds_like_a_technology_passes() {
    for to in ["towerless", "hyperlocal", "sqlxmq", "wacorex", "serde"] {
        assert_eq!(broken_edges(&[package("wharf-api", &[to])]), [""; 0], "{to}");
    }
}

#[test]
fn the_sandbox_names_the_protocol_for_its_one_feature_and_nothing_else() {
    let with = |to: &str, features: &[&str]| broken_edges(&[asks("wharf-sandbox", to, features, None)]);
    assert_eq!(with("wacore-noise", &[SKIP_CHAIN]), [""; 0]);
    for (to, features) in [("wacore-noise", &[][..]), ("wacore-noise", &[SKIP_CHAIN, "test-util"]), ("wacore", &[SKIP_CHAIN])] {
        let rule = format!("wharf-sandbox -> {to}: only wharf-wa, wharf-sim, wharf-bench may name the WhatsApp protocol");
        assert_eq!(with(to, features), [rule]);
    }
}

#[test]
fn only_the_sandbox_asks_for_what_a_release_must_not_have() {
    for (to, feature) in [("wacore-noise", SKIP_CHAIN), ("whatsapp-rust", "danger-skip-tls-verify"), ("fail", "failpoints")] {
        for from in ["wharf-core", "wharf-wa", "wharf-sim", "wharf"] {
            let rule = format!("{from} -> {to} with `{feature}`: only wharf-sandbox may ask for it");
            assert!(broken_edges(&[asks(from, to, &[feature], None)]).contains(&rule), "{rule}");
        }
    }
    assert_eq!(broken_edges(&[asks("wharf-sandbox", "fail", &["failpoints"], None)]), [""; 0]);
    assert_eq!(broken_edges(&[asks("wharf-core", "fail", &["std"], None)]), [""; 0]);
}

#[test]
fn a_feature_table_cannot_ask_for_it_by_another_name() {
    for other in ["fail/failpoints", "wacore-noise?/danger-skip-cert-chain-verify"] {
        let mut wharf = package("wharf", &[]);
        wharf.features = BTreeMap::from([("testing".to_owned(), vec![other.to_owned()])]);
        let rule = format!("wharf, feature testing = `{other}`: only wharf-sandbox may ask for it");
        assert_eq!(broken_edges(&[wharf]), [rule]);
    }
}

#[test]
fn tests_may_name_any_technology_and_ask_for_the_features() {
    for (from, to, features) in [
        ("wharf-api", "tokio", &[][..]),
        ("wharf-sandbox", "sqlx", &[]),
        ("wharf-sim", "whatsapp-rust", &[]),
        ("wharf-wa", "wacore-noise", &[SKIP_CHAIN]),
        ("wharf-core", "fail", &["failpoints"]),
    ] {
        let broken = broken_edges(&[asks(from, to, features, Some(Kind::Dev))]);
        assert_eq!(broken, [""; 0], "{from} -> {to}");
    }
}

#[test]
fn the_tests_of_the_release_program_keep_the_release_world() {
    for (to, feature) in [("wacore-noise", SKIP_CHAIN), ("fail", "failpoints")] {
        let broken = broken_edges(&[asks("wharf", to, &[feature], Some(Kind::Dev))]);
        assert_eq!(broken, [format!("wharf -> {to} (dev) with `{feature}`: only wharf-sandbox may ask for it")]);
    }
}

#[test]
fn tests_follow_the_arrows_and_the_engine_may_meet_the_pretend_network() {
    let dev = |from, to| broken_edges(&[asks(from, to, &[], Some(Kind::Dev)), package(to, &[])]);
    assert_eq!(dev("wharf-wa", "wharf-sim"), [""; 0]);
    assert_eq!(dev("wharf-store", "wharf-core"), [""; 0]);
    assert_eq!(dev("wharf-core", "wharf-store"), ["wharf-core -> wharf-store (dev): wharf-core may import wharf-api"]);
    assert_eq!(dev("wharf-sim", "wharf-wa"), ["wharf-sim -> wharf-wa (dev): wharf-sim may import no other room"]);
    assert_eq!(dev("wharf", "wharf-sim").len(), 1);
}

#[test]
fn a_release_tree_without_the_features_passes() {
    let tree = "wharf v0.1.0 (/somewhere) []\nfail v0.5.1 []\nwacore-noise v0.7.0 [test-util]\nfail v0.5.1 [] (*)\n";
    assert_eq!(broken_release(tree), [""; 0]);
}

#[test]
fn a_release_tree_that_picked_up_a_feature_is_refused_once_per_feature() {
    let tree = "wharf v0.1.0 (/somewhere) []\nfail v0.5.1 [failpoints]\nfail v0.5.1 [failpoints] (*)\n\
        wacore-noise v0.7.0 [default,danger-skip-cert-chain-verify]\n";
    let broken = broken_release(tree);
    assert_eq!(broken.len(), 2, "{broken:?}");
    assert!(broken[0].starts_with("wharf ..> fail with `failpoints`: "), "{broken:?}");
    assert!(broken[1].starts_with("wharf ..> wacore-noise with `danger-skip-cert-chain-verify`: "));
}

#[test]
fn a_release_tree_that_shows_no_engine_proves_nothing() {
    assert_eq!(broken_release("").len(), 1);
    assert_eq!(broken_release("wharf v0.1.0 (/somewhere) []\n").len(), 1);
}

fn package(name: &str, imports: &[&str]) -> Package {
    let dependency = |to: &&str| Dependency { name: (*to).to_owned(), kind: None, features: Vec::new(), path: None };
    Package { name: name.to_owned(), dependencies: imports.iter().map(dependency).collect(), features: BTreeMap::new() }
}

fn asks(from: &str, to: &str, features: &[&str], kind: Option<Kind>) -> Package {
    let mut package = package(from, &[to]);
    package.dependencies[0].features = features.iter().map(|name| (*name).to_owned()).collect();
    package.dependencies[0].kind = kind;
    package
}
