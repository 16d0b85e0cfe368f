//! `proofhouse init`: a commented project file and a first suite.

use crate::cli::args::InitArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::project;
use crate::suite;

/// What `suites/mine.yaml` names as its schema: an editor needs no network for it, and it is that of
/// this binary.
const SUITE_SCHEMA_FILE_NAME: &str = "proofhouse.suite.schema.json";

const SUITE: &str = include_str!("init/suite.yaml");

pub(super) fn run(args: &InitArgs) -> Result<Exit, Failure> {
    let text = |schema: &serde_json::Value| {
        serde_json::to_string_pretty(schema).map_err(|error| Failure::new(Exit::Unwritten, error))
    };
    let (schema, suite_schema) = (text(&project::schema())?, text(&suite::schema::suite())?);
    let files = [
        (args.dir.join(project::FILE_NAME), project::template()),
        (args.dir.join(project::SCHEMA_FILE_NAME), schema.as_str()),
        (args.dir.join(SUITE_SCHEMA_FILE_NAME), suite_schema.as_str()),
        (args.dir.join("suites/mine.yaml"), SUITE),
    ];
    if let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
        return Err(Failure::usage(format!("`{}` is there already", path.display()))
            .hint("name another folder, or move the file away; nothing was written"));
    }
    for (path, contents) in &files {
        output::file(path, contents)?;
        output::note(&format!("wrote {}", path.display()));
    }
    output::note(&format!(
        "next: name your endpoint in {}, then `proofhouse check`",
        args.dir.join(project::FILE_NAME).display()
    ));
    Ok(Exit::Held)
}
