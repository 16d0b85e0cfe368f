//! Clients' points of view: `lens`, `check --client`, and what reports say of clients.

use crate::house::{House, Mock};

/// A record of one check against a mock with a fault.
fn recorded(house: &House, fault: &str, check: &str, exit: i32) {
    let mock = Mock::start(&["--fault", fault]);
    house.run(&["check", "--url", &mock.url, "--record", "run", "--select", check]).exits(exit);
}

#[test]
fn lens_says_what_each_client_makes_of_saved_exchanges() {
    let house = House::new();
    recorded(&house, "finish-missing", "finish.present", 1);

    let looked = house.run(&["lens", "run/exchanges.jsonl", "--format", "json"]).exits(0).json();

    let exchanges = looked["exchanges"].as_array().unwrap();
    let stream = exchanges
        .iter()
        .flat_map(|exchange| exchange["lenses"].as_array().unwrap())
        .find(|sight| sight["client"] == "openai-python" && sight["effect"] == "silently-wrong")
        .unwrap();
    assert_eq!(stream["outcome"], "returns");
    assert!(stream["answer"]["finish_reason"].is_null(), "{stream}");
    assert!(stream["detail"].as_str().unwrap().contains("finish_reason"), "{stream}");
    let schema = include_str!("../../schema/lens.json");
    let schema = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&looked));
    let table = house.run(&["lens", "run/exchanges.jsonl", "--client", "strands"]).exits(0);
    assert!(table.stdout.contains("strands") && !table.stdout.contains("langchain"));
}

#[test]
fn lens_names_the_clients_there_are() {
    let house = House::new();
    house.write("none.jsonl", "");
    house
        .run(&["lens", "none.jsonl", "--client", "strand"])
        .exits(2)
        .complains(&["strand", "did you mean `strands`?"]);
    house.run(&["lens", "absent.jsonl"]).exits(2).complains(&["absent.jsonl"]);
}

#[test]
fn reports_say_who_is_hurt_and_who_is_ready() {
    let house = House::new();
    recorded(&house, "finish-missing", "finish.present", 1);

    let report = house.run(&["report", "run", "--format", "json"]).exits(0).json();

    let target = &report["targets"][0];
    let hurt = &target["cases"][0]["hurts"][0];
    assert_eq!(hurt["effect"], "silently-wrong", "{hurt}");
    assert!(hurt["client"].is_string() && hurt["detail"].is_string());
    let readiness = target["readiness"].as_array().unwrap();
    let python = readiness.iter().find(|client| client["client"] == "openai-python").unwrap();
    assert_eq!(python["state"], "NOT READY");
    assert!(python["reasons"][0].as_str().unwrap().starts_with("finish.present: silently wrong"));
    let console = house.run(&["report", "run"]).exits(0);
    assert!(console.stdout.contains("NOT READY"), "{}", console.stdout);
}

#[test]
fn damage_that_several_checks_complain_of_is_said_to_be_of_the_exchange() {
    let house = House::new();
    let mock = Mock::start(&["--fault", "sse-no-done+finish-missing"]);
    let select = ["--select", "sse.done-sentinel", "--select", "finish.present"];
    let args = ["check", "--url", &mock.url, "--record", "run"];
    house.run(&[&args[..], &select[..]].concat()).exits(1);

    let report = house.run(&["report", "run", "--format", "json"]).exits(0).json();

    let cases = report["targets"][0]["cases"].as_array().unwrap();
    let case = |id: &str| cases.iter().find(|case| case["id"] == id).unwrap();
    let alone = case("finish.present")["evidence"].as_array().unwrap();
    let shared = case("sse.done-sentinel")["evidence"].as_array().unwrap();
    let exchange = &shared[0]["place"]["exchange"];
    assert!(alone.iter().any(|evidence| evidence["place"]["exchange"] == *exchange), "{alone:?}");
    let hurts = case("sse.done-sentinel")["hurts"].as_array().unwrap();
    let python = hurts.iter().find(|hurt| hurt["client"] == "openai-python").unwrap();
    let detail = python["detail"].as_str().unwrap();
    assert!(detail.starts_with("in this exchange: finish_reason is missing"), "{detail}");
    let console = house.run(&["report", "run"]).exits(0);
    let console = console.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(console.contains("silently wrong in this exchange: finish_reason"), "{console}");
}

#[test]
fn the_html_report_shows_at_each_exchange_whom_it_hurts() {
    let house = House::new();
    recorded(&house, "finish-missing", "finish.present", 1);

    let page = house.run(&["report", "run", "--format", "html"]).exits(0).stdout;

    let (_, exchanges) = page.split_once("id=\"exchanges\"").unwrap();
    assert!(exchanges.contains("<b>openai-python</b>: silently wrong: finish_reason is missing"));
}

