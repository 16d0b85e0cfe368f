use super::*;
use crate::plan::{Rate, Span};

fn read(text: &str) -> Result<LoadedPlan, PlanError> {
    parse("p.yaml", text, Path::new("."))
}

fn refusal(text: &str) -> String {
    read(text).unwrap_err().render(false)
}

const PLAN: &str = "proofhouse_plan: 1\narrival: {poisson: {rate: 12.5}}\nwarm_up: 5s\nduration: 1m\n\
                    objectives: [\"ttft.p99 < 500ms\"]\nworkload:\n  - prompt: {tokens: 200}\n    max_tokens: {uniform: {min: 10, max: 20}}\n";

#[test]
fn a_plan_is_read_with_its_defaults() {
    let loaded = read(PLAN).unwrap();
    assert_eq!(loaded.plan.arrival, Arrival::Poisson(Rate { rate: 12.5 }));
    assert_eq!(loaded.plan.duration, Some(Span::secs(60)));
    assert!(loaded.plan.workload[0].stream && loaded.plan.workload[0].unique);
    assert_eq!(loaded.objectives.len(), 1);
    assert_eq!(loaded.sha256, read(&format!("{PLAN}\n# more\n")).unwrap().sha256);
}

#[test]
fn a_misspelt_key_a_negative_rate_and_an_endless_plan_are_refused_where_they_stand() {
    let said = refusal(&PLAN.replace("warm_up", "warmup"));
    assert!(said.contains("p.yaml:3:1") && said.contains("warm_up"), "{said}");
    let said = refusal(&PLAN.replace("12.5", "-1"));
    assert!(said.contains("expected at least") && said.contains("p.yaml:2:"), "{said}");
    let said = refusal(&PLAN.replace("duration: 1m\n", ""));
    assert!(said.contains("never ends"), "{said}");
    let said = refusal(&PLAN.replace("ttft.p99", "tftt.p99"));
    assert!(said.contains("did you mean `ttft`?"), "{said}");
    let said = refusal(&PLAN.replace("poisson", "poison"));
    assert!(said.contains("poisson"), "{said}");
    let said = refusal(&PLAN.replace("min: 10", "min: 30"));
    assert!(said.contains("larger than"), "{said}");
    let said = refusal(&PLAN.replace("duration: 1m", "duration: soon"));
    assert!(said.contains("5m"), "{said}");
    let said = refusal(&PLAN.replace("tokens: 200", "tokens: 4000000000"));
    assert!(said.contains("10000000"), "{said}");
}

#[test]
fn a_plan_that_would_send_nothing_or_without_end_is_refused() {
    for (arrival, why) in [
        ("{burst: {size: 3, every: 0s}}", "without an end"),
        ("{ramp: {from: 0, to: 0, over: 5s}}", "from 0 to 0"),
        ("{steps: {steps: [{rate: 0, for: 5s}]}}", "every step is 0"),
    ] {
        let said = refusal(&PLAN.replace("{poisson: {rate: 12.5}}", arrival));
        assert!(said.contains(why), "{arrival}: {said}");
    }
    let said = refusal(&PLAN.replace("duration: 1m", "duration: 0s"));
    assert!(said.contains("nothing is measured"), "{said}");
    let weights = PLAN.replace("    max_tokens", "    weight: 4294967295\n    max_tokens");
    let again = weights.split("workload:\n").nth(1).unwrap();
    let loaded = read(&format!("{weights}{again}")).unwrap();
    assert!(crate::plan::Asks::new(loaded, "m").ask(7).workload < 2);
}

#[test]
fn a_file_that_is_not_there_or_empty_is_told_where_the_plan_names_it() {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("none.json"), "[]").unwrap();
    let said = |workload: &str, more: &str| {
        let text = format!(
            "proofhouse_plan: 1\narrival: {{closed: {{users: 1}}}}\nrequests: 1\n{more}workload:\n  - {workload}\n"
        );
        parse("p.yaml", &text, folder.path()).unwrap_err().render(false)
    };
    let empty = said("{prompt: {sharegpt: none.json}}", "");
    assert!(empty.contains("p.yaml:5:25") && empty.contains("it is empty"), "{empty}");
    let missing = said("{prompt: {sharegpt: gone.json}}", "");
    assert!(missing.contains("p.yaml:5:25") && missing.contains("gone.json"), "{missing}");
    let tokenizer = said("{prompt: {tokens: 5}}", "tokenizer: {file: tokenizer.json}\n");
    assert!(tokenizer.contains("p.yaml:4:19"), "{tokenizer}");
    assert!(tokenizer.contains("tokenizer: calibrated"), "{tokenizer}");
    let other = said("{prompt: {tokens: 5}}", "tokenizer: {file: none.json}\n");
    assert!(other.contains("no `tokenizer.json`"), "{other}");
}

#[test]
fn what_does_not_fit_together_is_told_where_it_stands() {
    let said = |workload: &str| {
        refusal(&format!(
            "proofhouse_plan: 1\narrival: {{closed: {{users: 1}}}}\nrequests: 1\nworkload:\n  - {workload}\n"
        ))
    };
    for (workload, place, why) in [
        ("{prompt: {text: a}, session: {}}", "{}", "number of `turns`"),
        ("{prompt: {text: a}, kind: completions, session: {turns: 2}}", "turns", "chat` only"),
        ("{prompt: {text: a}, batch: 2}", "2}", "`kind: embeddings` only"),
        ("{prompt: {text: a}, exact_output: true}", "true", "none is said"),
        (
            "{prompt: {text: a}, tools: [{type: function, function: {name: 'a b'}}]}",
            "type",
            "`a b`",
        ),
        (
            "{prompt: {text: a}, tools: [{type: function, function: {name: f, parameters: {type: 5}}}]}",
            "type",
            "no JSON Schema",
        ),
        ("{prompt: {text: a}, tool_choice: auto}", "auto", "there are none"),
        ("{prompt: {text: a}, response_format: {type: xml}}", "type", "json_schema"),
        ("{prompt: {text: a}, prefix: {tokens: 5, share: 2}}", "2}", "at most 1"),
        (
            "{prompt: {text: a}, session: {turns: 2, think: {uniform: {min: 3s, max: 1s}}}}",
            "uniform",
            "longer than",
        ),
        ("{prompt: {text: a}, sesion: {turns: 2}}", "sesion", "did you mean `session`"),
    ] {
        let said = said(workload);
        // Behind the two blanks, the dash and its blank; columns count from 1.
        let column = workload.find(place).unwrap() + 5;
        let place = format!("p.yaml:5:{column}");
        assert!(said.contains(&place) && said.contains(why), "{workload}: {said}");
    }
    assert!(refusal(&PLAN.replace("duration", "tokenizer: servr\nduration")).contains("server"));
}

#[test]
fn a_trace_that_is_not_there_is_named() {
    let plan = "proofhouse_plan: 1\narrival: {trace: {file: nope.jsonl, format: mooncake}}\n\
                workload: [{prompt: {text: hi}}]\n";
    let said = refusal(plan);
    assert!(said.contains("nope.jsonl") && said.contains("trace"), "{said}");
}
