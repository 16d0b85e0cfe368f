//! A run from the point of view of one client.

use super::harm::Harms;
use crate::lens::{self, Lens};
use crate::record::{CaseRecord, Run, Warning};
use crate::verdict::Verdict;

/// The run as the client that it was made for sees it; the run itself if it was made for none.
///
/// What a broken check does to that client's user decides: if it hurts, the case fails, whatever
/// its level; if not, it is a note. Known deviations and what could not be decided stay as they
/// are. The record keeps the verdicts of the catalogue.
#[must_use]
pub fn as_seen(mut run: Run) -> Run {
    let Some(lens) = run.meta.client.as_deref().and_then(lens::find) else { return run };
    let harms = Harms::of(&run);
    let views: Vec<Vec<Option<(Verdict, String)>>> = run
        .targets
        .iter()
        .map(|target| target.cases.iter().map(|case| view(&run, &harms, lens, case)).collect())
        .collect();
    let cases = run.targets.iter_mut().flat_map(|target| &mut target.cases);
    for (case, view) in cases.zip(views.into_iter().flatten()) {
        if let Some((verdict, reason)) = view {
            case.verdict = verdict;
            case.reason = Some(reason);
        }
    }
    run.warnings.push(Warning {
        target: None,
        seen: format!("the verdicts are those of {} ({} {})", lens.id, lens.package, lens.version),
        meaning: "what hurts this client fails, and what it tolerates is a note".to_owned(),
        remedy: "check without --client for the verdicts of the catalogue".to_owned(),
    });
    run
}

/// What becomes of a case, and why; `None` if it stays as it is.
fn view(run: &Run, harms: &Harms<'_>, lens: &Lens, case: &CaseRecord) -> Option<(Verdict, String)> {
    if !matches!(case.verdict, Verdict::Fail | Verdict::Warn | Verdict::Info) {
        return None;
    }
    let hurt = harms.of_client(case, lens).map(|harm| harm.said().to_owned());
    if let Some(said) = hurt.or_else(|| Some(harms.noted(case, lens)?.said())) {
        return Some((Verdict::Fail, format!("{}: {said}", lens.id)));
    }
    let asks = super::harm::behind(case)
        .filter_map(|id| run.exchanges.get(id))
        .any(|exchange| lens.applies(exchange));
    let reason = if asks {
        format!("{} tolerates this ({} otherwise)", lens.id, case.verdict.name())
    } else {
        format!("{} does not ask this ({} otherwise)", lens.id, case.verdict.name())
    };
    Some((Verdict::Info, reason))
}
