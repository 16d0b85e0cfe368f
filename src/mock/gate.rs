//! The front door of a SageMaker endpoint: it verifies bearer tokens as IAM would, signature,
//! expiry, region and scope, so that the whole way is tested without an account.

use chrono::TimeDelta;
use secrecy::ExposeSecret as _;

use super::refusal::Refusal;
use crate::aws::Credentials;
use crate::aws::bearer::Service;
use crate::aws::presigned::{self, Presigned};
use crate::aws::sigv4::{Request, Scope, signature};
use crate::clock::Clock;

/// How far a signer's clock may be ahead.
const SKEW: TimeDelta = TimeDelta::minutes(5);
/// The longest life of a token, in seconds.
const LIFE_MAX: i64 = 12 * 60 * 60;

/// Who may call what.
#[derive(Clone, Debug)]
pub struct Gate {
    /// The service whose tokens are taken.
    pub service: Service,
    /// The region it stands in.
    pub region: String,
    /// The account, in messages.
    pub account: String,
    /// The identity whose tokens are good.
    pub identity: Credentials,
    /// The endpoint that there is.
    pub endpoint: String,
    /// Its inference components.
    pub components: Vec<String>,
    /// What the identity may call: names of endpoints.
    pub allowed: Vec<String>,
    /// What time it is.
    pub clock: Clock,
}

/// The endpoint that a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) endpoint: String,
    pub(crate) component: Option<String>,
}

/// The endpoint that a path names, and the path below it: `/v1/chat/completions`.
pub(crate) fn placed(path: &str) -> Option<(Place, &str)> {
    let rest = path.strip_prefix("/endpoints/")?;
    let (front, below) = rest.split_once("/openai/")?;
    let (endpoint, component) = match front.split_once("/inference-components/") {
        Some((endpoint, component)) => (endpoint, Some(component.to_owned())),
        None => (front, None),
    };
    let below = path.get(path.len() - below.len() - 1..)?;
    let place = Place { endpoint: endpoint.to_owned(), component };
    (!endpoint.contains('/')).then_some((place, below))
}

impl Gate {
    /// Lets a request in, or says why not.
    pub(crate) fn admit(
        &self,
        authorization: Option<&str>,
        place: Option<&Place>,
    ) -> Result<(), Refusal> {
        let token = authorization.and_then(|value| value.split_once(' '));
        let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let (_, token) = token.ok_or_else(|| denied("Missing Authentication Token"))?;
        let read = presigned::parse_token(token)
            .map_err(|_| denied("The security token included in the request is invalid."))?;
        self.verify(&read)?;
        let Some(place) = place else { return Ok(()) };
        if !self.allowed.contains(&place.endpoint) {
            return Err(denied(format!(
                "User: arn:aws:sts::{0}:assumed-role/caller is not authorized to perform: sagemaker:InvokeEndpoint on resource: arn:aws:sagemaker:{1}:{0}:endpoint/{2}",
                self.account, self.region, place.endpoint
            )));
        }
        if place.endpoint != self.endpoint {
            return Err(front(format!(
                "Endpoint {} of account {} not found.",
                place.endpoint, self.account
            )));
        }
        match &place.component {
            Some(component) if !self.components.contains(component) => Err(front(format!(
                "Inference Component {component} of account {} not found.",
                self.account
            ))),
            _ => Ok(()),
        }
    }

    /// Signature, expiry and scope of a token.
    fn verify(&self, read: &Presigned) -> Result<(), Refusal> {
        let session = |token: Option<&secrecy::SecretString>| {
            token.map(|token| token.expose_secret().to_owned()).filter(|token| !token.is_empty())
        };
        let is_known = read.service == self.service
            && read.access_key_id == self.identity.access_key_id
            && session(read.session_token.as_ref())
                == session(self.identity.session_token.as_ref());
        if !is_known {
            return Err(denied("The security token included in the request is invalid."));
        }
        if read.region != self.region {
            return Err(denied("Credential should be scoped to a valid region."));
        }
        let host = read.service.host().to_owned();
        let request = Request {
            method: "POST",
            path: "/",
            query: &read.signed_parameters(),
            headers: &[("host".to_owned(), host)],
            body: b"",
        };
        let scope = Scope { at: read.issued, region: &read.region, service: read.service.name() };
        let expected = signature(&self.identity.secret, &request, &scope);
        if read.signature.expose_secret() != expected {
            return Err(denied(
                "The request signature we calculated does not match the signature you provided.",
            ));
        }
        let now = self.clock.wall();
        if read.issued > now + SKEW {
            return Err(denied("Signature not yet current."));
        }
        if !(1..=LIFE_MAX).contains(&read.life_seconds()) {
            return Err(denied("X-Amz-Expires must be between 1 second and 12 hours."));
        }
        if read.has_ended(now) {
            return Err(denied("The security token included in the request is expired"));
        }
        Ok(())
    }
}

