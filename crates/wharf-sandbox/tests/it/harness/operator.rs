//! What an operator sets up: plans, accounts and their first keys.

use serde_json::{Value, json};

use super::{Api, World};

impl World {
    /// The API with the operator's key.
    pub fn operator(&self) -> Api {
        let ready = &self.gateway.as_ref().expect("the gateway runs").ready;
        Api::new(ready["url"].as_str().unwrap(), ready["operatorKey"].as_str().unwrap())
    }

    /// An account of its own on a plan of its own, with a key that may do everything; answers the key's API and the account's id.
    pub async fn tenant(&self, plan: &str, limits: &Value) -> (Api, String) {
        let operator = self.operator();
        operator.put(&format!("/v1/admin/plans/{plan}"), limits).await.ok(200);
        let account = operator.post("/v1/admin/accounts", &json!({"name": format!("{plan} tenant"), "plan": plan})).await;
        let account = account.ok(201)["accountId"].as_str().unwrap().to_owned();
        let all: Vec<_> = wharf_api::Permission::ALL.iter().map(|permission| permission.as_str()).collect();
        let key = operator.post(&format!("/v1/admin/accounts/{account}/api-keys"), &json!({"name": "first", "permissions": all})).await;
        (operator.with_key(key.ok(201)["apiKey"].as_str().unwrap()), account)
    }
}
