use std::collections::BTreeSet;

use super::*;

fn rules(policy: &Value) -> BTreeSet<&'static str> {
    let (findings, _) = lint(&policy.to_string()).unwrap();
    findings.iter().map(|finding| finding.rule).collect()
}

fn endpoint() -> Endpoint {
    Endpoint::new("us-west-2", "my-endpoint").unwrap()
}

#[test]
fn every_vector_has_the_findings_it_should_have_and_no_other() {
    let vectors: Value =
        serde_json::from_str(include_str!("../../../fixtures/aws/sagemaker.json")).unwrap();
    for case in vectors["iam_lint"]["cases"].as_array().unwrap() {
        let expected: BTreeSet<&str> =
            case["expect"].as_array().unwrap().iter().map(|rule| rule.as_str().unwrap()).collect();
        assert_eq!(rules(&case["policy"]), expected, "{}: {}", case["id"], case["note"]);
    }
}

#[test]
fn the_least_policy_has_no_finding_and_no_note() {
    for endpoint in [endpoint(), endpoint().component("my-ic").unwrap()] {
        let policy = least(&endpoint, "123456789012");
        assert_eq!(lint(&policy.to_string()).unwrap(), (Vec::new(), Vec::new()));
    }
    let china = Endpoint::new("cn-north-1", "e").unwrap().component("ic").unwrap();
    let resources = least(&china, "123456789012")["Statement"][0]["Resource"].clone();
    let arn = "arn:aws-cn:sagemaker:cn-north-1:123456789012";
    assert_eq!(
        resources,
        json!([format!("{arn}:endpoint/e"), format!("{arn}:inference-component/ic")])
    );
}

/// Policies around the least one, each with one thing changed or added.
#[test]
fn each_rule_finds_what_it_is_about() {
    let arn = "arn:aws:sagemaker:us-west-2:123456789012:endpoint/my-endpoint";
    let allow = |action: Value, resource: Value| json!({"Effect": "Allow", "Action": action, "Resource": resource});
    let deny = |action: &str, key: &str, resource: &str| json!({"Effect": "Deny", "Action": action, key: resource});
    let invoke = || allow(json!(INVOKE), json!(arn));
    let bearer = || allow(json!(BEARER), json!("*"));
    let on = |resource: &str| vec![allow(json!(INVOKE), json!(resource)), bearer()];
    let with = |more: Value| vec![invoke(), bearer(), more];
    let cases: Vec<(Vec<Value>, &[&str])> = vec![
        (on("arn:aws:sagemaker:us-west-2:123456789012:endpoint/*"), &["invoke_resource_wildcard"]),
        (on("arn:aws:sagemaker:us-west-2:123456789012:*"), &["invoke_resource_wildcard"]),
        (on("arn:aws:sagemaker:*:123456789012:endpoint/e"), &["arn_region_wildcard"]),
        (on("arn:aws:sagemaker:us-west-2:*:endpoint/e"), &["arn_account_wildcard"]),
        (
            on("arn:aws:sagemaker:*:*:endpoint/*"),
            &["arn_account_wildcard", "arn_region_wildcard", "invoke_resource_wildcard"],
        ),
        (
            on("arn:aws:sagemaker:*"),
            &["arn_account_wildcard", "arn_region_wildcard", "invoke_resource_wildcard"],
        ),
        (
            on("arn:aws:sagemaker:us-west-2:123456789012:endpoint/*-prod"),
            &["invoke_resource_prefix"],
        ),
        (vec![allow(json!("*"), json!("*"))], &["admin_access", "invoke_resource_wildcard"]),
        (vec![allow(json!("*:*"), json!("*"))], &["admin_access", "invoke_resource_wildcard"]),
        (
            vec![json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})],
            &["invoke_resource_wildcard", "not_action"],
        ),
        (vec![allow(json!([INVOKE, BEARER]), json!(arn))], &["bearer_resource_ineffective"]),
        (vec![bearer()], &["missing_invoke_endpoint"]),
        (
            with(deny("sagemaker:CallWithBearerToken", "Resource", "*")),
            &["denied_call_with_bearer_token"],
        ),
        (
            with(deny("sagemaker:*", "Resource", "*")),
            &["denied_call_with_bearer_token", "denied_invoke_endpoint"],
        ),
        (with(deny("sagemaker:Invoke*", "Resource", arn)), &["denied_invoke_endpoint"]),
        (with(deny("sagemaker:DeleteEndpoint", "Resource", "*")), &[]),
        (with(deny("sagemaker:InvokeEndpoint", "NotResource", arn)), &[]),
        (vec![allow(json!(INVOKE), json!("*")), bearer(), deny(INVOKE, "NotResource", arn)], &[]),
        (with(allow(json!("iam:PassRole"), json!("*"))), &["privilege_escalation_action"]),
        (with(allow(json!("iam:Create*"), json!("*"))), &["privilege_escalation_action"]),
        (with(allow(json!("sts:AssumeRole"), json!("*"))), &["privilege_escalation_action"]),
        (with(allow(json!("sts:AssumeRole"), json!("arn:aws:iam::123456789012:role/r"))), &[]),
        (with(allow(json!("s3:GetObject"), json!("arn:aws:s3:::b/*"))), &[]),
        (with(allow(json!("iam:*"), json!("*"))), &["extra_service_wildcard"]),
    ];
    for (statements, expected) in cases {
        let policy = json!({"Version": "2012-10-17", "Statement": statements});
        assert_eq!(rules(&policy), expected.iter().copied().collect(), "{policy}");
    }
}

