//! `wrk`, which parses HTTP and nothing in it, on the same bytes.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use proofhouse::mock::truth::Shape;

/// How long it asks.
const SECONDS: u64 = 4;
/// What `/proc` counts processor time in.
const TICKS_PER_S: f64 = 100.0;

/// The processor seconds it took; `None` where there is no `wrk`, or no `/proc`.
pub(crate) fn cpu_s(shape: &Shape, streams: u64, port: u16) -> Option<f64> {
    let mut script = tempfile::NamedTempFile::new().ok()?;
    let body = json!({"stream": true, "truth": shape}).to_string();
    write!(script, "wrk.method = 'POST'\nwrk.body = '{body}'\n").ok()?;
    let mut child = Command::new("wrk")
        .args(["-t1", &format!("-c{streams}"), &format!("-d{SECONDS}s"), "--timeout", "60s", "-s"])
        .arg(script.path())
        .arg(format!("http://127.0.0.1:{port}/v1/chat/completions"))
        .stdout(Stdio::null())
        .spawn()
        .ok()?;
    let stat = format!("/proc/{}/stat", child.id());
    // Its processor time can be read until it is waited for.
    let cpu = loop {
        let text = std::fs::read_to_string(&stat).ok()?;
        let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
        if *fields.first()? == "Z" {
            let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
            break (ticks(11)? + ticks(12)?) / TICKS_PER_S;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    child.wait().ok()?;
    Some(cpu)
}
