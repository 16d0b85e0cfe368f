use proptest::prelude::*;
use serde_json::json;

use super::*;

fn spots(list: &[Spot]) -> Vec<(&str, usize)> {
    list.iter().map(|spot| (spot.pointer.as_str(), spot.offset)).collect()
}

#[test]
fn a_fault_has_a_message_and_the_offset_of_the_byte_that_could_not_be_read() {
    for (bytes, message, offset) in [
        (&b""[..], "no bytes", 0),
        (b"  ", "EOF while parsing a value", 2),
        (b"<html>", "expected value", 0),
        (b"{\"a\":\n x}", "expected value", 7),
        (b"{\"a\": 1} {", "trailing characters", 9),
        (b"\n\n[1,\n2,]", "trailing comma", 8),
        (b"{\"a\": NaN}", "expected value", 6),
        (b"{\"a\": 1", "EOF while parsing an object", 7),
        (b"data: {}", "expected value", 0),
        (b"\xef\xbb\xbf{}", "a byte-order mark before the document", 0),
    ] {
        let fault = parse(bytes).unwrap_err();

        assert_eq!((fault.message.as_str(), fault.offset), (message, offset), "{fault}");
    }
}

#[test]
fn a_document_is_read_whole() {
    assert_eq!(parse(b" {\"a\": [1, 2.5, null]}\n").unwrap(), json!({"a": [1, 2.5, null]}));
}

