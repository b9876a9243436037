//! PCRE patterns against texts.

use super::Pattern;

fn found(source: &str, options: &str, text: &str) -> bool {
    let pattern = Pattern::new(source, options).unwrap_or_else(|e| panic!("{source}: {e:?}"));
    pattern.is_match(text).unwrap()
}

#[test]
fn patterns_mean_what_pcre_means() {
    for (source, options, text, expected) in [
        ("abc", "", "xabcx", true),
        ("ABC", "i", "xabcx", true),
        ("straße", "i", "STRAßE", true),
        ("^b", "", "a\nb", false),
        ("^b", "m", "a\nb", true),
        ("a$", "", "a\n", true),
        ("a$", "", "a\nb", false),
        ("a$", "m", "a\nb", true),
        (r"a\z", "", "a\n", false),
        (r"a\Z", "", "a\n", true),
        ("a.b", "", "a\nb", false),
        ("a.b", "s", "a\nb", true),
        ("a b # c\n c", "x", "abc", true),
        ("[a b]{3}", "x", "a b", true),
        (r"^\w+$", "", "äb", false),
        (r"(*UCP)^\w+$", "", "äb", true),
        (r"\bfoo\b", "", "a foo b", true),
        (r"\Bo", "", "foo", true),
        (r"\d{2,}", "", "x12", true),
        (r"^\d$", "", "٣", false),
        (r"^[\w.-]+@[\w-]+\.\w+$", "", "a.b@c-d.org", true),
        (r"a{,2}", "", "a{,2}", true),
        (r"{x}", "", "{x}", true),
        (r"[[]", "", "[", true),
        (r"[]a]+$", "", "]a]", true),
        (r"[a&&b]", "", "&", true),
        (r"[a-]", "", "-", true),
        (r"[\]-]", "", "]", true),
        (r"[[:digit:]x]", "", "7", true),
        (r"\Qa.b\E+", "", "a.bb", true),
        (r"\Qa.b\E", "", "axb", false),
        (r"\x41\x{42}\103", "", "ABC", true),
        (r"a\/b\-c\_d", "", "a/b-c_d", true),
        (r"\p{Lu}\P{Lu}", "", "Ab", true),
        ("(?i)abc", "", "ABC", true),
        ("(?i:a)b", "", "Ab", true),
        ("(?i:a)b", "", "AB", false),
        ("(?m)^b", "", "a\nb", true),
        ("(?#note)a", "", "a", true),
        ("(?<year>\\d+)", "", "1999", true),
        (r"\R", "", "\r\n", true),
        (r"^\N+$", "", "a\nb", false),
    ] {
        assert_eq!(found(source, options, text), expected, "/{source}/{options} on {text:?}");
    }
}

#[test]
fn what_needs_backtracking_gets_it() {
    for (source, text, expected) in [
        (r"^(?=.*\d)(?=.*[a-z]).{4,}$", "abc1", true),
        (r"^(?=.*\d)(?=.*[a-z]).{4,}$", "abcd", false),
        (r"(\w)\1", "hello", true),
        (r"(\w)\1", "helo", false),
        (r"(?<!a)b", "ab", false),
        (r"(?<!a)b", "cb", true),
        (r"^(?!x).*\bfoo\b", "a foo", true),
        (r"a++a", "aaa", false),
        (r"(?>a+)b", "aab", true),
        (r"(?<c>.)\k<c>", "xx", true),
        (r"(?P<c>.)(?P=c)", "xy", false),
    ] {
        assert_eq!(found(source, "", text), expected, "/{source}/ on {text:?}");
    }
}

#[test]
fn backtracking_ends() {
    let pattern = Pattern::new(r"^(a|a|aa)+(?!x)\1$", "").unwrap();
    let error = pattern.is_match(&("a".repeat(60) + "b")).unwrap_err();
    assert_eq!(error.code().number(), 51156);
}

#[test]
fn broken_patterns_are_refused() {
    for source in ["(", ")", "[", "a**b(", "*a", r"\", "[z-a]", "(?<n", r"\y", "(?R)", "(*FAIL)"] {
        let error = Pattern::new(source, "").err().unwrap_or_else(|| panic!("{source} compiles"));
        assert_eq!(error.code().number(), 51091, "{source}");
    }
}

#[test]
fn hostile_patterns_are_refused_or_cheap() {
    let nested = |open: &str| open.repeat(8000) + "a" + &")".repeat(8000);
    for source in [
        nested("("),
        nested("(?:"),
        nested("(?="),
        nested("(?i:"),
        "[".repeat(30_000),
        "(?=a)a{1000}{1000}{1000}".to_owned(),
        "(?=(a{1000}){1000})b".to_owned(),
        r"\w{1000}{1000}{1000}".to_owned(),
        "(a|b?)*+".repeat(2000),
        r"\Q".repeat(10_000),
    ] {
        if let Ok(pattern) = Pattern::new(&source, "") {
            let _ = pattern.is_match(&"a".repeat(1000));
        }
    }
}

#[test]
fn the_literal_prefix_of_an_anchored_pattern_is_known() {
    for (source, options, expected) in [
        ("^abc", "", Some("abc")),
        (r"\Aabc", "", Some("abc")),
        ("^abc.*", "", Some("abc")),
        ("^abc*", "", Some("ab")),
        ("^abc?d", "", Some("ab")),
        ("^abc{2}", "", Some("ab")),
        ("^abc+", "", Some("abc")),
        (r"^a\.b", "", Some("a.b")),
        (r"^a\db", "", Some("a")),
        ("^a|b", "", None),
        ("abc", "", None),
        ("^abc", "i", None),
        ("^abc", "m", None),
        ("^.", "", None),
    ] {
        let prefix = Pattern::new(source, options).unwrap().literal_prefix();
        assert_eq!(prefix.as_deref(), expected, "/{source}/{options}");
    }
}
