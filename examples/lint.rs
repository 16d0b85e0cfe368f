#![allow(missing_docs, clippy::print_stdout)]
fn main() {
    for path in std::env::args().skip(1) {
        match proofhouse::suite::load::file(std::path::Path::new(&path)) {
            Ok(l) => println!("{path}: ok, {} cases", l.suite.cases.len()),
            Err(e) => println!("{}", e.render(false)),
        }
    }
}
