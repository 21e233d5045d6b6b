//! A pooler that shares out its connections is refused at the start, before anything is written through it.

use sqlx::{Connection, PgConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wharf_core::store::AccountStore;
use wharf_store::{OpenError, open};

use crate::harness::{Db, config};
use crate::tenant::{NOW, chance};

/// A message of PostgreSQL's protocol.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [[kind].as_slice(), &length, body].concat()
}

/// Lets everybody in, and answers each question with the number of its one process.
async fn serve(mut client: TcpStream) -> std::io::Result<()> {
    let ready = message(b'Z', b"I");
    let length = client.read_u32().await? as usize;
    client.read_exact(&mut vec![0; length - 4]).await?;
    client.write_all(&[message(b'R', &[0; 4]), message(b'K', &[0; 8]), ready.clone()].concat()).await?;
    let column = [b"pid\0".as_slice(), &[0; 6], &23_u32.to_be_bytes(), &4_u16.to_be_bytes(), &[255; 4], &[0; 2]].concat();
    let described = message(b'T', &[1_u16.to_be_bytes().as_slice(), &column].concat());
    let row = message(b'D', &[1_u16.to_be_bytes().as_slice(), &4_u32.to_be_bytes(), b"4711"].concat());
    let answer = [described, row, message(b'C', b"SELECT 1\0"), ready].concat();
    loop {
        let (kind, length) = (client.read_u8().await?, client.read_u32().await? as usize);
        client.read_exact(&mut vec![0; length - 4]).await?;
        match kind {
            b'Q' => client.write_all(&answer).await?,
            b'X' => return Ok(()),
            // What would be prepared would be lost.
            _ => return Err(std::io::ErrorKind::Unsupported.into()),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_connections_that_are_one_are_refused_in_words_that_name_the_mode() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://me@{}/wharf?sslmode=disable", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(serve(client));
        }
    });
    let refused = open(config(&url)).await.err().unwrap();
    assert!(matches!(refused, OpenError::Pooler), "{refused:?}");
    assert!(refused.to_string().contains("pool_mode = session"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_limits_of_a_connection_are_said_over_it_where_poolers_lose_nothing() {
    let db = Db::postgres().await;
    let mut own = PgConnection::connect(&db.url).await.unwrap();
    // What the server would give to whoever says nothing.
    sqlx::raw_sql("CREATE TABLE limits (kind text, at text)").execute(&mut own).await.unwrap();
    let note = "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO limits \
        SELECT n, current_setting(n) FROM unnest(ARRAY['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', \
        'synchronous_commit', 'client_connection_check_interval']) n; RETURN NULL; END $$; \
        CREATE TRIGGER note AFTER INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION note()";
    sqlx::raw_sql(note).execute(&mut own).await.unwrap();
    crate::tenant::Tenant::new(&db).await;
    let seen = db.texts("SELECT DISTINCT kind || ' ' || at FROM limits ORDER BY 1").await;
    let limits = ["idle_in_transaction_session_timeout 5s", "lock_timeout 250ms", "statement_timeout 2s", "synchronous_commit on"];
    assert_eq!(seen[0], "client_connection_check_interval 250ms", "a server of 14 or newer");
    assert_eq!(seen[1..], limits);
    own.close().await.unwrap();
    db.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_statement_of_a_write_sees_what_was_committed_before_it_whatever_the_servers_default_is() {
    let db = Db::postgres().await;
    db.execute(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = ''repeatable read''', current_database()); \
         END $$; CREATE TABLE levels (level text); \
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO levels \
         SELECT current_setting('transaction_isolation'); RETURN NULL; END $$; \
         CREATE TRIGGER note AFTER INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION note()",
    )
    .await;
    assert_eq!(db.texts("SELECT current_setting('transaction_isolation')").await, ["repeatable read"]);
    let store = db.second().await.unwrap();
    assert!(store.insert_account(&chance().account_id(), "a", "enterprise", NOW).await.unwrap());
    assert_eq!(db.texts("SELECT level FROM levels").await, ["read committed"]);
    store.close().await;
    db.finish().await;
}