#[test]
fn what_the_command_line_of_aws_prints_is_read() {
    let document =
        json!({"Statement": {"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"}});
    let encoded = document.to_string().replace('{', "%7B").replace('"', "%22");
    let expected: BTreeSet<&str> = ["action_service_wildcard", "invoke_resource_wildcard"].into();
    for export in [
        json!({"RoleName": "r", "PolicyName": "p", "PolicyDocument": document}),
        json!({"RoleName": "r", "PolicyName": "p", "PolicyDocument": encoded}),
        json!({"PolicyVersion": {"Document": document, "VersionId": "v1"}}),
        json!([document]),
        json!({"RoleDetailList": [{
            "AssumeRolePolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]},
            "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": document}],
            "AttachedManagedPolicies": [],
        }]}),
    ] {
        assert_eq!(rules(&export), expected, "{export}");
    }
    let attached = json!({"AttachedPolicies": [
        {"PolicyName": "x", "PolicyArn": "arn:aws:iam::aws:policy/PowerUserAccess"},
        {"PolicyName": "y", "PolicyArn": "arn:aws:iam::aws:policy/service-role/AmazonSageMakerCanvasFullAccess"},
        {"PolicyName": "z", "PolicyArn": "arn:aws:iam::123456789012:policy/own"},
    ]});
    let (findings, notes) = lint(&attached.to_string()).unwrap();
    let found: Vec<_> = findings.iter().map(|finding| (finding.rule, finding.severity)).collect();
    let high = Severity::High;
    assert_eq!(found, [("managed_admin", high), ("managed_sagemaker_full", high)]);
    assert!(notes.iter().any(|note| note.contains("own")), "{notes:?}");
}

#[test]
fn what_is_no_policy_says_why() {
    for (text, why) in [
        ("{", "not JSON"),
        ("{}", "holds no policy"),
        ("[1]", "holds no policy"),
        (r#"{"Statement": [1]}"#, "Statement[0]: expected an object"),
        (r#"{"Statement": {"Effect": "allow"}}"#, "`Effect`"),
        (r#"{"Statement": {"Effect": "Allow", "Resource": "*"}}"#, "neither `Action`"),
        (r#"{"Statement": {"Effect": "Allow", "Action": 1, "Resource": "*"}}"#, "neither a text"),
    ] {
        let error = lint(text).unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
}
