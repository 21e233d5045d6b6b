//! Clients in languages that have no SDK, made of the document by a published generator.

use crate::harness::process;

#[tokio::test(flavor = "multi_thread")]
async fn a_published_generator_makes_clients_in_go_and_php_that_compile() {
    let printed = process::script("generated", &[], &[]).await;
    for language in ["Go: ", "PHP: "] {
        assert!(printed.lines().any(|line| line.starts_with(language) && line.ends_with(" files compile")), "{language}{printed}");
    }
}
