//! What a path asks for.

/// What a path asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Chat,
    Completions,
    Embeddings,
    Models,
    /// One model, by name; a name may hold slashes.
    Model(String),
    Responses,
    /// One stored response, by id.
    Response(String),
    /// What a stored response was asked.
    ResponseInput(String),
    Files,
    File(String),
    FileContent(String),
    Batches,
    Batch(String),
    BatchCancel(String),
    Tokenize,
    Health,
    Ping,
    Metrics,
    Unknown,
}

impl Route {
    pub(crate) fn of(path: &str) -> Self {
        match path {
            "/v1/chat/completions" => Self::Chat,
            "/v1/completions" => Self::Completions,
            "/v1/embeddings" => Self::Embeddings,
            "/v1/models" => Self::Models,
            "/v1/responses" => Self::Responses,
            "/v1/files" => Self::Files,
            "/v1/batches" => Self::Batches,
            "/tokenize" => Self::Tokenize,
            "/health" => Self::Health,
            "/ping" => Self::Ping,
            "/metrics" => Self::Metrics,
            _ => Self::below(path),
        }
    }

    /// The routes of one thing, which name it.
    fn below(path: &str) -> Self {
        let Some((kind, name)) = path.strip_prefix("/v1/").and_then(|below| below.split_once('/'))
        else {
            return Self::Unknown;
        };
        let (id, action) = name.split_once('/').map_or((name, ""), |(id, action)| (id, action));
        let owned = |text: &str| {
            percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
        };
        match (kind, action) {
            _ if id.is_empty() => Self::Unknown,
            // A model's name may hold slashes.
            ("models", _) => Self::Model(owned(name)),
            ("responses", "") => Self::Response(owned(id)),
            ("responses", "input_items") => Self::ResponseInput(owned(id)),
            ("files", "") => Self::File(owned(id)),
            ("files", "content") => Self::FileContent(owned(id)),
            ("batches", "") => Self::Batch(owned(id)),
            ("batches", "cancel") => Self::BatchCancel(owned(id)),
            _ => Self::Unknown,
        }
    }

    /// The methods it takes; `HEAD` goes wherever `GET` goes.
    pub(crate) const fn methods(&self) -> &'static [&'static str] {
        match self {
            Self::Chat
            | Self::Completions
            | Self::Embeddings
            | Self::Tokenize
            | Self::Responses
            | Self::BatchCancel(_) => &["POST"],
            Self::Response(_) | Self::File(_) => &["GET", "HEAD", "DELETE"],
            Self::Files | Self::Batches => &["GET", "HEAD", "POST"],
            _ => &["GET", "HEAD"],
        }
    }

    /// The first of them.
    pub(crate) const fn method(&self) -> &'static str {
        match self.methods() {
            [first, ..] => first,
            [] => "GET",
        }
    }

    pub(crate) fn takes(&self, method: &str) -> bool {
        self.methods().contains(&method)
    }

    /// Whether the engine answers, and not the front.
    pub(crate) const fn needs_engine(&self) -> bool {
        matches!(self, Self::Chat | Self::Completions | Self::Embeddings | Self::Responses)
    }

    /// Whether it belongs to the Responses API, files or batches, which speak otherwise than chats.
    pub(crate) const fn is_apart(&self) -> bool {
        matches!(
            self,
            Self::Responses
                | Self::Response(_)
                | Self::ResponseInput(_)
                | Self::Files
                | Self::File(_)
                | Self::FileContent(_)
                | Self::Batches
                | Self::Batch(_)
                | Self::BatchCancel(_)
        )
    }

    /// Whether a key is asked for.
    pub(crate) const fn needs_key(&self) -> bool {
        !matches!(self, Self::Health | Self::Ping | Self::Metrics | Self::Tokenize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_name_may_hold_slashes_and_escapes() {
        assert_eq!(Route::of("/v1/models/org/m"), Route::Model("org/m".into()));
        assert_eq!(Route::of("/v1/models/org%2Fm"), Route::Model("org/m".into()));
        assert_eq!(Route::of("/v1/models/"), Route::Unknown);
    }

    #[test]
    fn things_are_named_in_the_path_and_what_is_done_with_them_behind_it() {
        assert_eq!(Route::of("/v1/responses/resp_1"), Route::Response("resp_1".into()));
        assert_eq!(Route::of("/v1/responses/r/input_items"), Route::ResponseInput("r".into()));
        assert_eq!(Route::of("/v1/files/f/content"), Route::FileContent("f".into()));
        assert_eq!(Route::of("/v1/batches/b/cancel"), Route::BatchCancel("b".into()));
        assert_eq!(Route::of("/v1/batches/b/more"), Route::Unknown);
        assert!(Route::Files.takes("POST") && !Route::Batch("b".into()).takes("DELETE"));
    }

    #[test]
    fn head_goes_where_get_goes() {
        assert!(Route::Models.takes("HEAD") && !Route::Chat.takes("HEAD"));
    }
}
