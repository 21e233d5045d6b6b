//! Writes down what was really answered, for `cargo xtask ledger`: the operation, the status and the code.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::Value;
use wharf_api::ops;

/// Adds one answer to this process's file below `folder`, once. The operation is `-` where the path or method is none's.
///
/// # Panics
/// Where the file cannot be written.
pub fn record(folder: &str, method: &str, path: &str, status: u16, body: &Value) {
    static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    static FILE: OnceLock<Mutex<std::fs::File>> = OnceLock::new();
    // The pretend network's control API and the sandbox's clock are no part of the API, and an answer to HEAD has no body that
    // could name a code. What only says that the body may come is no answer yet.
    if path.starts_with("/control/") || path == "/clock" || method == "HEAD" || status < 200 {
        return;
    }
    let operation = ops::find(method, path).map_or("-", |operation| operation.id);
    let code = body["error"]["code"].as_str().unwrap_or("-");
    let line = format!("{operation} {status} {code}\n");
    if SEEN.lock().unwrap_or_else(PoisonError::into_inner).insert(line.clone()) {
        let file = FILE.get_or_init(|| Mutex::new(open(folder)));
        file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes()).expect("the disk has room for a line");
    }
}

fn open(folder: &str) -> std::fs::File {
    let folder = Path::new(folder).join("ledger");
    let file = folder.join(format!("{}.txt", std::process::id()));
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::File::options().create(true).append(true).open(&file))
        .expect("the folder is cargo's own")
}