#[test]
fn duplicate_keys_are_found_at_any_depth_however_they_are_spelled() {
    let found =
        facts(br#"{"a": [{"b": 1, "\u0062": 2}], "c": {"b": 3}, "a": 4, "a/~": 1, "a/~": 2}"#);

    assert_eq!(spots(&found.duplicate_keys), [("/a/0/b", 16), ("/a", 46), ("/a~1~0", 64)]);
    assert_eq!(found.stopped, None);
}

#[test]
fn words_that_are_not_json_numbers_are_found_and_passed() {
    let found = facts(b"{\"a\": NaN, \"b\": [1, -Infinity, Infinity], \"a\": 1}");

    assert_eq!(spots(&found.non_finite), [("/a", 6), ("/b/1", 20), ("/b/2", 31)]);
    assert_eq!(found.non_finite[1].text, "-Infinity");
    assert_eq!(spots(&found.duplicate_keys), [("/a", 42)]);
}

#[test]
fn half_a_surrogate_pair_is_found_and_a_whole_one_is_not() {
    let found = facts(
        br#"["\ud83c\udf0d", "\ud83c", "\udf0d", "\ud83cx", "\ud83c\n", "\ud83c\ud83c\udf0d", "\\ud83c", {"\uDF0D": "\u00e9"}]"#,
    );

    let pointers: Vec<_> = found.lone_surrogates.iter().map(|s| s.pointer.as_str()).collect();
    assert_eq!(pointers, ["/1", "/2", "/3", "/4", "/5", "/7/\\uDF0D"]);
    assert_eq!(found.stopped, None);
}

#[test]
fn what_follows_or_precedes_the_document_is_found() {
    assert_eq!(facts(b"{} \n").trailing, None);
    assert_eq!(facts(b"{} \n{}").trailing, Some(4));
    assert!(facts(b"\xef\xbb\xbf{}").byte_order_mark);
    assert_eq!(facts(b"\xef\xbb\xbf{}").stopped, None);
}

#[test]
fn the_structure_is_followed_up_to_its_first_fault() {
    for (bytes, stopped) in [
        (&b"{\"a\" 1}"[..], 5),
        (b"[1 2]", 3),
        (b"[1, 01]", 4),
        (b"[1}", 2),
        (b"[\"a", 1),
        (b"", 0),
        (b"{\"a\":", 5),
        (b"{a: 1}", 1),
        (b"nul", 0),
    ] {
        assert_eq!(facts(bytes).stopped, Some(stopped), "{}", crate::text::printable(bytes));
    }
}

#[test]
fn deep_nesting_neither_overflows_the_stack_nor_fills_the_memory() {
    let deep = |levels: usize| [vec![b'['; levels], vec![b']'; levels]].concat();

    let found = facts(&deep(10_000));
    assert_eq!((found.depth, found.stopped), (10_000, None));
    assert_eq!(facts(&deep(1_000_000)).stopped, Some(DEPTH_MAX));
    assert_eq!(parse(&deep(10_000)).unwrap_err().message, "recursion limit exceeded");
    assert_eq!(span_of(&deep(10_000), "/0/0"), Some(2..19_998));
    assert_eq!(facts(&b"{\"a\":".repeat(10_000)).stopped, Some(50_000));
}

#[test]
fn a_pointer_names_its_bytes() {
    let body = br#" {"a": {"b/c": [1, "x]\"", {"d": 1e3}]}, "\u0065": true, "n": -0.10, "~1": 2, "/": 3 } "#;
    for (pointer, text) in [
        ("/a/b~1c/0", Some("1")),
        ("/a/b~1c/1", Some(r#""x]\"""#)),
        ("/a/b~1c/2", Some(r#"{"d": 1e3}"#)),
        ("/a/b~1c/2/d", Some("1e3")),
        ("/e", Some("true")),
        ("/n", Some("-0.10")),
        ("/~01", Some("2")),
        ("/a/b~1c/3", None),
        ("/a/b~1c/00", None),
        ("/a/x", None),
        ("/n/x", None),
        ("a", None),
    ] {
        assert_eq!(literal(body, pointer), text, "{pointer}");
    }
    assert_eq!(span_of(body, ""), Some(1..body.len() - 1));
}

#[test]
fn of_two_equal_keys_the_last_has_the_span_as_it_has_the_value() {
    let body = br#"{"a": {"b": 1}, "a": {"c": 2}}"#;

    assert_eq!(parse(body).unwrap().pointer("/a/b"), None);
    assert_eq!(literal(body, "/a/b"), None);
    assert_eq!(literal(body, "/a/c"), Some("2"));
}

/// Any JSON value, and its text with or without white space.
fn documents() -> impl Strategy<Value = (Value, Vec<u8>)> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z\"\\\\/~\u{7f}-\u{10ffff}\n]{0,6}".prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(("[a-c/~\"\\\\é0]{0,3}", inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    (value, any::<bool>()).prop_map(|(value, pretty)| {
        let text =
            if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) };
        (value, text.unwrap())
    })
}

/// Every pointer into a value, with what it names.
fn pointers<'a>(value: &'a Value, at: &str, into: &mut Vec<(String, &'a Value)>) {
    into.push((at.to_owned(), value));
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, &format!("{at}/{index}"), into);
            }
        }
        Value::Object(members) => {
            for (key, member) in members {
                let key = key.replace('~', "~0").replace('/', "~1");
                pointers(member, &format!("{at}/{key}"), into);
            }
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn every_pointer_into_a_document_finds_the_bytes_of_its_value((value, text) in documents()) {
        let mut all = Vec::new();
        pointers(&value, "", &mut all);

        for (pointer, value) in all {
            let span = span_of(&text, &pointer).expect(&pointer);
            prop_assert_eq!(&parse(&text[span]).unwrap(), value, "{}", pointer);
        }
        prop_assert_eq!(facts(&text).stopped, None);
        prop_assert_eq!(facts(&text).duplicate_keys, []);
    }

    #[test]
    fn what_serde_json_accepts_the_facts_follow_to_the_end(
        bytes in prop::collection::vec(
            prop::sample::select(br#"{}[]",:0123.-+eE\utrfalsn "#.to_vec()), 0..24,
        ),
    ) {
        let found = facts(&bytes);

        if parse(&bytes).is_ok() {
            prop_assert_eq!((found.stopped, found.trailing), (None, None));
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200), pointer in "[/a0~1]{0,8}",
    ) {
        let found = facts(&bytes);
        let _ = span_of(&bytes, &pointer);

        prop_assert!(parse(&bytes).err().is_none_or(|fault| fault.offset <= bytes.len()));
        prop_assert!(found.stopped.is_none_or(|at| at <= bytes.len()));
    }
}
