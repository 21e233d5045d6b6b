use wharf_core::store::{AccountStore, MessageStore};
use wharf_store::{Config, Durability, OpenError, open};

use crate::harness::{Db, both_backends, config, execute_postgres, fresh_name};
use crate::tenant::{NOW, Tenant, chance};

both_backends!(
    a_commit_survives_a_power_cut_by_the_databases_own_word,
    every_statement_is_understood,
    what_was_committed_is_there_after_a_new_start,
    a_schema_of_an_older_release_stays_as_it_is_where_it_may_not_be_updated,
);

async fn a_commit_survives_a_power_cut_by_the_databases_own_word(db: &Db) {
    let durability = db.store.durability().await.unwrap();
    let wanted = if db.is_sqlite() { ("wal", "2") } else { ("on", "on") };
    assert_eq!(durability, Durability { journal: wanted.0.to_owned(), synchronous: wanted.1.to_owned() });
}

async fn every_statement_is_understood(db: &Db) {
    assert!(db.store.check_statements().await.unwrap() > 40);
}

async fn what_was_committed_is_there_after_a_new_start(db: &Db) {
    let tenant = Tenant::new(db).await;
    let row = tenant.send(db, "kept").await;
    db.store.close().await;
    let store = open(config(&db.url)).await.unwrap();
    assert_eq!(store.find_message(&tenant.account, &row.id).await.unwrap(), Some(row));
    let id = chance().account_id();
    assert!(store.insert_account(&id, "new", "free", NOW).await.unwrap());
    store.close().await;
}

async fn a_schema_of_an_older_release_stays_as_it_is_where_it_may_not_be_updated(db: &Db) {
    db.store.close().await;
    let newest = async || db.ints("SELECT MAX(version) FROM _sqlx_migrations").await[0];
    let as_it_is = || Config { updates: false, ..config(&db.url) };
    open(as_it_is()).await.unwrap().close().await;
    let own = newest().await;
    db.execute(&format!("DELETE FROM _sqlx_migrations WHERE version = {own}")).await;
    let older = newest().await;
    let refused = open(as_it_is()).await.err();
    assert!(matches!(refused, Some(OpenError::Behind { found, own: needed }) if (found, needed) == (older, own)), "{refused:?}");
    assert_eq!(newest().await, older);
}

/// What these cost is not seen anywhere else: a build without the configuration works, and is slower.
#[tokio::test]
async fn sqlite_is_built_without_what_costs_every_statement_and_serves_nobody() {
    let db = Db::sqlite().await;
    let options = db.texts("SELECT compile_options FROM pragma_compile_options").await;
    for cheap in ["DEFAULT_MEMSTATUS=0", "OMIT_SHARED_CACHE", "OMIT_PROGRESS_CALLBACK"] {
        assert!(options.iter().any(|option| option == cheap), "{cheap}: {options:?}");
    }
    for costly in ["ENABLE_MEMORY_MANAGEMENT", "ENABLE_API_ARMOR"] {
        assert!(options.iter().all(|option| option != costly), "{costly}");
    }
    // Of this one the library does not tell.
    let flags = option_env!("LIBSQLITE3_FLAGS").unwrap_or_default();
    assert!(flags.split_whitespace().any(|flag| flag == "-DHAVE_FDATASYNC=1"), "{flags:?}");
    db.finish().await;
}

#[tokio::test]
async fn a_second_process_on_the_same_file_is_refused() {
    let db = Db::sqlite().await;
    let refused = open(config(&db.url)).await;
    assert!(matches!(refused, Err(OpenError::InUse(_))));
    db.store.close().await;
    open(config(&db.url)).await.unwrap().close().await;
}

