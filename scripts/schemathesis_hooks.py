"""What scripts/schemathesis asks beyond the tool's own checks.

A request of the right shape may be refused for what is: a session that is not connected, a number that is nobody's. It must not be
called malformed. The tool knows statuses only, and all of this is 400; the codes tell them apart.
"""

import schemathesis
from schemathesis.specs.openapi.checks import is_unexpected_http_status_case

MALFORMED = {"invalid_request", "missing_required_parameter", "invalid_parameter_type"}
# Whether these are good is no question of their shape: a position that we handed out, a plan that there is, the bytes of a
# JPEG, what is one emoji, a key that is no placeholder.
FACTS = {"Idempotency-Key", "emoji", "cursor", "after", "plan", "data", "file", "linkPreview.url"}
# What members may be together: no schema of ours says so.
TOGETHER = {
    "nothing is to be changed",
    "exactly one of mediaUrl, mediaId and data is expected",
    "the option stands there twice",
    "only images, videos and documents have one",
    "only documents have one",
    "only audio can be a voice note",
    "only images, videos and voice notes can be opened once",
}


@schemathesis.check
def a_good_shape_is_not_malformed(ctx, response, case):
    meta = case.meta
    if meta is None or not meta.generation.mode.is_positive or is_unexpected_http_status_case(case):
        return
    if response.status_code != 400:
        return
    error = response.json()["error"]
    details = error.get("details", {})
    fact = details.get("field", "") in FACTS or details.get("reason") in TOGETHER
    if error["code"] in MALFORMED and not fact:
        raise AssertionError(f"{error['code']} for a request of the right shape: {error.get('details')}")
