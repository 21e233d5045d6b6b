//! The Python SDK as it is shipped: its types, its package, and its own tests against sandboxes that they start.

use crate::harness::process;

#[tokio::test(flavor = "multi_thread")]
async fn the_python_sdk_is_typed_and_packed_and_raises_every_code_resumes_its_stream_and_survives_a_dying_gateway() {
    // Beside the sandbox: its tests have the gateway die under a network that lives on.
    assert!(process::program("wharf-sim").exists());
    let printed = process::script("sdk-python", &[], &[]).await;
    for part in ["== types", "== package", "== tests", "wharf_sdk-", " passed"] {
        assert!(printed.contains(part), "{printed}");
    }
}
