//! Limits of a request's text, looked at before it is parsed.

/// The longest text of a document, in bytes. What is large belongs in variables.
const LONGEST: usize = 32 * 1024;

/// The deepest nesting of brackets: the parser and all after it call themselves for each.
const DEEPEST: usize = 64;

pub(super) fn check(text: &str) -> Result<(), String> {
    if text.len() > LONGEST {
        return Err(format!("the query is longer than {LONGEST} bytes"));
    }
    if nesting(text) > DEEPEST {
        return Err(format!(
            "the query is nested deeper than {DEEPEST} brackets"
        ));
    }
    Ok(())
}

/// How deep brackets stand in each other, those of strings and comments aside.
fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut rest = text;
    while let Some(index) = rest.find(['"', '#', '{', '[', '(', '}', ']', ')']) {
        let found = &rest[index..];
        rest = match found.as_bytes()[0] {
            b'"' => after_string(found),
            b'#' => found.find(['\n', '\r']).map_or("", |end| &found[end..]),
            b'{' | b'[' | b'(' => {
                depth += 1;
                deepest = deepest.max(depth);
                &found[1..]
            }
            _ => {
                depth = depth.saturating_sub(1);
                &found[1..]
            }
        };
    }
    deepest
}

/// What follows the string that `text` begins with; nothing where it does not end.
fn after_string(text: &str) -> &str {
    if let Some(block) = text.strip_prefix("\"\"\"") {
        // A quoted `\"""` ends nothing.
        let mut rest = block;
        while let Some(end) = rest.find("\"\"\"") {
            let quoted = rest[..end].ends_with('\\');
            rest = &rest[end + 3..];
            if !quoted {
                return rest;
            }
        }
        return "";
    }
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            // A string does not go on in the next line; the parser will say so.
            b'"' | b'\n' if !escaped => return &text[index + 1..],
            _ => escaped = byte == b'\\' && !escaped,
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_count_where_they_nest() {
        assert_eq!(nesting("{ a(b: [1, 2]) { c } d { e } }"), 3);
        assert_eq!(nesting("{ a } }}} { b { c } }"), 2);
        assert_eq!(nesting(&"[".repeat(9)), 9);
    }

    #[test]
    fn brackets_of_strings_and_comments_do_not_count() {
        for text in [
            r#"{ a(b: "[[[ \" [[[") }"#,
            "{ a(b: \"\"\"[[[ \" \\\"\"\" [[[\"\"\") }",
            "{ # [[[\n a(b: 1) }",
        ] {
            assert_eq!(nesting(text), 2, "{text}");
        }
        assert_eq!(nesting("{ a(b: \"\") { c(d: [\"x\"]) } }"), 4);
    }

    #[test]
    fn a_string_without_an_end_hides_nothing_of_the_next_line() {
        assert_eq!(nesting("{ a(b: \"x\n[[["), 5);
        assert_eq!(nesting("\"\"\" [[["), 0);
    }
}
