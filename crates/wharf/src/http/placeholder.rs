//! Values that stand where a tool or a template was to put one: `<string>`, `{{key}}`, `${KEY}`, `undefined`.

/// What languages and tools write where nothing was put in.
const WORDS: &[&str] = &["string", "undefined", "null", "none", "nil", "nan", "[object object]"];

/// Whether nobody can have meant the value itself.
pub(super) fn is(text: &str) -> bool {
    let within = |open: &str, close: &str| text.find(open).is_some_and(|at| text[at..].contains(close));
    WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
        || (text.starts_with('<') && text.ends_with('>'))
        // Most have no brace at all.
        || text.as_bytes().contains(&b'{') && (within("{{", "}}") || within("${", "}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_known_and_other_odd_words_are_not() {
        for text in
            ["<string>", "<YOUR KEY>", "{{$guid}}", "a-{{ id }}", "${KEY}", "${{ secrets.KEY }}", "String", "None", "[object Object]"]
        {
            assert!(is(text), "{text}");
        }
        for text in ["", "strings", "a<b>", "<a", "{a}", "}}{{", "$KEY", "$ {", "nonesuch", "0"] {
            assert!(!is(text), "{text}");
        }
    }
}
