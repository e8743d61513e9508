//! Committed files that must be what the code writes.
//!
//! Invariant: a difference fails; with `FULCRUM_SCHEMA_WRITE=1` the file is written anew instead, so that a review sees
//! both.

use std::path::{Path, PathBuf};

/// A file of this crate.
pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

pub(crate) fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_default()
}

/// Compares a whole file.
pub(crate) fn check(name: &str, written: &str) {
    let committed = read(name);
    if committed == written {
        return;
    }
    if std::env::var("FULCRUM_SCHEMA_WRITE").is_ok_and(|value| value == "1") {
        std::fs::write(path(name), written).expect("the repository can be written");
        return;
    }
    let mut lines =
        (1..).zip(committed.lines().map(Some).chain(std::iter::repeat(None)).zip(written.lines()));
    let differs = lines.find(|(_, (committed, written))| *committed != Some(*written));
    panic!(
        "gateway/{name} is not what the code writes, first at line {differs:?}; if it should be, \
         FULCRUM_SCHEMA_WRITE=1 cargo test -p gateway --test wire"
    );
}

/// Compares what stands between two marker lines of a file.
pub(crate) fn check_part(name: &str, marker: &str, written: &str) {
    let (begin, end) = (format!("<!-- {marker}: begin -->\n"), format!("<!-- {marker}: end -->\n"));
    let committed = read(name);
    let (before, rest) = committed.split_once(&begin).expect("the file has the marker");
    let (_, after) = rest.split_once(&end).expect("the part has an end");
    check(name, &format!("{before}{begin}{written}{end}{after}"));
}
