//! Asking a real client: its driver gets a plan on stdin and answers on stdout.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proofhouse::lens::Lens;
use proofhouse::mock::Server;
use serde_json::json;

use crate::play::{self, Play};
use crate::said::Said;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The command that runs a client's driver.
fn command(lens: &Lens) -> Command {
    let installed = root().join("target/clients");
    let mut command = match lens.package {
        "openai" | "langchain-openai" | "strands-agents" | "litellm"
            if !lens.id.contains("node") =>
        {
            let home = if lens.package == "openai" { "python-openai" } else { "python-upon" };
            let mut command = Command::new(installed.join(home).join("bin/python"));
            command.arg(root().join("tests/clients/python/drive.py"));
            command
        }
        _ => {
            let mut command = Command::new("node");
            command.arg(installed.join("node/drive.mjs"));
            command.current_dir(installed.join("node"));
            command
        }
    };
    command.arg(lens.id);
    command
}

/// What the client makes of each play, by the play's id.
pub(crate) fn ask(lens: &Lens, plays: &[&Play]) -> BTreeMap<String, Said> {
    let replay = play::replay(plays);
    let root = replay.base_url();
    let root = root.strip_suffix("/v1").unwrap();
    // What never brought a head cannot be played again: those faults are met in person.
    let in_person: Vec<(&str, Server)> = plays
        .iter()
        .filter(|play| play.exchange.head.is_none())
        .map(|play| (play.id.as_str(), play::mock(&play.fault)))
        .collect();
    let plan: String = plays
        .iter()
        .map(|play| {
            let met = in_person.iter().find(|(id, _)| *id == play.id);
            let base_url =
                met.map_or_else(|| format!("{root}/{}/v1", play.id), |(_, mock)| mock.base_url());
            let item = json!({
                "id": play.id,
                "fault": play.fault,
                "scenario": play.scenario,
                "base_url": base_url,
                "api_key": play::KEY,
                "body": play.body,
            });
            format!("{item}\n")
        })
        .collect();
    let mut child = command(lens)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}: run scripts/client-test.sh", lens.id));
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(plan.as_bytes()));
    let mut said = BTreeMap::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let answer: Said =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        said.insert(answer.id.clone(), answer);
    }
    writer.join().unwrap().ok();
    child.wait().unwrap();
    said
}
