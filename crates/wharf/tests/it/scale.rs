//! The page on large fleets shows what its model says.

use std::path::Path;
use std::process::Command;

#[test]
fn the_page_on_large_fleets_has_the_tables_of_its_model() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let model = Command::new("python3").arg(root.join("scripts/scale")).output().unwrap();
    assert!(model.status.success(), "{}", String::from_utf8_lossy(&model.stderr));
    let page = std::fs::read_to_string(root.join("docs/scale.md")).unwrap();
    let told = String::from_utf8(model.stdout).unwrap();
    let tables: Vec<&str> = told.trim().split("\n\n").collect();
    assert_eq!(tables.len(), 2, "{told}");
    for table in tables {
        assert!(page.contains(table), "docs/scale.md does not have this; put it there:\n{table}");
    }
}
