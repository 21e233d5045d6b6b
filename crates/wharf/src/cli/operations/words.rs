//! The help of a flag: what the schema says of it, then its limits and units.

use serde_json::Value;

use super::sort::Sort;

pub(super) fn of(wire: &str, schema: &Value, about: Option<&str>, sort: &Sort) -> String {
    let mut words = Vec::new();
    let said = about.or(schema["description"].as_str()).unwrap_or_default().trim();
    words.push(if said.is_empty() { format!("`{wire}`.") } else { said.to_owned() });
    match sort {
        Sort::Base64 => words.push("Base64, or @FILE for the bytes of a file.".to_owned()),
        Sort::Json => words.push("JSON, or @FILE for a file with it.".to_owned()),
        Sort::Many(_) => words.push("May be given several times.".to_owned()),
        Sort::Text | Sort::Whole | Sort::Number | Sort::Boolean | Sort::Word(_) => {}
    }
    words.extend(limits(schema));
    words.join(" ")
}

fn limits(schema: &Value) -> Vec<String> {
    let schema = schema["anyOf"].as_array().and_then(|parts| parts.first()).unwrap_or(schema);
    let number = |name: &str| schema[name].as_i64();
    let mut words = Vec::new();
    if schema["format"] == "date-time" {
        words.push("A time such as 2030-01-01T00:00:00Z.".to_owned());
    }
    for (least, most, unit) in [("minLength", "maxLength", " characters"), ("minimum", "maximum", ""), ("minItems", "maxItems", " of them")]
    {
        match (number(least), number(most)) {
            (Some(0) | None, Some(most)) if !unit.is_empty() => words.push(format!("At most {most}{unit}.")),
            (Some(least), Some(most)) => words.push(format!("{least} to {most}{unit}.")),
            (None, Some(most)) => words.push(format!("At most {most}.")),
            _ => {}
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_help_is_never_empty_and_tells_the_limits() {
        let text = json!({"type": "string", "minLength": 1, "maxLength": 9});
        assert_eq!(of("name", &text, None, &Sort::Text), "`name`. 1 to 9 characters.");
        assert_eq!(of("name", &text, Some("What people call it."), &Sort::Text), "What people call it. 1 to 9 characters.");
        let words = json!({"type": "array", "maxItems": 3, "description": "Some."});
        assert_eq!(of("all", &words, None, &Sort::Many(Box::new(Sort::Text))), "Some. May be given several times. At most 3 of them.");
    }
}
