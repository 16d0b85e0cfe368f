//! What is too much in a policy, and what is missing.

use serde::Serialize;

use super::document::{self, Exported, Only, PolicyError, Statement};
use super::pattern::{covers, covers_action, is_wild};
use super::{BEARER, INVOKE};

/// What no linter of exported files can see.
pub const BLIND: [&str; 5] = [
    "service control policies of the organisation, which may deny what is allowed here",
    "permission boundaries and session policies, which narrow what is allowed here",
    "the text of managed policies that are named by their ARN only",
    "other policies of the same identity that are not in the file",
    "whether conditions hold: a condition never makes a finding lighter",
];

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Wider than it has to be.
    Medium,
    /// Reaches what it must not, or does not work.
    High,
}

/// Something that is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which rule.
    pub rule: &'static str,
    /// How bad.
    pub severity: Severity,
    /// Which statement: `Statement[0] (Sid)`; nothing for what the whole lacks.
    pub statement: Option<String>,
    /// What it does, in a sentence.
    pub why: String,
}

/// Judges an exported policy: what is too much for calling an endpoint with bearer tokens, and
/// what is missing. Also notes that are no findings.
pub fn lint(text: &str) -> Result<(Vec<Finding>, Vec<String>), PolicyError> {
    let exported = document::read(text)?;
    let mut desk = Desk::default();
    desk.attached(&exported);
    for statement in exported.statements.iter().filter(|statement| statement.allows) {
        desk.actions(statement);
        desk.resources(statement, &exported);
    }
    desk.reach(&exported);
    Ok((desk.findings, desk.notes))
}

#[derive(Default)]
struct Desk {
    findings: Vec<Finding>,
    notes: Vec<String>,
}

/// Actions that make more of an identity than it is.
const ESCALATING: [&str; 13] = [
    "iam:PassRole",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:CreatePolicyVersion",
    "iam:CreateServiceSpecificCredential",
    "iam:SetDefaultPolicyVersion",
    "iam:AttachRolePolicy",
    "iam:AttachUserPolicy",
    "iam:PutRolePolicy",
    "iam:PutUserPolicy",
    "iam:AddUserToGroup",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateLoginProfile",
];

impl Desk {
    fn find(
        &mut self,
        rule: &'static str,
        severity: Severity,
        statement: Option<&Statement>,
        why: impl Into<String>,
    ) {
        let statement = statement.map(|statement| statement.place.clone());
        let finding = Finding { rule, severity, statement, why: why.into() };
        let is_known =
            |known: &Finding| (known.rule, &known.statement) == (finding.rule, &finding.statement);
        if !self.findings.iter().any(is_known) {
            self.findings.push(finding);
        }
    }

    fn attached(&mut self, exported: &Exported) {
        for arn in &exported.attached {
            let name = arn.rsplit('/').next().unwrap_or_default();
            let is_aws = arn.contains(":iam::aws:policy/");
            let why = format!("the managed policy {name} is attached");
            if is_aws && matches!(name, "AdministratorAccess" | "PowerUserAccess") {
                let why = format!("{why}: it reaches the whole account");
                self.find("managed_admin", Severity::High, None, why);
            } else if is_aws && is_sagemaker_full(name) {
                let why = format!("{why}: it creates, changes and calls every endpoint");
                self.find("managed_sagemaker_full", Severity::High, None, why);
            } else {
                self.notes.push(format!("{why}; its text is not in the file and was not judged"));
            }
        }
    }

