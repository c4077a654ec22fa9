use super::*;

fn nested(depth: usize) -> String {
    format!("{}1{}", "[".repeat(depth), "]".repeat(depth))
}

#[test]
fn depth_is_bounded_and_counted_outside_of_strings_only() {
    for depth in [0, 1, 2, MOST_DEPTH - 1, MOST_DEPTH] {
        assert_eq!(check(nested(depth).as_bytes()), Ok(()), "{depth}");
    }
    for depth in [MOST_DEPTH + 1, 127, 128, 100_000] {
        assert_eq!(check(nested(depth).as_bytes()), Err(Odd::TooDeep), "{depth}");
        assert_eq!(check("[".repeat(depth).as_bytes()), Err(Odd::TooDeep), "{depth}");
        let objects = r#"{"a":"#.repeat(depth);
        assert_eq!(check(objects.as_bytes()), Err(Odd::TooDeep), "{depth}");
    }
    // many, but next to one another
    let flat = format!("[{}1]", "[1],".repeat(10_000));
    assert_eq!(check(flat.as_bytes()), Ok(()));
    let text = format!(r#"{{"a":"{}","\"{}":1}}"#, "[{".repeat(200), "[{".repeat(200));
    assert_eq!(check(text.as_bytes()), Ok(()));
    // the quote that ends the string is the one that no backslash stands before
    for (string, inside) in [(r#"\\"#, false), (r#"\\\""#, true), (r#"\""#, true), (r"\\\\", false)]
    {
        let text = format!(r#"["{string}",{}]"#, nested(MOST_DEPTH));
        let tail = if inside { "\"]" } else { "" };
        let expected = if inside { Ok(()) } else { Err(Odd::TooDeep) };
        let text = if inside { format!(r#"["{string}{}{tail}"#, "[".repeat(200)) } else { text };
        assert_eq!(check(text.as_bytes()), expected, "{text}");
    }
}

#[test]
fn names_with_a_private_meaning_are_refused_at_any_depth_however_escaped() {
    let names = [
        "$serde_json::private::RawValue",
        "$serde_json::private::Number",
        "$serde_json::private::",
        "$serde_json::private::x",
        r"\u0024serde_json::private::RawValue",
        r"$serde_json\u003a\u003Aprivate::RawValue",
        r"\u0024\u0073\u0065\u0072\u0064\u0065\u005f\u006a\u0073\u006f\u006E::private::",
        r#"$serde_json::private::\"x"#,
        r"$serde_json::private::\u12",
    ];
    for name in names {
        for json in [
            format!(r#"{{"{name}":1}}"#),
            format!("{{ \"a\" : [ {{ \"b\" : 2 , \"{name}\"\r\n\t :1}}]}}"),
            format!(r#"{{"a":"\\","{name}":"#),
        ] {
            assert_eq!(check(json.as_bytes()), Err(Odd::ReservedName), "{json}");
        }
    }
}

#[test]
fn other_names_and_all_values_are_nobodys_business() {
    for json in [
        r#"{"a":"$serde_json::private::RawValue"}"#,
        r#"["$serde_json::private::RawValue"]"#,
        r#"{"$serde_json::privat":1}"#,
        r#"{"$serde_json::private:":1}"#,
        r#"{" $serde_json::private::RawValue":1}"#,
        r#"{"$SERDE_JSON::private::RawValue":1}"#,
        r#"{"$schema":"x","$ref":{"$id":"\u0024"}}"#,
        r#"{"\\u0024serde_json::private::RawValue":1}"#,
        r#"{"\"$serde_json::private::RawValue":1}"#,
        // not JSON, which is the parser's to say
        "",
        "\"",
        "\"\\",
        "{]}}}[",
        r#"{"\u00"#,
        r#"{"\u00zzserde_json::private::":1}"#,
    ] {
        assert_eq!(check(json.as_bytes()), Ok(()), "{json}");
    }
}

#[test]
fn the_quick_look_never_passes_what_the_close_one_refuses() {
    use proptest::prelude::*;
    let piece = prop_oneof![
        Just("{".to_owned()),
        Just("[".repeat(40)),
        Just("]".to_owned()),
        Just(r#""a":"#.to_owned()),
        Just(r#""$serde_json::private::x":"#.to_owned()),
        Just(r#""\u0024serde_json::private::x" :"#.to_owned()),
        Just("x".repeat(130)),
        any::<String>(),
    ];
    proptest!(|(pieces in prop::collection::vec(piece, 0..12))| {
        let text = pieces.concat();
        if is_plain(text.as_bytes()) {
            prop_assert_eq!(check_closely(text.as_bytes()), Ok(()));
        }
    });
}

#[test]
fn elements_are_cut_where_they_end() {
    let text =
        r#" {"a":[1,{"keys":[2]}],"keys" : [ {"x":[1,"],"]} , 7,"a\",b", [] ,null],"z":"keys"} "#;
    let expected = [r#"{"x":[1,"],"]}"#, "7", r#""a\",b""#, "[]", "null"];
    assert_eq!(elements(text, "keys").unwrap(), expected);
    assert_eq!(elements(r#"{"\u006beys":[1]}"#, "keys").unwrap(), ["1"]);
    assert_eq!(elements(r#"{"keys":[]}"#, "keys").unwrap(), [""; 0]);
    assert_eq!(elements(r#"{"keys":[ ],"x":[1,2]}"#, "keys").unwrap(), [""; 0]);
    let deep = format!(r#"{{"keys":[{},1]}}"#, nested(50_000));
    assert_eq!(elements(&deep, "keys").unwrap().len(), 2);
    for odd in [
        "",
        "[]",
        "7",
        r#"{"keys":7}"#,
        r#"{"keys":{"0":1}}"#,
        r#"{"key":[1]}"#,
        r#"{"keys":[1],"keys":[2]}"#,
        r#"{"keys":[1],"k\u0065ys":[2]}"#,
        r#"{"keys":[1,]}"#,
        r#"{"keys":[1]"#,
        r#"{"keys":[1]}x"#,
        r#"{"keys":[1 2]}"#,
        r#"{"keys":["\ud800x]}"#,
    ] {
        assert!(elements(odd, "keys").is_none(), "{odd}");
    }
}
