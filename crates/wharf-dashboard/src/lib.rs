//! The built pages of the dashboard, inside the program. Knows files and what a browser may do with them; refuses to know HTTP, which is
//! the room of `wharf`. The sources are in `dashboard/`, `scripts/dashboard-build` writes `dist/`.

#![warn(unreachable_pub)]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use include_dir::{Dir, include_dir};

static DIST: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/dist");

/// What a browser may do with the pages: fetch from this server and nowhere else, and run nothing that stands in a page itself.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; \
                          connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Where the page says in which world its server is.
const WORLD: &str = r#"name="wharf-world" content="unknown""#;
/// Where it says which page it is.
const PAGE: &str = r#"name="wharf-page" content="dashboard""#;

/// A file as a browser gets it.
pub struct File {
    pub content_type: &'static str,
    pub plain: Vec<u8>,
    pub gzip: Vec<u8>,
    /// Its name changes with its content, so that a browser need never ask again.
    pub is_hashed: bool,
}

static FILES: LazyLock<BTreeMap<String, File>> = LazyLock::new(|| {
    let mut files = BTreeMap::new();
    collect(&DIST, &mut files);
    files
});

/// The file of this path below the dashboard's address, without a slash at the front.
pub fn file(path: &str) -> Option<&'static File> {
    FILES.get(path)
}

/// The one page, for a server of this world (`production` or `sandbox`).
pub fn index(world: &str) -> Option<String> {
    let page = DIST.get_file("index.html")?.contents_utf8()?;
    Some(page.replace(WORLD, &format!(r#"name="wharf-world" content="{world}""#)))
}

/// The one page as the reference that is open to everybody. Its address is the folder above the dashboard's.
pub fn reference(world: &str) -> Option<String> {
    let page = index(world)?;
    Some(page.replace(PAGE, r#"name="wharf-page" content="docs""#).replace("\"./assets/", "\"./dashboard/assets/"))
}

fn collect(dir: &Dir<'static>, files: &mut BTreeMap<String, File>) {
    for file in dir.files() {
        let path = file.path().to_string_lossy().replace('\\', "/");
        let plain = file.contents().to_vec();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let written = encoder.write_all(&plain).and_then(|()| encoder.finish());
        let gzip = written.expect("memory takes what is written to it");
        files.insert(path.clone(), File { content_type: content_type(&path), plain, gzip, is_hashed: path.starts_with("assets/") });
    }
    for inner in dir.dirs() {
        collect(inner, files);
    }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, end)| end) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_told_its_world() {
        let page = index("sandbox").unwrap();
        assert!(page.contains(r#"content="sandbox""#) && !page.contains("unknown"), "{page}");
    }

    #[test]
    fn every_file_that_the_page_names_is_there_by_a_relative_address() {
        let page = index("production").unwrap();
        let named: Vec<_> = page.split('"').filter_map(|word| word.strip_prefix("./")).collect();
        assert!(named.len() >= 3, "a script, a style and an icon: {named:?}");
        for path in named {
            assert!(file(path).is_some_and(|file| file.is_hashed), "{path}");
        }
        assert!(!page.contains(r#"src="/"#) && !page.contains(r#"href="/"#), "it works under any prefix: {page}");
    }

    #[test]
    fn the_reference_is_the_same_files_from_one_folder_above() {
        let page = reference("sandbox").unwrap();
        assert!(page.contains(r#"name="wharf-page" content="docs""#) && page.contains(r#"content="sandbox""#), "{page}");
        let named: Vec<_> = page.split('"').filter_map(|word| word.strip_prefix("./")).collect();
        assert!(named.len() >= 3, "a script, a style and an icon: {named:?}");
        for path in named {
            assert!(path.strip_prefix("dashboard/").is_some_and(|path| file(path).is_some()), "{path}");
        }
    }

    #[test]
    fn nothing_in_the_page_needs_more_than_its_policy_gives() {
        let page = index("production").unwrap();
        assert!(!page.contains("style=") && !page.contains("<style") && !page.contains("onload="), "{page}");
        assert_eq!(page.matches("<script").count(), page.matches("<script type=\"module\" crossorigin src=").count(), "{page}");
    }
}