#[tokio::test]
async fn a_store_that_is_dropped_frees_its_file_by_itself() {
    let db = Db::sqlite().await;
    let tenant = Tenant::new(&db).await;
    let row = tenant.send(&db, "x").await;
    let (url, folder) = db.drop_store();
    let opened = async {
        loop {
            match open(config(&url)).await {
                Err(OpenError::InUse(_)) => tokio::task::yield_now().await,
                opened => return opened,
            }
        }
    };
    let store = tokio::time::timeout(std::time::Duration::from_secs(30), opened).await.unwrap().unwrap();
    assert_eq!(store.find_message(&tenant.account, &row.id).await.unwrap(), Some(row));
    store.close().await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_url_of_an_unknown_kind_is_refused() {
    assert!(matches!(open(config("mysql://localhost/x")).await, Err(OpenError::Url)));
    let nowhere = format!("sqlite:{}", std::env::temp_dir().join(fresh_name()).join("no/folder.sqlite").display());
    assert!(matches!(open(config(&nowhere)).await, Err(OpenError::File { .. })));
}

/// A database of PostgreSQL that is made so, and what the store says to it at the start.
async fn refused(made: &str, prepare: impl AsyncFnOnce(&str)) -> String {
    let admin = std::env::var("WHARF_TEST_POSTGRES_URL").expect("a PostgreSQL for the tests");
    let name = fresh_name();
    execute_postgres(&admin, &format!("CREATE DATABASE {name} {made}")).await;
    let url = format!("{}/{name}", admin.rsplit_once('/').expect("a URL with a database").0);
    prepare(&url).await;
    let said = match open(config(&url)).await {
        Ok(store) => {
            store.close().await;
            "nothing".to_owned()
        }
        Err(error) => error.to_string(),
    };
    execute_postgres(&admin, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
    said
}

#[tokio::test]
async fn a_database_of_another_encoding_is_refused_before_it_gets_a_table() {
    let said = refused("ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0", async |_| {}).await;
    assert!(said.contains("UTF8") && said.contains("LATIN1"), "{said}");
    let said = refused("ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0", async |_| {}).await;
    assert_eq!(said, "nothing");
}

#[tokio::test]
async fn a_database_of_a_language_that_orders_ids_otherwise_is_refused_before_it_gets_a_table() {
    for language in ["da", "nb", "cy"] {
        let said = refused(&format!("ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE '{language}' TEMPLATE template0"), async |_| {}).await;
        assert!(said.contains("LOCALE 'C'"), "{language}: {said}");
    }
    for language in ["en-US", "de", "es", "sv"] {
        let said = refused(&format!("ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE '{language}' TEMPLATE template0"), async |_| {}).await;
        assert_eq!(said, "nothing", "{language}");
    }
}

#[tokio::test]
async fn a_sequence_behind_its_table_is_refused_with_the_statement_that_mends_it() {
    let said = refused("", async |url| {
        open(config(url)).await.unwrap().close().await;
        // A plan of the table's own would do as well: any numbered row.
        let sql = "INSERT INTO events (id, account_id, session_id, sequence, kind, at, data) VALUES ('e1', 'a', 's', 1, 'k', 1, '{}'); \
            SELECT setval(pg_get_serial_sequence('events', 'number'), 1, false)";
        execute_postgres(url, sql).await;
    })
    .await;
    assert!(said.contains("events") && said.contains("setval"), "{said}");
}

#[tokio::test]
async fn a_right_that_is_missing_is_refused_by_its_table_and_its_name() {
    let said = refused("", async |url| {
        open(config(url)).await.unwrap().close().await;
        let made = "CREATE ROLE @ LOGIN; GRANT ALL ON SCHEMA public TO @; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO @";
        execute_postgres(url, &role(url, made)).await;
        execute_postgres(url, &role(url, "GRANT ALL ON ALL TABLES IN SCHEMA public TO @; REVOKE DELETE ON vault FROM @")).await;
        let as_role = url.replacen("postgres@", &format!("{}_role@", url.rsplit_once('/').expect("a URL").1), 1);
        let said = open(config(&as_role)).await.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(said.contains("vault") && said.contains("DELETE"), "{said}");
        execute_postgres(url, &role(url, "GRANT DELETE ON vault TO @")).await;
        open(config(&as_role)).await.unwrap().close().await;
        execute_postgres(url, &role(url, "DROP OWNED BY @; DROP ROLE @")).await;
    })
    .await;
    assert_eq!(said, "nothing");
}

/// The statements for the role of the database's own.
fn role(url: &str, sql: &str) -> String {
    sql.replace('@', &format!("{}_role", url.rsplit_once('/').expect("a URL with a database").1))
}

#[tokio::test]
async fn the_files_of_a_database_are_their_owners_alone_in_an_open_folder_too() {
    use std::fs::{Permissions, metadata, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    let db = Db::sqlite().await;
    let tenant = Tenant::new(&db).await;
    tenant.send(&db, "private").await;
    let path = std::path::PathBuf::from(db.url.strip_prefix("sqlite:").unwrap());
    let mode = |end: &str| {
        let mut name = path.clone().into_os_string();
        name.push(end);
        metadata(name).unwrap().permissions().mode() & 0o777
    };
    let all = || ["", "-wal", "-shm", ".lock"].map(mode);
    assert_eq!(all(), [0o600; 4], "made so");
    db.store.close().await;
    // As an older release, or a copy, left it.
    set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let store = open(config(&db.url)).await.unwrap();
    assert!(store.insert_account(&chance().account_id(), "new", "free", NOW).await.unwrap());
    assert_eq!(all(), [0o600; 4], "closed at the next start");
    store.close().await;
}
