//! The catalogue of codes, as Python has it.

use std::fmt::Write as _;

use wharf_api::error::{Group, Row};

use super::NOTE;
use super::words::pascal;

/// `_codes.py`: a closed set for each group, and a row for each code.
pub fn file(rows: &[Row]) -> String {
    let mut file = format!(
        "{NOTE}\"\"\"The catalogue of codes: what happened, what to do, and whether the same request can succeed later.\"\"\"\n\n\
         from __future__ import annotations\n\nfrom typing import Literal, NamedTuple, Union\n"
    );
    let mut groups: Vec<Group> = Vec::new();
    for row in rows {
        if !groups.contains(&row.group) {
            groups.push(row.group);
        }
    }
    for group in &groups {
        let codes = rows.iter().filter(|row| row.group == *group);
        let _ = write!(file, "\n{}Code = Literal[\n", pascal(group.as_str()));
        for row in codes {
            let _ = writeln!(file, "    \"{}\",", row.name);
        }
        file.push_str("]\n");
    }
    let names: Vec<_> = groups.iter().map(|group| format!("{}Code", pascal(group.as_str()))).collect();
    let _ = write!(
        file,
        "\nErrorCode = Union[{}]\n\n\nclass Row(NamedTuple):\n    \"\"\"A code of the catalogue.\"\"\"\n\n    \
         http_status: int\n    group: str\n    retry: Literal[\"no\", \"soon\", \"after\", \"next_day\", \"once_connected\"]\n    \
         description: str\n    fix: str\n\n\nCODES: dict[str, Row] = {{\n",
        names.join(", ")
    );
    for row in rows {
        let _ = writeln!(
            file,
            "    \"{}\": Row({}, \"{}\", \"{}\",\n        {:?},\n        {:?}),",
            row.name,
            row.status,
            row.group.as_str(),
            row.retry.as_str(),
            row.description,
            row.fix
        );
    }
    file.push_str("}\n");
    file
}
