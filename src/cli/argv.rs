//! The command line as a record keeps it.

use std::ffi::OsString;

use crate::transcript::Redactor;

/// What a record says in the place of a value.
const MASK: &str = "***";

/// The command line after the program's name, without what may be secret: the values of headers,
/// commands that print a key, and every known secret wherever it stands.
pub(super) fn kept(argv: impl IntoIterator<Item = OsString>, redactor: &Redactor) -> Vec<String> {
    let mut before = None;
    let argv = argv.into_iter().skip(1).map(|word| word.to_string_lossy().into_owned());
    argv.map(|word| {
        let word = match (before.take(), word.split_once('=')) {
            (Some(flag), _) => masked(flag, &word),
            (None, Some((flag, value))) => match flag_of(flag) {
                Some(known) => format!("{flag}={}", masked(known, value)),
                None => word,
            },
            (None, None) => {
                before = flag_of(&word);
                word
            }
        };
        redactor.text(&word)
    })
    .collect()
}

/// A flag whose value is not kept.
#[derive(Clone, Copy)]
enum Flag {
    Header,
    Command,
}

fn flag_of(word: &str) -> Option<Flag> {
    match word {
        "--header" => Some(Flag::Header),
        "--auth-command" => Some(Flag::Command),
        _ => None,
    }
}

fn masked(flag: Flag, value: &str) -> String {
    match (flag, value.split_once(':')) {
        (Flag::Header, Some((name, _))) => format!("{name}: {MASK}"),
        (Flag::Header, None) | (Flag::Command, _) => MASK.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    #[test]
    fn values_that_may_be_secret_are_masked_however_they_are_given() {
        let mut redactor = Redactor::default();
        redactor.add("KEY", &SecretString::from("sk-canary"));
        let argv = [
            "proofhouse",
            "check",
            "--header",
            "x-team: blue",
            "--header=x-a:b=c",
            "--auth-command",
            "echo sk",
            "--auth-command=cat key",
            "--model",
            "m-sk-canary",
            "--report",
            "json=a",
        ];

        let kept = kept(argv.map(OsString::from), &redactor);

        assert_eq!(
            kept,
            [
                "check",
                "--header",
                "x-team: ***",
                "--header=x-a: ***",
                "--auth-command",
                "***",
                "--auth-command=***",
                "--model",
                "m-*********",
                "--report",
                "json=a",
            ]
        );
    }
}
