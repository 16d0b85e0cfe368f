//! A request as the mock reads it.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::gate::{Place, placed};
use super::route::Route;
use crate::transcript::Headers;

/// The header by which a client asks the mock for a failure it could not cause otherwise.
pub(crate) const ORDERS: &str = "x-proofhouse-mock";

/// A request as the mock reads it.
///
/// Faults that mishear a request change `json` or `headers`; the bytes stay.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) number: u64,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) route: Route,
    /// The endpoint of SageMaker that the path names.
    pub(crate) place: Option<Place>,
    pub(crate) headers: Headers,
    pub(crate) body: Bytes,
    /// The body, if it is JSON.
    pub(crate) json: Option<Value>,
}

/// What a client ordered by `x-proofhouse-mock`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Orders {
    /// `fail-after=N`: the engine fails after N pieces of content.
    pub(crate) fail_after: Option<usize>,
    /// `rate-limit`: answer 429.
    pub(crate) rate_limit: bool,
    /// `overload`: answer 503.
    pub(crate) overload: bool,
    /// `content-filter`: refuse the prompt, where the persona has a filter.
    pub(crate) content_filter: bool,
}

impl Request {
    pub(crate) fn new(
        number: u64,
        method: &str,
        path: &str,
        headers: Headers,
        body: Bytes,
    ) -> Self {
        Self {
            number,
            method: method.to_owned(),
            path: path.to_owned(),
            route: Route::of(path),
            place: None,
            json: serde_json::from_slice(&body).ok(),
            headers,
            body,
        }
    }

    /// Takes the path for one below an endpoint's, if it is: `/endpoints/NAME/openai/v1/…`.
    #[must_use]
    pub(crate) fn below_endpoint(mut self) -> Self {
        if let Some((place, below)) = placed(&self.path) {
            self.route = Route::of(below);
            self.place = Some(place);
        }
        self
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// The body as an object; empty if it is none.
    pub(crate) fn object(&self) -> &Map<String, Value> {
        static NOTHING: std::sync::LazyLock<Map<String, Value>> =
            std::sync::LazyLock::new(Map::new);
        self.json.as_ref().and_then(Value::as_object).unwrap_or(&NOTHING)
    }

    /// The same, to be changed.
    pub(crate) fn object_mut(&mut self) -> Option<&mut Map<String, Value>> {
        self.json.as_mut().and_then(Value::as_object_mut)
    }

    /// A field of the body; JSON's null counts as absent.
    pub(crate) fn field(&self, name: &str) -> Option<&Value> {
        self.object().get(name).filter(|value| !value.is_null())
    }

    /// Whether a stream is asked for.
    pub(crate) fn wants_stream(&self) -> bool {
        self.field("stream") == Some(&Value::Bool(true))
    }

    /// The messages, if there are any.
    pub(crate) fn messages(&self) -> &[Value] {
        self.field("messages").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn orders(&self) -> Orders {
        let mut orders = Orders::default();
        for word in self.header(ORDERS).unwrap_or_default().split([',', ' ']) {
            match word.split_once('=') {
                Some(("fail-after", count)) => orders.fail_after = count.parse().ok(),
                None if word == "rate-limit" => orders.rate_limit = true,
                None if word == "overload" => orders.overload = true,
                None if word == "content-filter" => orders.content_filter = true,
                _ => {}
            }
        }
        orders
    }
}