    fn actions(&mut self, statement: &Statement) {
        let patterns = match &statement.actions {
            Only::AllBut(_) => {
                let why = "it allows every action but those it lists, of every service";
                return self.find("not_action", Severity::High, Some(statement), why);
            }
            Only::These(patterns) => patterns,
        };
        let everywhere = matches!(&statement.resources, Only::AllBut(_))
            || statement.resources.these().iter().any(|resource| resource == "*");
        for pattern in patterns {
            let (service, action) = pattern.split_once(':').unwrap_or((pattern, "*"));
            let is_all = action.chars().all(|c| c == '*');
            if is_wild(service) && is_all {
                if everywhere {
                    let why = "it allows every action on everything";
                    self.find("admin_access", Severity::High, Some(statement), why);
                } else {
                    let why = format!("`{pattern}` allows every action");
                    self.find("action_service_wildcard", Severity::High, Some(statement), why);
                }
            } else if service.eq_ignore_ascii_case("sagemaker") {
                if is_all {
                    let why = "`sagemaker:*` also creates, changes and deletes endpoints";
                    self.find("action_service_wildcard", Severity::High, Some(statement), why);
                } else if is_wild(action) {
                    let why =
                        format!("`{pattern}` allows more than {INVOKE}, and grows with SageMaker");
                    self.find("action_prefix_wildcard", Severity::Medium, Some(statement), why);
                } else if !is_needed(pattern) {
                    self.notes.push(format!(
                        "{}: `{pattern}` is not needed to call an endpoint",
                        statement.place
                    ));
                }
            } else if is_all {
                let why = format!("`{pattern}` has nothing to do with calling an endpoint");
                self.find("extra_service_wildcard", Severity::High, Some(statement), why);
            } else if escalates(pattern, everywhere) {
                let why = format!("`{pattern}` lets its holder become somebody else");
                self.find("privilege_escalation_action", Severity::High, Some(statement), why);
            }
        }
    }

    fn resources(&mut self, statement: &Statement, exported: &Exported) {
        if matches!(&statement.resources, Only::AllBut(_)) {
            let why = "it allows its actions on everything but what it lists";
            self.find("not_resource", Severity::High, Some(statement), why);
        }
        if !grants(statement, INVOKE) {
            return;
        }
        for resource in reached(statement, exported) {
            let Some(arn) = Arn::read(&resource) else { continue };
            if covers(arn.resource, "endpoint/*") {
                let why = format!("`{resource}` is every endpoint");
                self.find("invoke_resource_wildcard", Severity::High, Some(statement), why);
            } else if is_wild(arn.resource) {
                let why =
                    format!("`{resource}` fits more than one name, also of endpoints to come");
                self.find("invoke_resource_prefix", Severity::Medium, Some(statement), why);
            }
            if resource == "*" {
                continue;
            }
            if is_wild(arn.region) {
                let why =
                    format!("`{resource}` is the endpoint of that name in more than one region");
                self.find("arn_region_wildcard", Severity::Medium, Some(statement), why);
            }
            if is_wild(arn.account) {
                let why =
                    format!("`{resource}` is the endpoint of that name in more than one account");
                self.find("arn_account_wildcard", Severity::Medium, Some(statement), why);
            }
        }
    }

    /// Whether both actions are in reach, all statements taken together.
    fn reach(&mut self, exported: &Exported) {
        if exported.statements.is_empty() {
            return;
        }
        let allowing = |action: &'static str| {
            exported.statements.iter().filter(move |s| s.allows && grants(s, action))
        };
        let bearer: Vec<&Statement> = allowing(BEARER).collect();
        let effective = bearer.iter().any(|statement| is_everywhere(&statement.resources));
        match bearer.first() {
            _ if effective => {}
            Some(statement) => self.find(
                "bearer_resource_ineffective",
                Severity::High,
                Some(statement),
                format!("{BEARER} has no resource type: allowed on anything but `*` it is allowed on nothing"),
            ),
            None => self.missing(exported, "missing_call_with_bearer_token", BEARER),
        }
        if effective && bearer.iter().all(|statement| statement.conditions.is_empty()) {
            self.notes.push(format!(
                "{BEARER} has no condition; AWS's own policy adds \"aws:ResourceAccount\": \"${{aws:PrincipalAccount}}\""
            ));
        }
        let invoke: Vec<&Statement> = allowing(INVOKE).collect();
        if invoke.is_empty() {
            self.missing(exported, "missing_invoke_endpoint", INVOKE);
        } else if invoke.iter().all(|statement| reached(statement, exported).is_empty()) {
            let by = denying(exported, INVOKE).next();
            self.find("denied_invoke_endpoint", Severity::High, by, denied(INVOKE));
        }
        let by = denying(exported, BEARER).find(|statement| is_everywhere(&statement.resources));
        if let Some(by) = by.filter(|_| !bearer.is_empty()) {
            self.find("denied_call_with_bearer_token", Severity::High, Some(by), denied(BEARER));
        }
    }

    fn missing(&mut self, exported: &Exported, rule: &'static str, action: &str) {
        if exported.attached.is_empty() {
            self.find(rule, Severity::High, None, format!("no statement allows {action}"));
        } else {
            self.notes.push(format!(
                "no statement here allows {action}; an attached policy may, which was not judged"
            ));
        }
    }
}

