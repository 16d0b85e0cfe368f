//! The points at which a persona or a fault may step in.

use super::answer::Answer;
use super::ask::Ask;
use super::event::Event;
use super::house::House;
use super::reply::Reply;
use super::request::Request;
use super::script::Script;

/// One change to the way of a request, at one point of it.
///
/// Whatever steps in early leaves everything after it to the ordinary course, so that it breaks
/// one thing and keeps the rest consistent.
pub(crate) enum Act {
    /// How connections behave.
    Traits(fn(&mut Traits)),
    /// What the server hears, on the routes beside the Responses API and the batches.
    Hear(fn(&mut Request, &House)),
    /// What it answers instead, though the request was fine.
    Instead(fn(&Scene<'_>) -> Option<Reply>),
    /// What the engine decides.
    Decide(fn(&mut Answer, &Scene<'_>)),
    /// A plain answer's JSON and headers.
    Plain(fn(&mut Reply, &Scene<'_>)),
    /// An error's JSON, status and headers.
    Error(fn(&mut Reply, &Scene<'_>)),
    /// The events of a stream.
    Events(fn(&mut Vec<Event>, &Scene<'_>)),
    /// The same of the Responses API, which has words of its own: what steps in at a chat leaves
    /// it alone.
    Response(ResponseAct),
    /// Any response, as bytes with times.
    Script(fn(&mut Script, &Scene<'_>)),
}

/// A change to the way of a request to the Responses API.
pub(crate) enum ResponseAct {
    /// What the server hears.
    Hear(fn(&mut Request, &House)),
    /// What it answers instead, though the request was fine.
    Instead(fn(&Scene<'_>) -> Option<Reply>),
    /// What the engine decides.
    Decide(fn(&mut Answer, &Scene<'_>)),
    /// The events of a stream.
    Events(fn(&mut Vec<Event>, &Scene<'_>)),
}

/// How connections behave.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own fault")]
pub(crate) struct Traits {
    /// Bytes of one write.
    pub(crate) write_max: usize,
    /// `Expect: 100-continue` is passed over in silence.
    pub(crate) ignores_expect: bool,
    /// The engine goes on working when the client of a stream leaves.
    pub(crate) ignores_leaving: bool,
    /// The same for plain answers.
    pub(crate) ignores_leaving_plain: bool,
    /// A request's head must come in one read.
    pub(crate) wants_whole_heads: bool,
    /// Requests beyond the capacity are reset, not answered.
    pub(crate) resets_overload: bool,
    /// A limit that does not fit beside the prompt is lowered, not refused.
    pub(crate) clamps_limit: bool,
    /// Any model name is served.
    pub(crate) any_model: bool,
    /// A body that is too long is reset, not answered.
    pub(crate) resets_large: bool,
    /// A stream in gzip is not flushed.
    pub(crate) holds_gzip: bool,
}

impl Default for Traits {
    fn default() -> Self {
        Self {
            write_max: usize::MAX,
            ignores_expect: false,
            ignores_leaving: false,
            ignores_leaving_plain: false,
            wants_whole_heads: false,
            resets_overload: false,
            clamps_limit: false,
            any_model: false,
            resets_large: false,
            holds_gzip: false,
        }
    }
}

/// What is known when an act steps in.
pub(crate) struct Scene<'a> {
    pub(crate) house: &'a House,
    pub(crate) request: &'a Request,
    /// What was asked; `None` where the request has not been understood.
    pub(crate) ask: Option<&'a Ask>,
    /// What the engine has decided; `None` until it has.
    pub(crate) answer: Option<&'a Answer>,
}

impl Scene<'_> {
    pub(crate) fn number(&self) -> u64 {
        self.request.number
    }
}
