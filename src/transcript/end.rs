//! How an exchange ended. What the peer does is data, never an error.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Nanos;

/// How an exchange ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum End {
    /// The response arrived whole, by its own framing (content-length, last chunk, `END_STREAM`), or
    /// the connection closed where closing is the framing.
    Complete,
    /// The connection closed in an orderly way before the response was whole.
    CutShort {
        /// What was missing, for people: `the terminating chunk`, `120 of 400 bytes`.
        why: String,
    },
    /// The connection was reset (TCP RST, or HTTP/2 `RST_STREAM` or GOAWAY).
    Reset {
        /// The system's or the protocol's own words.
        why: String,
    },
    /// A deadline of ours passed first.
    TimedOut {
        /// Which deadline.
        phase: Phase,
        /// How long it was.
        after: Nanos,
    },
    /// Nobody listens there, or the connection could not be made.
    Refused {
        /// The system's own words.
        why: String,
    },
    /// The host name has no address.
    Unresolved {
        /// The resolver's own words.
        why: String,
    },
    /// TLS could not be agreed on, or the certificate did not hold.
    TlsFailed {
        /// The reason, naming the certificate problem where there is one.
        why: String,
        /// What has to change, where that can be told.
        #[serde(default, skip_serializing_if = "TlsFault::is_other")]
        fault: TlsFault,
    },
    /// The bytes were not HTTP.
    NotHttp {
        /// What was wrong with them.
        why: String,
    },
    /// A reused connection turned out closed before any byte of the response; nothing was sent
    /// again.
    ClosedBeforeResponse,
    /// We left on purpose: the step asked for an early disconnect.
    Left,
    /// We stopped reading at one of our own limits.
    LimitReached {
        /// Which limit.
        limit: Limit,
    },
    /// Nothing was sent: the request could not be made, or there was no key for it.
    Unsent {
        /// What is wrong, on our side.
        why: String,
    },
    /// The run was interrupted while the exchange was under way.
    Interrupted,
}

impl End {
    /// Whether the harness, and not the endpoint, cut this exchange.
    pub const fn is_ours(&self) -> bool {
        matches!(self, Self::Left | Self::LimitReached { .. } | Self::Interrupted)
    }

    /// The reason, where there is one: it may quote the peer.
    pub const fn why_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::CutShort { why }
            | Self::Reset { why }
            | Self::Refused { why }
            | Self::Unresolved { why }
            | Self::TlsFailed { why, .. }
            | Self::NotHttp { why }
            | Self::Unsent { why } => Some(why),
            Self::Complete
            | Self::TimedOut { .. }
            | Self::ClosedBeforeResponse
            | Self::Left
            | Self::LimitReached { .. }
            | Self::Interrupted => None,
        }
    }

    /// Whether the endpoint could not be reached at all.
    pub const fn is_unreachable(&self) -> bool {
        match self {
            Self::Refused { .. }
            | Self::Unresolved { .. }
            | Self::TlsFailed { .. }
            | Self::Unsent { .. } => true,
            Self::TimedOut { phase, .. } => matches!(phase, Phase::Connect | Phase::Tls),
            _ => false,
        }
    }

    /// The end in one clause: `the connection was reset (…)`.
    pub fn describe(&self) -> String {
        match self {
            Self::Complete => "the response arrived whole".to_owned(),
            Self::CutShort { why } => format!("the connection closed early ({why} missing)"),
            Self::Reset { why } => format!("the connection was reset ({why})"),
            Self::TimedOut { phase, after } => {
                format!("no {} within {after}", phase.waiting_for())
            }
            Self::Refused { why } => format!("the connection was refused ({why})"),
            Self::Unresolved { why } => format!("the host name has no address ({why})"),
            Self::TlsFailed { why, .. } => format!("TLS failed ({why})"),
            Self::NotHttp { why } => format!("the answer is not HTTP ({why})"),
            Self::ClosedBeforeResponse => {
                "the reused connection was closed before a response came".to_owned()
            }
            Self::Left => "we disconnected, as the step asked".to_owned(),
            Self::LimitReached { limit } => format!("we stopped reading at {}", limit.name()),
            Self::Unsent { why } => format!("the request was not sent ({why})"),
            Self::Interrupted => "the run was interrupted".to_owned(),
        }
    }
}

/// What TLS failed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TlsFault {
    /// The certificate's issuer is not trusted here.
    Issuer,
    /// The certificate has expired.
    Expired,
    /// The certificate is not valid yet.
    NotYetValid,
    /// The certificate is for another host name.
    HostName,
    /// The server wants a certificate of ours, or another one.
    ClientCertificate,
    /// What came is not TLS.
    NotTls,
    /// Anything else.
    #[default]
    Other,
}

impl TlsFault {
    /// Whether it is none of those that have a name.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
    const fn is_other(&self) -> bool {
        matches!(self, Self::Other)
    }
}

/// The part of an exchange that a deadline covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Name resolution and TCP connect.
    Connect,
    /// The TLS handshake.
    Tls,
    /// From the request's last byte to the response's first.
    FirstByte,
    /// Between two reads of the response.
    Gap,
    /// The whole exchange.
    Total,
}

impl Phase {
    /// What was being waited for: `no {…} within 5 s`.
    pub const fn waiting_for(self) -> &'static str {
        match self {
            Self::Connect => "connection",
            Self::Tls => "TLS handshake",
            Self::FirstByte => "first byte",
            Self::Gap => "further byte",
            Self::Total => "end of the response",
        }
    }
}

/// A limit of ours that keeps memory bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// Bytes of one body.
    BodyBytes,
    /// Frames of one body.
    Frames,
}

impl Limit {
    const fn name(self) -> &'static str {
        match self {
            Self::BodyBytes => "the body size limit",
            Self::Frames => "the frame limit",
        }
    }
}
