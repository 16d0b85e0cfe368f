//! The project file from text and from disk.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;
use thiserror::Error;

use super::model::Project;
use super::{FILE_NAME, lint};
use crate::document::{self, DocumentError};
use crate::suite::builtin::is_path;
use crate::suite::load::read_text;

static SCHEMA: LazyLock<Value> = LazyLock::new(document::shape::schema_of::<Project>);

/// A project and where it stands.
#[derive(Clone, Debug)]
pub struct LoadedProject {
    /// The project; paths in it are as seen from the working directory.
    pub project: Project,
    /// The file.
    pub path: PathBuf,
}

/// A project file that cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProjectError {
    /// The file could not be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is wrong.
    #[error("{0}")]
    Wrong(DocumentError),
}

impl ProjectError {
    /// For a terminal: every problem with its line, a caret and what to do; ends with a line end.
    /// Never shows a value that may be a secret.
    pub fn render(&self, colour: bool) -> String {
        match self {
            Self::Read { .. } => format!("error: {self}\n"),
            Self::Wrong(error) => error.render(colour),
        }
    }
}

/// The project file of `directory` or of the nearest directory above it.
pub fn find(directory: &Path) -> Option<PathBuf> {
    directory.ancestors().map(|above| above.join(FILE_NAME)).find(|path| path.is_file())
}

/// Reads a project file; paths in it are taken from its own directory.
pub fn load(path: &Path) -> Result<LoadedProject, ProjectError> {
    let text =
        read_text(path).map_err(|source| ProjectError::Read { path: path.to_owned(), source })?;
    let mut project = parse(&path.display().to_string(), &text)?;
    let directory = path.parent().unwrap_or_else(|| Path::new(""));
    let place = |path: &mut String| *path = directory.join(&*path).display().to_string();
    for target in project.targets.values_mut() {
        let target = &mut target.value;
        target.ca.0.iter_mut().for_each(place);
        target.client_cert.iter_mut().for_each(place);
        target.client_key.iter_mut().for_each(place);
        target.profile.iter_mut().filter(|name| is_path(name)).for_each(place);
    }
    project.check.suites.iter_mut().filter(|name| is_path(name)).for_each(place);
    Ok(LoadedProject { project, path: path.to_owned() })
}

