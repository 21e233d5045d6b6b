//! What becomes of a copy that is put back; with a gateway it is tried by the sandbox.

use std::path::PathBuf;
use std::sync::Mutex;

use wharf_core::store::OwnerStore;
use wharf_store::backup::{self, BackupError, Snapshot};

use crate::harness::{Db, fresh_name};
use crate::tenant::Tenant;

/// A copy of a database with one session that runs.
struct Backup {
    folder: PathBuf,
    made: Snapshot,
}

impl Backup {
    async fn make() -> Self {
        let db = Db::sqlite().await;
        let tenant = Tenant::new(&db).await;
        assert!(!db.store.is_stale(&tenant.session).await.unwrap());
        let folder = std::env::temp_dir().join(fresh_name());
        std::fs::create_dir(&folder).unwrap();
        let made = backup::back_up(&db.url, &folder, &|_: &str| {}).await.unwrap();
        db.finish().await;
        Self { folder, made }
    }

    /// Where it is put back, and a file beside that.
    fn place(&self, end: &str) -> PathBuf {
        self.folder.join(format!("elsewhere.{end}"))
    }

    fn url(&self) -> String {
        format!("sqlite:{}", self.place("sqlite").display())
    }
}

impl Drop for Backup {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_put_back_is_marked_before_it_is_in_its_place() {
    let copy = Backup::make().await;
    // Of a run that was cut off.
    for end in ["restoring", "restoring-journal", "restoring-wal"] {
        std::fs::write(copy.place(end), "half").unwrap();
    }
    backup::check(&copy.url(), &copy.made).await.unwrap();
    backup::restore(&copy.url(), &copy.folder, &copy.made, &|_: &str| {}).await.unwrap();
    let conn = rusqlite::Connection::open(copy.place("sqlite")).unwrap();
    let owners = |of: &str| {
        let sql = format!("SELECT COUNT(*) FROM session_owner WHERE {of}");
        conn.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!((owners("stale = 1 AND node IS NULL"), owners("stale = 0")), (1, 0));
    let whole: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok");
    for end in ["restoring", "restoring-journal", "restoring-wal"] {
        assert!(!copy.place(end).exists(), "{end}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_another_file_left_is_not_read_into_the_copy() {
    let copy = Backup::make().await;
    for end in ["sqlite-wal", "sqlite-journal"] {
        std::fs::write(copy.place(end), "pages of another file").unwrap();
        let refused = backup::check(&copy.url(), &copy.made).await.unwrap_err();
        assert!(matches!(&refused, BackupError::NotEmpty(what) if what.ends_with(end)), "{refused}");
        // An empty one says nothing.
        std::fs::write(copy.place(end), "").unwrap();
        backup::check(&copy.url(), &copy.made).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_put_back_on_a_server_is_counted_before_anybody_reads_it() {
    let (from, to) = (Db::postgres().await, Db::postgres().await);
    for _ in 0..3 {
        Tenant::new(&from).await;
    }
    let folder = std::env::temp_dir().join(fresh_name());
    std::fs::create_dir(&folder).unwrap();
    let made = backup::back_up(&from.url, &folder, &|_: &str| {}).await.unwrap();
    to.store.close().await;
    to.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await;
    backup::check(&to.url, &made).await.unwrap();
    let lines = Mutex::new(Vec::new());
    backup::restore(&to.url, &folder, &made, &|line: &str| lines.lock().unwrap().push(line.to_owned())).await.unwrap();
    let counted = "SELECT CAST(reltuples AS BIGINT) FROM pg_class WHERE oid IN ('sessions'::regclass, 'session_owner'::regclass)";
    assert_eq!(to.ints(counted).await, [3, 3]);
    assert_eq!(lines.lock().unwrap().last().map(String::as_str), Some("the rows are counted for PostgreSQL's plans"));
    std::fs::remove_dir_all(&folder).unwrap();
    from.finish().await;
    to.finish().await;
}
