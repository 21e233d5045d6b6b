use std::collections::BTreeSet;

use crate::harness::Db;

/// Tables and columns with their kinds, in one spelling for both databases.
async fn columns(db: &Db) -> BTreeSet<String> {
    let sql = if db.is_sqlite() {
        "SELECT t.name || '.' || c.name || ' ' || lower(c.type) || CASE WHEN c.\"notnull\" = 1 OR c.pk > 0 THEN ' not null' ELSE '' END \
         FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'"
    } else {
        "SELECT table_name || '.' || column_name || ' ' || data_type || CASE WHEN is_nullable = 'NO' THEN ' not null' ELSE '' END \
         FROM information_schema.columns WHERE table_schema = 'public'"
    };
    let columns = db.texts(sql).await.into_iter().filter(|column| !column.starts_with("_sqlx"));
    columns.map(|column| column.replace("integer", "bigint").replace("blob", "bytea")).collect()
}

async fn indexes(db: &Db) -> BTreeSet<String> {
    let sql = if db.is_sqlite() {
        "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
    } else {
        "SELECT CAST(indexname AS TEXT) FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%\\_pkey' AND indexname NOT LIKE '%\\_key'"
    };
    db.texts(sql).await.into_iter().collect()
}

#[tokio::test]
async fn both_databases_have_the_same_tables_columns_and_indexes() {
    let (sqlite, postgres) = (Db::sqlite().await, Db::postgres().await);
    let found = columns(&sqlite).await;
    assert!(found.contains("outgoing.payload bytea not null"), "{found:?}");
    assert!(found.len() > 70);
    // SQLite's log has numbers for accounts and sessions, and accounts have theirs for it.
    let of_one = |columns: BTreeSet<String>| -> BTreeSet<String> {
        columns.into_iter().filter(|column| !column.starts_with("events.") && !column.starts_with("accounts.number ")).collect()
    };
    assert_eq!(of_one(found), of_one(columns(&postgres).await));
    let mut of_sqlite = indexes(&sqlite).await;
    assert!(of_sqlite.remove("accounts_by_number"));
    assert_eq!(of_sqlite, indexes(&postgres).await);
    sqlite.finish().await;
    postgres.finish().await;
}
