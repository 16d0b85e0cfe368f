//! Small values that the tests of this module share.

use std::collections::BTreeMap;

use chrono::{TimeZone as _, Utc};

use super::{CaseRecord, FormatVersion, HostFacts, RunMeta, SuiteRef, TargetMeta};
use crate::suite::Spot;
use crate::transcript::{
    BodyFraming, Connection, End, Exchange, Frame, Headers, ResponseHead, Timing, WireRequest,
};
use crate::units::Nanos;
use crate::verdict::{Level, Verdict};

pub(crate) fn meta() -> RunMeta {
    RunMeta {
        format: FormatVersion::CURRENT,
        tool: "0.1.0".into(),
        argv: vec!["check".into()],
        started: Utc.with_ymd_and_hms(2026, 11, 2, 9, 30, 0).unwrap(),
        ended: None,
        interrupted: false,
        seed: 7,
        strict: false,
        strict_known: false,
        min_coverage: 0.0,
        baseline: None,
        client: None,
        suites: vec![SuiteRef {
            id: "a".into(),
            title: "A".into(),
            revision: 1,
            origin: "built in".into(),
            sha256: "00".repeat(32),
        }],
        targets: vec![TargetMeta {
            name: "local".into(),
            base_url: "http://127.0.0.1:8000/v1".into(),
            model: "parrot".into(),
            profile: "generic".into(),
            auth: "none".into(),
            capabilities: BTreeMap::new(),
            server: BTreeMap::new(),
            planned: None,
        }],
        host: HostFacts { os: "linux".into(), arch: "x86_64".into(), cpus: 2 },
    }
}

pub(crate) fn case(id: &str, verdict: Verdict) -> CaseRecord {
    CaseRecord {
        target: "local".into(),
        id: id.into(),
        suite: "a".into(),
        title: "It holds".into(),
        level: Level::Must,
        verdict,
        reason: None,
        findings: Vec::new(),
        why: "Clients break.".into(),
        source: Vec::new(),
        hurts: Vec::new(),
        provisional: false,
        file: "suites/a.yaml".into(),
        spot: Spot::default(),
        exchanges: vec!["x1".into()],
        attempts: None,
        known: None,
        curl: None,
        took: Nanos::from_millis(12),
    }
}

pub(crate) fn exchange(id: &str) -> Exchange {
    Exchange {
        id: id.into(),
        request: WireRequest {
            method: "GET".into(),
            url: "http://127.0.0.1:8000/v1/models".into(),
            headers: [("accept", "application/json")].into_iter().collect(),
            body: "".into(),
        },
        connection: Connection::default(),
        head: Some(ResponseHead {
            status: 200,
            reason: "OK".into(),
            headers: [("content-type", "application/json")].into_iter().collect(),
        }),
        framing: BodyFraming::Length,
        frames: vec![Frame { at: Nanos::from_millis(3), bytes: vec![0xe6, 0x97].into() }],
        encoded: Vec::new(),
        trailers: Headers::default(),
        end: End::Complete,
        timing: Timing::default(),
        reads: Vec::new(),
        redactions: Vec::new(),
    }
}
