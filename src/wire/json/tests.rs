use super::*;

#[test]
fn a_fault_has_its_offset() {
    assert_eq!(
        parse(b"{\"a\":\n nope}").unwrap_err(),
        JsonFault { message: "expected ident".to_owned(), offset: 8 }
    );
}