/// IAM's refusal. Its shape on this route is not documented; the status is.
fn denied(message: impl Into<String>) -> Refusal {
    Refusal::new(403, message).code("access_denied").header(FRONT, "1")
}

/// A refusal of the front door.
fn front(message: String) -> Refusal {
    Refusal::new(400, message).code("validation_error").header(FRONT, "1")
}

/// Marks what the container has not said. It does not go out.
const FRONT: &str = "x-proofhouse-front";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::bearer::{Expiry, mint};
    use crate::units::Nanos;

    fn gate() -> Gate {
        let identity = Credentials {
            access_key_id: "ASIAIOSFODNN7EXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned().into(),
            session_token: Some("AQoDYXdzEJr1K/example+session=token==".to_owned().into()),
            expires: None,
            source: "a test".to_owned(),
        };
        Gate {
            service: Service::SageMaker,
            region: "us-west-2".to_owned(),
            account: "123456789012".to_owned(),
            identity,
            endpoint: "qwen".to_owned(),
            components: vec!["small".to_owned()],
            allowed: vec!["qwen".to_owned(), "gone".to_owned()],
            clock: Clock::by_hand("2026-11-20T10:00:00Z".parse().unwrap()),
        }
    }

    fn header(gate: &Gate, region: &str, change: impl FnOnce(&mut Credentials)) -> String {
        let mut credentials = gate.identity.clone();
        change(&mut credentials);
        let now = gate.clock.wall();
        let token = mint(Service::SageMaker, &credentials, region, Expiry::default(), now);
        format!("Bearer {}", token.unwrap().secret.expose_secret())
    }

    fn said(gate: &Gate, authorization: &str, path: &str) -> Option<(u16, String)> {
        let place = placed(path).map(|(place, _)| place);
        let refusal = gate.admit(Some(authorization), place.as_ref()).err();
        refusal.map(|refusal| (refusal.status, refusal.message))
    }

    #[test]
    fn a_path_names_an_endpoint_and_its_component() {
        let (place, below) = placed("/endpoints/e/openai/v1/chat/completions").unwrap();
        assert_eq!(
            (place.endpoint.as_str(), place.component, below),
            ("e", None, "/v1/chat/completions")
        );
        let (place, _) = placed("/endpoints/e/inference-components/c/openai/v1/models").unwrap();
        assert_eq!(place.component.as_deref(), Some("c"));
        for path in ["/v1/models", "/endpoints/e/v1", "/endpoints/e/x/openai/v1/models"] {
            assert_eq!(placed(path), None, "{path}");
        }
    }

    #[test]
    fn only_what_the_identity_signed_for_this_region_comes_in_and_only_for_its_time() {
        let gate = gate();
        let good = header(&gate, "us-west-2", |_| ());
        let chat = "/endpoints/qwen/openai/v1/chat/completions";
        assert_eq!(said(&gate, &good, chat), None);
        assert_eq!(
            said(&gate, &good, "/endpoints/qwen/inference-components/small/openai/v1/x"),
            None
        );

        let secret = header(&gate, "us-west-2", |c| c.secret = "other".to_owned().into());
        let id = header(&gate, "us-west-2", |c| c.access_key_id = "ASIAOTHER".to_owned());
        let session = header(&gate, "us-west-2", |c| c.session_token = None);
        let region = header(&gate, "us-east-1", |_| ());
        let mut garbled = good.clone();
        garbled.truncate(good.len() - 20);
        for (token, why) in [
            (secret, "does not match"),
            (id, "is invalid"),
            (session, "is invalid"),
            (region, "valid region"),
            (garbled, "is invalid"),
            ("Bearer sk-1".to_owned(), "is invalid"),
            ("Basic x".to_owned(), "Missing"),
        ] {
            let (status, message) = said(&gate, &token, chat).unwrap();
            assert!(status == 403 && message.contains(why), "{message}");
        }
        assert!(gate.admit(None, None).is_err());
        for (path, status, why) in [
            ("/endpoints/other/openai/v1/x", 403, "endpoint/other"),
            ("/endpoints/gone/openai/v1/x", 400, "Endpoint gone of account"),
            ("/endpoints/qwen/inference-components/big/openai/v1/x", 400, "Component big"),
        ] {
            let (seen, message) = said(&gate, &good, path).unwrap();
            assert!(seen == status && message.contains(why), "{message}");
        }
        gate.clock.advance(Nanos::from_millis(899_000));
        assert_eq!(said(&gate, &good, chat), None);
        gate.clock.advance(Nanos::from_millis(1_000));
        let (_, message) = said(&gate, &good, chat).unwrap();
        assert!(message.contains("expired"), "{message}");
        let early = self::gate();
        early.clock.advance(Nanos::from_millis(6 * 60_000));
        let early = header(&early, "us-west-2", |_| ());
        let (_, message) = said(&self::gate(), &early, chat).unwrap();
        assert!(message.contains("not yet"), "{message}");
    }
}
