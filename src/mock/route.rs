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
            "/tokenize" => Self::Tokenize,
            "/health" => Self::Health,
            "/ping" => Self::Ping,
            "/metrics" => Self::Metrics,
            _ => match path.strip_prefix("/v1/models/") {
                Some(name) if !name.is_empty() => Self::Model(
                    percent_encoding::percent_decode_str(name).decode_utf8_lossy().into_owned(),
                ),
                _ => Self::Unknown,
            },
        }
    }

    /// The one method it takes; `HEAD` goes wherever `GET` goes.
    pub(crate) const fn method(&self) -> &'static str {
        match self {
            Self::Chat | Self::Completions | Self::Embeddings | Self::Tokenize => "POST",
            _ => "GET",
        }
    }

    pub(crate) fn takes(&self, method: &str) -> bool {
        method == self.method() || (method == "HEAD" && self.method() == "GET")
    }

    /// Whether the engine answers, and not the front.
    pub(crate) const fn needs_engine(&self) -> bool {
        matches!(self, Self::Chat | Self::Completions | Self::Embeddings)
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
    fn head_goes_where_get_goes() {
        assert!(Route::Models.takes("HEAD") && !Route::Chat.takes("HEAD"));
    }
}