fn denied(action: &str) -> String {
    format!("{action} is allowed elsewhere and denied here, and a denial wins")
}

fn is_sagemaker_full(name: &str) -> bool {
    name == "AmazonSageMakerFullAccess"
        || (name.starts_with("AmazonSageMakerCanvas") && name.ends_with("FullAccess"))
}

fn is_needed(action: &str) -> bool {
    [INVOKE, BEARER, "sagemaker:InvokeEndpointWithResponseStream"]
        .iter()
        .any(|needed| needed.eq_ignore_ascii_case(action))
}

fn escalates(pattern: &str, everywhere: bool) -> bool {
    let fits = |action: &str| covers_action(pattern, action);
    ESCALATING.iter().copied().any(fits) || (everywhere && fits("sts:AssumeRole"))
}

fn grants(statement: &Statement, action: &str) -> bool {
    match &statement.actions {
        Only::These(patterns) => patterns.iter().any(|pattern| covers_action(pattern, action)),
        Only::AllBut(patterns) => !patterns.iter().any(|pattern| covers_action(pattern, action)),
    }
}

fn is_everywhere(resources: &Only) -> bool {
    match resources {
        Only::These(patterns) => patterns.iter().any(|pattern| pattern == "*"),
        Only::AllBut(_) => true,
    }
}

/// Denials that no condition can lift.
fn denying<'a>(
    exported: &'a Exported,
    action: &'static str,
) -> impl Iterator<Item = &'a Statement> {
    let counts = move |s: &&Statement| !s.allows && s.conditions.is_empty() && grants(s, action);
    exported.statements.iter().filter(counts)
}

/// The resources on which a statement allows calls, after every denial.
fn reached(statement: &Statement, exported: &Exported) -> Vec<String> {
    let mut reached: Vec<String> = match &statement.resources {
        Only::These(patterns) => patterns.clone(),
        // What it leaves out is not worth telling from everything.
        Only::AllBut(_) => vec!["*".to_owned()],
    };
    for denial in denying(exported, INVOKE) {
        reached = match &denial.resources {
            Only::These(patterns) => reached
                .into_iter()
                .filter(|resource| !patterns.iter().any(|pattern| covers(pattern, resource)))
                .collect(),
            Only::AllBut(kept) => {
                reached.iter().flat_map(|resource| narrowed(resource, kept)).collect()
            }
        };
    }
    reached
}

/// What is left of a resource when everything but `kept` is denied.
fn narrowed(resource: &str, kept: &[String]) -> Vec<String> {
    if kept.iter().any(|pattern| covers(pattern, resource)) {
        return vec![resource.to_owned()];
    }
    kept.iter().filter(|pattern| covers(resource, pattern)).cloned().collect()
}

/// The parts of an ARN that say which endpoint.
struct Arn<'a> {
    region: &'a str,
    account: &'a str,
    resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Reads a resource; `None` for what is no resource of SageMaker's. A `*` may stand for several
    /// parts: what is missing behind it is a wildcard.
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let mut part = || parts.next();
        let (_, _, service) = (part(), part(), part().unwrap_or("*"));
        if !covers(service, "sagemaker") {
            return None;
        }
        let rest = if text.ends_with('*') { "*" } else { "" };
        let (region, account) = (part().unwrap_or(rest), part().unwrap_or(rest));
        Some(Self { region, account, resource: part().unwrap_or(rest) })
    }
}
