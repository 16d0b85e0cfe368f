//! Targets whose URL and tokens are made from their names in AWS.

use super::failure::Failure;
use super::settings;
use super::targets::wrong;
use crate::aws::bearer::{Expiry, Service, is_region};
use crate::aws::endpoint::{Endpoint, suffix};
use crate::cli::exit::Exit;
use crate::clock::Clock;
use crate::project::{TargetEntry, TargetKind};
use crate::transport::Auth;
use crate::transport::aws::Minter;
use crate::transport::target::Target;

/// The variable in which the SDKs take a key of Bedrock.
const BEDROCK_KEY: &str = "AWS_BEARER_TOKEN_BEDROCK";

/// What AWS calls an endpoint.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cloud<'a> {
    pub(super) kind: TargetKind,
    /// A base URL in the place of the one that the names make: a VPC endpoint, a mock.
    pub(super) url: Option<&'a str>,
    pub(super) region: Option<&'a str>,
    pub(super) endpoint: Option<&'a str>,
    pub(super) component: Option<&'a str>,
    pub(super) fips: bool,
    pub(super) dual_stack: bool,
    /// How long a minted token lives; the default if absent.
    pub(super) expiry: Option<&'a str>,
}

impl<'a> Cloud<'a> {
    /// What a target of the project file says of it; `None` for one that is known by its URL.
    pub(super) fn of(entry: &'a TargetEntry) -> Option<Self> {
        Some(Self {
            kind: entry.kind?,
            url: entry.url.as_deref(),
            region: entry.region.as_deref(),
            endpoint: entry.endpoint.as_deref(),
            component: entry.component.as_deref(),
            fips: entry.fips,
            dual_stack: entry.dual_stack,
            expiry: entry.token_expiry.as_deref(),
        })
    }

    /// The built-in profile of its kind.
    pub(super) const fn profile(self) -> &'static str {
        match self.kind {
            TargetKind::Sagemaker => "sagemaker",
            TargetKind::Bedrock => "bedrock",
        }
    }

    /// The target, with an auth that mints its tokens.
    pub(super) fn target(self, name: &str) -> Result<Target, Failure> {
        let surroundings = settings::surroundings();
        let region = self.region.map(str::to_owned).or_else(|| surroundings.get("AWS_REGION"));
        let region = region.ok_or_else(|| {
            Failure::usage(format!("no region was named for the target `{name}`"))
                .hint("name it (`region`, --region), or set AWS_REGION")
        })?;
        let made = match self.kind {
            TargetKind::Sagemaker => self.sagemaker(&region)?,
            TargetKind::Bedrock if is_region(&region) => {
                format!("https://bedrock-runtime.{region}.{}/openai/v1", suffix(&region))
            }
            TargetKind::Bedrock => return Err(Failure::usage(format!("`{region}` is no region"))),
        };
        let url = self.url.unwrap_or(&made);
        let mut target = Target::new(name, url).map_err(|error| wrong(&error))?;
        let is_near = matches!(target.base_url.host(), "localhost" | "127.0.0.1" | "[::1]");
        if !target.base_url.is_tls() && !is_near {
            return Err(Failure::usage(format!(
                "{} has no TLS: whoever listens could use the token",
                target.base_url
            )));
        }
        target.auth = self.auth(&region)?;
        Ok(target)
    }

    fn sagemaker(self, region: &str) -> Result<String, Failure> {
        let wrong = |error: &dyn std::error::Error| Failure::from_error(Exit::Usage, error);
        let name = self.endpoint.unwrap_or_default();
        let endpoint = Endpoint::new(region, name).map_err(|error| wrong(&error))?;
        let endpoint = match self.component {
            Some(component) => endpoint.component(component).map_err(|error| wrong(&error))?,
            None => endpoint,
        };
        let endpoint = endpoint.hosts(self.fips, self.dual_stack).map_err(|error| wrong(&error))?;
        Ok(endpoint.openai_base())
    }

    fn auth(self, region: &str) -> Result<Auth, Failure> {
        let expiry = match self.expiry {
            Some(text) => text.parse().map_err(|error| Failure::usage(format!("{error}")))?,
            None => Expiry::default(),
        };
        let service = match self.kind {
            TargetKind::Sagemaker => Service::SageMaker,
            // Who has a key already is not asked for credentials.
            TargetKind::Bedrock => match settings::secret(BEDROCK_KEY) {
                Some(secret) => return Ok(Auth::bearer(BEDROCK_KEY, secret)),
                None => Service::Bedrock,
            },
        };
        let surroundings = settings::surroundings();
        Ok(Auth::Minted(Minter::new(service, region, expiry, surroundings, Clock::system())))
    }
}
