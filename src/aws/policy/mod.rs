//! IAM policies: the least that calls an endpoint, and what is too much in others.

mod document;
mod lint;
mod pattern;

use serde_json::{Value, json};

use super::endpoint::Endpoint;

pub use document::{Exported, PolicyError};
pub use lint::{BLIND, Finding, Severity, lint};

/// The action that calls an endpoint, on either route.
const INVOKE: &str = "sagemaker:InvokeEndpoint";
/// The action that a bearer token stands for; it has no resource.
const BEARER: &str = "sagemaker:CallWithBearerToken";

/// The least that lets its holder call `endpoint` of `account` with a bearer token, and nothing
/// else.
///
/// The inference component stands beside the endpoint: IAM's reference lists both as resources of
/// `InvokeEndpoint`. The condition is the one AWS puts on the action in its own managed policy
/// `AmazonSageMakerJobRuntimeAccess`.
pub fn least(endpoint: &Endpoint, account: &str) -> Value {
    let arn = |kind: &str, name: &str| {
        let (partition, region) = (endpoint.partition(), endpoint.region());
        json!(format!("arn:{partition}:sagemaker:{region}:{account}:{kind}/{name}"))
    };
    let mut resources = vec![arn("endpoint", endpoint.name())];
    resources.extend(endpoint.component_name().map(|name| arn("inference-component", name)));
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "InvokeThisEndpoint",
                "Effect": "Allow",
                "Action": INVOKE,
                "Resource": resources,
            },
            {
                "Sid": "PresentBearerTokens",
                "Effect": "Allow",
                "Action": BEARER,
                "Resource": "*",
                "Condition": {
                    "StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"},
                },
            },
        ],
    })
}

/// Whether `text` is the number of an account.
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
