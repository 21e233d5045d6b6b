use wacore::handshake::HandshakeError;

use super::{Failure, Step, Verdict, verdict};

#[test]
fn a_handshake_that_whatsapp_did_not_sign_is_foreign_and_a_broken_one_is_not() {
    let unsigned = Failure::Handshake(HandshakeError::CertVerification("intermediate".to_owned()));
    assert_eq!(verdict(&unsigned, Step::Handshake), Verdict::Foreign(Step::Handshake));
    let broken = Failure::Handshake(HandshakeError::IncompleteResponse);
    assert!(matches!(verdict(&broken, Step::Handshake), Verdict::Unreachable { step: Step::Handshake, .. }));
}

#[test]
fn a_refusal_keeps_its_code_whatever_the_step() {
    let refused = Failure::Refused { code: 405, text: None };
    assert_eq!(verdict(&refused, Step::Reference), Verdict::Refused { code: 405, text: None });
}