/// A check of each area without which no client is called ready.
const CORE: [&str; 5] =
    ["chat.object", "sse.done-sentinel", "chunk.id-stable", "finish.present", "errors.envelope"];

/// What the report says of a client after one check, and a few of the core, against a mock with a
/// fault.
fn readiness_of(client: &str, fault: &str, check: &str) -> (String, Vec<String>) {
    let house = House::new();
    let mock = Mock::start(&["--fault", fault]);
    let mut args = vec!["check", "--url", mock.url.as_str(), "--record", "run", "--select", check];
    args.extend(CORE.iter().flat_map(|id| ["--select", id]));
    house.run(&args).exits(1);
    let report = house.run(&["report", "run", "--format", "json"]).exits(0).json();
    let all = report.pointer("/targets/0/readiness").unwrap().as_array().unwrap();
    let one = all.iter().find(|one| one.get("client").unwrap() == client).unwrap();
    let reasons = one.get("reasons").unwrap().as_array().unwrap().iter();
    let reasons = reasons.map(|reason| reason.as_str().unwrap().to_owned()).collect();
    (one.get("state").unwrap().as_str().unwrap().to_owned(), reasons)
}

#[test]
fn a_broken_requirement_that_hurts_no_client_leaves_it_ready() {
    for client in ["openai-python", "openai-node", "langchain", "strands", "ai-sdk", "litellm"] {
        let (state, reasons) =
            readiness_of(client, "http-close-after-stream", "http.keepalive-after-stream");
        assert_eq!((state.as_str(), reasons.len()), ("READY", 0), "{client}: {reasons:?}");
    }
}

#[test]
fn what_was_not_asked_leaves_a_client_unknown() {
    let house = House::new();
    recorded(&house, "sse-no-done", "chat.object", 0);
    let report = house.run(&["report", "run", "--format", "json"]).exits(0).json();
    for client in report.pointer("/targets/0/readiness").unwrap().as_array().unwrap() {
        assert_eq!(client["state"], "UNKNOWN", "{client}");
        let reason = if client["client"].as_str().unwrap().ends_with("-responses") {
            "nothing was answered by the Responses API"
        } else {
            "nothing required was decided of sse, chunk, finish, errors"
        };
        assert_eq!(client["reasons"][0], reason, "{client}");
    }
}

#[test]
fn an_exception_on_a_plain_chat_makes_a_client_not_ready_and_one_on_tools_limits_it() {
    let helper = "openai-python-stream";
    let (state, reasons) = readiness_of(helper, "chunk-delta-null", "chunk.delta-is-object");
    assert_eq!(state, "NOT READY", "{reasons:?}");
    let (state, reasons) = readiness_of(helper, "toolstream-no-index", "toolstream.index-present");
    assert_eq!(state, "READY WITH LIMITS", "{reasons:?}");
}

#[test]
fn where_no_lens_can_tell_the_note_of_the_suite_counts() {
    let (state, reasons) =
        readiness_of("openai-python", "reject-unknown-header", "http.unknown-headers");
    assert_eq!(state, "NOT READY");
    assert_eq!(reasons, ["http.unknown-headers: every call fails (as the suite notes)"]);
    let (state, reasons) = readiness_of("ai-sdk", "reject-unknown-header", "http.unknown-headers");
    assert_eq!((state.as_str(), reasons.len()), ("READY", 0), "{reasons:?}");
}

#[test]
fn a_client_fails_what_hurts_it_and_notes_what_it_tolerates() {
    let house = House::new();
    let mock = Mock::start(&["--fault", "sse-no-done"]);
    let tolerated = |client| {
        [
            "check",
            "--url",
            &mock.url,
            "--record",
            client,
            "--client",
            client,
            "--select",
            "sse.done-sentinel",
            "--format",
            "json",
        ]
    };
    let report = house.run(&tolerated("openai-python")).exits(0).json();
    let case = &report["targets"][0]["cases"][0];
    assert_eq!(case["verdict"], "info", "{case}");
    assert!(case["reason"].as_str().unwrap().starts_with("openai-python tolerates this"));
    let again = house.run(&["report", "openai-python", "--format", "json"]).exits(0).json();
    assert_eq!(again, report);

    let broken = Mock::start(&["--fault", "finish-missing"]);
    house
        .run(&[
            "check",
            "--url",
            &broken.url,
            "--no-record",
            "--client",
            "strands",
            "--select",
            "finish.present",
        ])
        .exits(1);
    house.run(&["check", "--url", &mock.url, "--client", "nobody"]).exits(2);
}
