//! Files in a bucket, against a small server that fails on command. The sandbox's tests hold them against one that others wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use futures::TryStreamExt as _;
use tokio::sync::watch;
use wharf::media::LocalFiles;
use wharf::media::bucket::{BucketFiles, Settings};
use wharf_api::ids::{MediaId, Uuid};
use wharf_core::media::files::{Files, Writing};
use wharf_wa::Trust;

use crate::egress::town::{Certificates, Web};

#[derive(Clone, Default)]
struct Bucket {
    objects: Arc<Mutex<BTreeMap<String, Bytes>>>,
    uploads: Arc<Mutex<Uploads>>,
    /// How many bytes were given out.
    given: Arc<Mutex<usize>>,
    /// What happens to every part but the first.
    later_parts: Arc<Mutex<Later>>,
    /// Whose later parts came, and how many uploads were given up.
    seen: Arc<watch::Sender<(BTreeSet<String>, usize)>>,
    /// What it answers to everything, where it does not work.
    refusal: Arc<Mutex<Option<StatusCode>>>,
}

/// What was begun in parts and neither completed nor given up.
#[derive(Default)]
struct Uploads {
    begun: u32,
    open: BTreeMap<String, BTreeMap<u32, Bytes>>,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Later {
    #[default]
    Kept,
    Refused,
    Silence,
}

type Words = BTreeMap<String, String>;

async fn object(
    State(bucket): State<Bucket>,
    method: Method,
    Path(key): Path<String>,
    Query(query): Query<Words>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    assert!(headers["authorization"].to_str().unwrap().starts_with("AWS4-HMAC-SHA256 Credential=me/"));
    if let Some(refusal) = *bucket.refusal.lock().unwrap() {
        return refusal.into_response();
    }
    let etag = [("etag", "\"1\"")];
    if query.get("partNumber").is_some_and(|part| part != "1") {
        bucket.seen.send_modify(|seen| {
            seen.0.insert(key.clone());
        });
        let later = *bucket.later_parts.lock().unwrap();
        match later {
            Later::Kept => {}
            Later::Refused => return StatusCode::BAD_REQUEST.into_response(),
            Later::Silence => std::future::pending().await,
        }
    }
    let mut objects = bucket.objects.lock().unwrap();
    match (method.as_str(), query.get("uploadId"), query.get("partNumber")) {
        ("GET", None, None) => match objects.get(&key) {
            Some(bytes) => {
                let fixed = [("etag", "\"1\""), ("last-modified", "Wed, 01 Jan 2020 00:00:00 GMT")];
                let part = headers.get("range").map(|range| {
                    let (first, last) = range.to_str().unwrap().strip_prefix("bytes=").unwrap().split_once('-').unwrap();
                    (first.parse::<usize>().unwrap(), last.parse::<usize>().unwrap())
                });
                let Some((first, last)) = part else {
                    *bucket.given.lock().unwrap() += bytes.len();
                    return (fixed, bytes.clone()).into_response();
                };
                let place = [("content-range", format!("bytes {first}-{last}/{}", bytes.len()))];
                *bucket.given.lock().unwrap() += last + 1 - first;
                (StatusCode::PARTIAL_CONTENT, fixed, place, bytes.slice(first..=last)).into_response()
            }
            None => StatusCode::NOT_FOUND.into_response(),
        },
        ("PUT", None, None) => {
            objects.insert(key, body);
            etag.into_response()
        }
        ("DELETE", None, None) => {
            objects.remove(&key);
            StatusCode::NO_CONTENT.into_response()
        }
        ("DELETE", Some(upload), None) => {
            bucket.uploads.lock().unwrap().open.remove(upload);
            bucket.seen.send_modify(|seen| seen.1 += 1);
            StatusCode::NO_CONTENT.into_response()
        }
        ("POST", None, None) => {
            let mut uploads = bucket.uploads.lock().unwrap();
            uploads.begun += 1;
            let upload = uploads.begun.to_string();
            let answer = format!("<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>");
            uploads.open.insert(upload, BTreeMap::new());
            answer.into_response()
        }
        // A part may still be on its way when its upload is given up: a bucket does not know that upload any more.
        ("PUT", Some(upload), Some(part)) => match bucket.uploads.lock().unwrap().open.get_mut(upload) {
            Some(parts) => {
                parts.insert(part.parse().unwrap(), body);
                etag.into_response()
            }
            None => StatusCode::NOT_FOUND.into_response(),
        },
        ("POST", Some(upload), None) => {
            let parts = bucket.uploads.lock().unwrap().open.remove(upload).unwrap();
            objects.insert(key, parts.into_values().flatten().collect());
            "<CompleteMultipartUploadResult><ETag>1</ETag></CompleteMultipartUploadResult>".into_response()
        }
        other => panic!("{other:?}"),
    }
}

async fn list(State(bucket): State<Bucket>, Query(query): Query<Words>) -> Result<String, StatusCode> {
    if let Some(refusal) = *bucket.refusal.lock().unwrap() {
        return Err(refusal);
    }
    let (prefix, after) = (&query["prefix"], query.get("start-after").cloned().unwrap_or_default());
    let objects = bucket.objects.lock().unwrap();
    let found = objects.iter().filter(|(key, _)| key.starts_with(prefix) && **key > after);
    let contents = found.fold(String::new(), |mut all, (key, bytes)| {
        let (time, size) = ("2020-01-01T00:00:00.000Z", bytes.len());
        let _ = write!(all, "<Contents><Key>{key}</Key><LastModified>{time}</LastModified><Size>{size}</Size><ETag>1</ETag></Contents>");
        all
    });
    Ok(format!("<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"))
}

async fn start() -> (Bucket, String) {
    let bucket = Bucket::default();
    let routes = Router::new().route("/files", any(list)).route("/files/{*key}", any(object)).with_state(bucket.clone());
    let routes = routes.layer(axum::extract::DefaultBodyLimit::disable());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    (bucket, endpoint)
}

fn open(endpoint: String, folder: &std::path::Path) -> BucketFiles {
    open_believing(endpoint, &Trust::default(), folder)
}

fn open_believing(endpoint: String, trust: &Trust, folder: &std::path::Path) -> BucketFiles {
    let settings = Settings {
        endpoint,
        bucket: "files".to_owned(),
        region: "auto".to_owned(),
        access_key: "me".to_owned(),
        secret_key: "secret".to_owned(),
    };
    assert!(!format!("{settings:?}").contains("secret"));
    BucketFiles::open(&settings, trust, LocalFiles::open(folder.join("media"), 0).unwrap()).unwrap()
}

async fn written(files: &BucketFiles, size: usize) -> Box<dyn Writing> {
    let mut writing = files.begin().await.unwrap();
    writing.write(Bytes::from(vec![7; size])).await.unwrap();
    writing
}

fn id(n: u128) -> MediaId {
    MediaId::from_uuid(Uuid::from_u128(n))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_a_bucket_is_there_when_it_is_finished_in_one_part_or_in_many() {
    let folder = tempfile::tempdir().unwrap();
    let (bucket, endpoint) = start().await;
    let files = open(endpoint, folder.path());
    for (number, size) in [(1, 1000), (2, 20 * 1024 * 1024)] {
        let bytes: Vec<u8> = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let mut writing = files.begin().await.unwrap();
        for chunk in bytes.chunks(100_000) {
            writing.write(Bytes::copy_from_slice(chunk)).await.unwrap();
        }
        assert!(files.open(&id(number)).await.unwrap().is_none());
        writing.finish(&id(number)).await.unwrap();
        let local = files.open(&id(number)).await.unwrap().unwrap();
        assert_eq!((local.size, std::fs::read(&local.path).unwrap() == bytes), (size, true));
        let path = local.path.clone();
        drop(local);
        assert!(!path.exists(), "a reader's copy goes with its reader");
    }
    assert_eq!(files.list(None, 10).await.unwrap(), [id(1), id(2)]);
    assert_eq!(files.list(Some(&id(1)), 10).await.unwrap(), [id(2)]);
    files.remove(&id(1)).await.unwrap();
    files.remove(&id(1)).await.unwrap();
    assert!(files.open(&id(1)).await.unwrap().is_none());
    assert_eq!(bucket.objects.lock().unwrap().len(), 1);
    drop(files.begin().await.unwrap());
    assert_eq!(std::fs::read_dir(folder.path().join("media/incoming")).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_file_in_a_bucket_only_the_wanted_part_is_moved() {
    let folder = tempfile::tempdir().unwrap();
    let (bucket, endpoint) = start().await;
    let files = open(endpoint, folder.path());
    written(&files, 1000).await.finish(&id(1)).await.unwrap();
    let read =
        async |part| files.read(&id(1), part).await.unwrap().unwrap().try_fold(0, async |sum, bytes| Ok(sum + bytes.len())).await.unwrap();
    assert_eq!((read(Some(10..30)).await, *bucket.given.lock().unwrap()), (20, 20));
    assert_eq!((read(None).await, *bucket.given.lock().unwrap()), (1000, 1020));
    assert!(files.read(&id(2), Some(0..1)).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_keeps_no_parts_of_what_was_refused_or_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let (bucket, endpoint) = start().await;
    let files = open(endpoint, folder.path());
    let mut seen = bucket.seen.subscribe();
    *bucket.later_parts.lock().unwrap() = Later::Refused;
    written(&files, 20 * 1024 * 1024).await.finish(&id(1)).await.unwrap_err();
    assert_eq!(bucket.seen.borrow().1, 1);
    *bucket.later_parts.lock().unwrap() = Later::Silence;
    let writing = written(&files, 20 * 1024 * 1024).await;
    let leaving = tokio::spawn(async move { writing.finish(&id(2)).await });
    // Parts of the first one may still come: it has begun when one of its own is there.
    let own = id(2).to_string();
    seen.wait_for(|(came, _)| came.iter().any(|key| key.ends_with(&own))).await.unwrap();
    leaving.abort();
    seen.wait_for(|(_, given_up)| *given_up == 2).await.unwrap();
    assert!(bucket.uploads.lock().unwrap().open.is_empty() && bucket.objects.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_behind_a_root_of_the_operators_is_believed_by_who_was_told_of_it_and_by_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::of(&["127.0.0.1"]);
    let there =
        "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nETag: \"1\"\r\nLast-Modified: Wed, 01 Jan 2020 00:00:00 GMT\r\nConnection: close\r\n\r\n";
    let web = Web::secure("127.0.0.1:0", &certificates, |_| there.as_bytes().to_vec()).await;
    let files = open_believing(web.url(""), &certificates.trust(), folder.path());
    assert_eq!(files.size(&id(1)).await.unwrap(), Some(7));

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let files = open(format!("https://{}", listener.local_addr().unwrap()), folder.path());
    let knocked = async { certificates.acceptor().accept(listener.accept().await.unwrap().0).await.is_ok() };
    let wanted = id(1);
    let believed = tokio::select! {
        asked = files.size(&wanted) => panic!("it gave up before it knocked: {asked:?}"),
        believed = knocked => believed,
    };
    assert!(!believed, "a root that nobody named is believed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_takes_files_as_long_as_it_is_there_and_lets_us_in() {
    let folder = tempfile::tempdir().unwrap();
    let (bucket, endpoint) = start().await;
    let files = open(endpoint, folder.path());
    for marked in [false, true] {
        files.ready().await.unwrap();
        // Wrong keys, and no bucket of that name.
        for refusal in [StatusCode::FORBIDDEN, StatusCode::NOT_FOUND] {
            *bucket.refusal.lock().unwrap() = Some(refusal);
            assert!(files.ready().await.is_err(), "marked {marked}: {refusal}");
            *bucket.refusal.lock().unwrap() = None;
            files.ready().await.unwrap();
        }
        files.mark("one").await.unwrap();
    }
    let unfinished = folder.path().join("media/incoming");
    std::fs::rename(folder.path().join("media"), folder.path().join("away")).unwrap();
    assert!(files.ready().await.is_err(), "nothing can be written to {}", unfinished.display());
}