/// Reads a project. `origin` is how messages call it.
pub fn parse(origin: &str, text: &str) -> Result<Project, ProjectError> {
    let (tree, mut problems) = document::parse_toml(text);
    let mut shown = text.to_owned();
    let mut project = None;
    if let Some(tree) = tree {
        let (read, shape) = document::read::<Project>(&SCHEMA, &tree);
        project = read;
        let secrets = lint::secrets(&tree);
        // A refused secret is an unknown key as well; once is enough.
        problems.extend(
            shape.into_iter().filter(|problem| {
                !secrets.iter().any(|secret| secret.problem.span == problem.span)
            }),
        );
        for secret in secrets {
            lint::mask(&mut shown, &secret.value);
            problems.push(secret.problem);
        }
        problems.extend(lint::problems(&tree));
    }
    match project {
        Some(project) if problems.is_empty() => Ok(project),
        _ => Err(ProjectError::Wrong(DocumentError::new(origin, &shown, problems))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{HttpVersion, template};

    fn read(text: &str) -> Project {
        parse("proofhouse.toml", text).unwrap_or_else(|error| panic!("{}", error.render(false)))
    }

    fn refusal(text: &str) -> String {
        parse("proofhouse.toml", text).unwrap_err().render(false)
    }

    #[test]
    fn a_target_is_read_with_all_its_settings() {
        let project = read(
            r#"
            [targets.staging]
            url = "https://llm.example.com/v1"
            auth-command = ["aws", "token"]
            auth-ttl = "10m"
            auth-header = "api-key"
            headers = { "x-team" = "red" }
            ca = "ca.pem"
            http = "2"
            timeouts = { connect = "10s", first-byte = "2m" }
            [check]
            suites = ["core", "./mine.yaml"]
            levels = ["must"]
            concurrency = 4
            "#,
        );
        let target = &project.targets["staging"];
        assert_eq!(target.ca.0, ["ca.pem"]);
        assert_eq!(target.http, Some(HttpVersion::Http2));
        assert_eq!(target.timeouts.first_byte.as_deref(), Some("2m"));
        assert_eq!(project.check.concurrency, Some(4));
    }

    #[test]
    fn an_unknown_key_is_told_with_its_place_and_the_key_meant() {
        let said = refusal("[targets.a]\nurl = \"http://x/v1\"\nmodle = \"m\"\n");
        assert!(said.contains("unknown key `modle` in a target"), "{said}");
        assert!(said.contains("proofhouse.toml:3:1"), "{said}");
        assert!(said.contains("did you mean `model`?"), "{said}");
    }

    #[test]
    fn a_secret_is_refused_and_never_shown() {
        for line in [
            "api_key = \"sk-canary\"",
            "token = \"sk-canary\"",
            "key = \"sk-canary\"",
            "headers = { Authorization = \"Bearer sk-canary\" }",
            "headers = { api-key = \"sk-canary\" }",
            "auth-env = \"sk-canary\"",
            "proxy = \"http://user:sk-canary@proxy:3128\"",
        ] {
            let said = refusal(&format!("[targets.a]\nurl = \"http://x/v1\"\n{line}\n"));
            assert!(!said.contains("canary"), "{said}");
            assert!(said.contains("auth-env"), "{said}");
            assert!(said.contains("proofhouse.toml:3:"), "{said}");
            assert_eq!(said.matches("error").count(), 1, "{said}");
        }
    }

    #[test]
    fn settings_that_contradict_each_other_are_told() {
        let said = |line: &str| refusal(&format!("[targets.a]\nurl = \"http://x/v1\"\n{line}\n"));
        assert!(said("auth-env = \"A\"\nauth-command = [\"b\"]").contains("not both"));
        assert!(said("auth-header = \"api-key\"").contains("without a key"));
        assert!(said("client-cert = \"c.pem\"").contains("client-key"));
        assert!(said("timeouts = { total = \"5 days\" }").contains("is not a duration"));
        assert!(said("timeouts = { totl = \"5s\" }").contains("did you mean `total`?"));
        assert!(said("http = \"3\"").contains("expected `1.1`, `2`"));
        assert!(refusal("[targets.a]\nurl = \"x/v1\"\n").contains("https://"));
        assert!(refusal("[targets.a]\nmodel = \"m\"\n").contains("`url` is missing"));
        let cloud = |lines: &str| refusal(&format!("[targets.a]\n{lines}\n"));
        assert!(cloud("kind = \"sagemaker\"").contains("`endpoint` is missing"));
        assert!(
            cloud("kind = \"sagemaker\"\nendpoint = \"e\"\ntoken-expiry = \"13h\"")
                .contains("12 hours")
        );
        assert!(cloud("kind = \"bedrock\"\nfips = true").contains("about SageMaker"));
        assert!(said("endpoint = \"e\"").contains("about a `kind`"));
        assert!(refusal("[check]\nconcurrency = 0\n").contains("at least 1"));
    }

    #[test]
    fn text_that_is_not_toml_is_told_where() {
        let said = refusal("[targets.a\nurl = 1\n");
        assert!(said.contains("proofhouse.toml:1:"), "{said}");
        let said = refusal("[check]\nskip = []\nskip = []\n");
        assert!(said.contains("duplicate key"), "{said}");
        assert!(said.contains("proofhouse.toml:3:1"), "{said}");
    }

    #[test]
    fn the_template_of_init_is_a_project_with_and_without_its_comments() {
        let project = read(template());
        assert!(project.targets.contains_key("local"));
        let set = |line: &'static str| {
            line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line)
        };
        let bare = template().lines().map(set).collect::<Vec<_>>().join("\n");
        // Everything at once contradicts itself only in the two ways to give a key.
        let said = parse("proofhouse.toml", &bare).unwrap_err().render(false);
        assert_eq!(said.matches("error").count(), 1, "{said}");
        assert!(said.contains("`auth-env` or `auth-command`, not both"), "{said}");
    }

    #[test]
    fn paths_are_taken_from_the_files_own_directory() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE_NAME);
        let text = "[targets.a]\nurl = \"http://x/v1\"\nca = \"ca.pem\"\nprofile = \"./p.yaml\"\n\
                    [targets.b]\nurl = \"http://x/v1\"\nprofile = \"vllm\"\n";
        std::fs::write(&path, text).unwrap();
        let below = directory.path().join("a/b");
        std::fs::create_dir_all(&below).unwrap();

        let found = find(&below).unwrap();

        assert_eq!(found, path);
        let project = load(&found).unwrap().project;
        let at = |name: &str| directory.path().join(name).display().to_string();
        assert_eq!(project.targets["a"].ca.0, [at("ca.pem")]);
        assert_eq!(project.targets["a"].profile, Some(at("./p.yaml")));
        assert_eq!(project.targets["b"].profile.as_deref(), Some("vllm"));
    }
}
