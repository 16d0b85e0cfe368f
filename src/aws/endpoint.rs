//! Names and addresses of SageMaker endpoints.
//!
//! Hosts are those of botocore's endpoint rules (`sagemaker-runtime`). FIPS and dual-stack hosts
//! are AWS's for the classic route; no document says that they serve the OpenAI route too.

use thiserror::Error;

use super::bearer::is_region;

/// The longest name of an endpoint or of an inference component.
const NAME_MAX: usize = 63;

/// A group of regions with names and rules of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Partition {
    /// As ARNs say it.
    name: &'static str,
    /// What hosts end with.
    suffix: &'static str,
    /// What dual-stack hosts end with.
    dual_stack: Option<&'static str>,
    /// What FIPS hosts start with, where AWS documents them.
    fips: Option<&'static str>,
}

/// By what a region's name starts with; the last fits every name.
const PARTITIONS: [(&str, Partition); 8] = [
    (
        "cn-",
        Partition {
            name: "aws-cn",
            suffix: "amazonaws.com.cn",
            dual_stack: Some("api.amazonwebservices.com.cn"),
            fips: None,
        },
    ),
    // Every host there is a FIPS host.
    (
        "us-gov-",
        Partition {
            name: "aws-us-gov",
            suffix: "amazonaws.com",
            dual_stack: Some("api.aws"),
            fips: Some("runtime.sagemaker"),
        },
    ),
    (
        "eusc-",
        Partition {
            name: "aws-eusc",
            suffix: "amazonaws.eu",
            dual_stack: Some("api.amazonwebservices.eu"),
            fips: None,
        },
    ),
    (
        "us-isob-",
        Partition { name: "aws-iso-b", suffix: "sc2s.sgov.gov", dual_stack: None, fips: None },
    ),
    (
        "us-isof-",
        Partition { name: "aws-iso-f", suffix: "csp.hci.ic.gov", dual_stack: None, fips: None },
    ),
    (
        "eu-isoe-",
        Partition { name: "aws-iso-e", suffix: "cloud.adc-e.uk", dual_stack: None, fips: None },
    ),
    ("us-iso-", Partition { name: "aws-iso", suffix: "c2s.ic.gov", dual_stack: None, fips: None }),
    (
        "",
        Partition {
            name: "aws",
            suffix: "amazonaws.com",
            dual_stack: Some("api.aws"),
            fips: Some("runtime-fips.sagemaker"),
        },
    ),
];

/// An endpoint of SageMaker, by its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    region: String,
    name: String,
    component: Option<String>,
    fips: bool,
    dual_stack: bool,
}

/// Why there is no such endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The region is none.
    #[error("`{0}` is not a region; expected something like us-west-2")]
    Region(String),
    /// A name that SageMaker does not give.
    #[error(
        "`{name}` cannot be the name of an {what}: 1 to {NAME_MAX} letters, digits and hyphens, with a letter or digit at both ends"
    )]
    Name {
        /// The name.
        name: String,
        /// `endpoint`, `inference component`.
        what: &'static str,
    },
    /// A kind of host that the region does not have, or not as far as is known.
    #[error("no {what} host is documented for {region}; name the base URL instead")]
    Host {
        /// `FIPS`, `dual-stack`, `FIPS dual-stack`.
        what: &'static str,
        /// The region.
        region: String,
    },
}

fn partition(region: &str) -> Partition {
    let found = PARTITIONS.iter().find(|(start, _)| region.starts_with(start));
    found.expect("the last one fits every name").1
}

/// What hosts of `region` end with: `amazonaws.com`.
pub fn suffix(region: &str) -> &'static str {
    partition(region).suffix
}

/// `[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?`, at most 63.
fn is_name(name: &str) -> bool {
    (1..=NAME_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

impl Endpoint {
    /// The endpoint `name` in `region`.
    pub fn new(region: &str, name: &str) -> Result<Self, EndpointError> {
        if !is_region(region) || !region.contains('-') {
            return Err(EndpointError::Region(region.to_owned()));
        }
        if !is_name(name) {
            return Err(EndpointError::Name { name: name.to_owned(), what: "endpoint" });
        }
        Ok(Self {
            region: region.to_owned(),
            name: name.to_owned(),
            component: None,
            fips: false,
            dual_stack: false,
        })
    }

    /// The inference component of it that is to answer. It goes into the path: the OpenAI route
    /// refuses the header that the classic route takes.
    pub fn component(mut self, name: &str) -> Result<Self, EndpointError> {
        if !is_name(name) {
            let what = "inference component";
            return Err(EndpointError::Name { name: name.to_owned(), what });
        }
        self.component = Some(name.to_owned());
        Ok(self)
    }

    /// Which kind of host is to be spoken to.
    pub fn hosts(mut self, fips: bool, dual_stack: bool) -> Result<Self, EndpointError> {
        let found = partition(&self.region);
        let what = match (fips, dual_stack) {
            (true, true) => Some("FIPS dual-stack"),
            (true, false) if found.fips.is_none() => Some("FIPS"),
            (false, true) if found.dual_stack.is_none() => Some("dual-stack"),
            _ => None,
        };
        if let Some(what) = what {
            return Err(EndpointError::Host { what, region: self.region });
        }
        (self.fips, self.dual_stack) = (fips, dual_stack);
        Ok(self)
    }

    /// The region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The endpoint's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The inference component's name.
    pub fn component_name(&self) -> Option<&str> {
        self.component.as_deref()
    }

    /// The partition, as ARNs say it: `aws`, `aws-cn`.
    pub fn partition(&self) -> &'static str {
        partition(&self.region).name
    }

    /// The host that calls go to.
    pub fn host(&self) -> String {
        let partition = partition(&self.region);
        let front = partition.fips.filter(|_| self.fips).unwrap_or("runtime.sagemaker");
        let suffix = partition.dual_stack.filter(|_| self.dual_stack).unwrap_or(partition.suffix);
        format!("{front}.{}.{suffix}", self.region)
    }

    /// The base URL of the OpenAI route: `https://runtime…/endpoints/NAME/openai/v1`.
    pub fn openai_base(&self) -> String {
        let component = self.component.as_ref();
        let component =
            component.map_or(String::new(), |name| format!("/inference-components/{name}"));
        format!("https://{}/endpoints/{}{component}/openai/v1", self.host(), self.name)
    }

    /// The URL of the classic route, which wants a signature: `…/endpoints/NAME/invocations`.
    pub fn invocations(&self) -> String {
        format!("https://{}/endpoints/{}/invocations", self.host(), self.name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn urls_are_those_of_botocores_endpoint_rules() {
        let vectors: Value =
            serde_json::from_str(include_str!("../../fixtures/aws/sagemaker.json")).unwrap();
        let cases = vectors["urls"]["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 12);
        for case in cases {
            let region = case["region"].as_str().unwrap();
            let flag = |key: &str| case[key].as_bool().unwrap();
            let endpoint = Endpoint::new(region, "my-endpoint")
                .and_then(|endpoint| endpoint.hosts(flag("fips"), flag("dualstack")))
                .unwrap();
            assert_eq!(format!("https://{}", endpoint.host()), case["base"]);
            assert_eq!(endpoint.invocations(), case["invoke"]);
            assert_eq!(endpoint.openai_base(), case["openai_base"]);
            assert_eq!(format!("{}/chat/completions", endpoint.openai_base()), case["openai_chat"]);
            let component = endpoint.component("my-ic").unwrap();
            let chat = format!("{}/chat/completions", component.openai_base());
            assert_eq!(chat, case["openai_chat_ic"]);
        }
    }

    #[test]
    fn names_that_sagemaker_does_not_give_are_refused() {
        let long = "a".repeat(64);
        for name in ["", "-a", "a-", "a_b", "a/b", "a b", "é", "..", long.as_str()] {
            assert!(Endpoint::new("us-east-1", name).is_err(), "{name}");
            assert!(Endpoint::new("us-east-1", "e").unwrap().component(name).is_err(), "{name}");
        }
        assert!(Endpoint::new("us-east-1", long.get(..63).unwrap()).is_ok());
        for region in ["", "useast", "us-east-1.evil.example", "US-EAST-1", "us/east"] {
            assert!(Endpoint::new(region, "e").is_err(), "{region}");
        }
    }

    #[test]
    fn hosts_that_nobody_documents_are_not_invented() {
        let hosts = |region, fips, dual| Endpoint::new(region, "e").unwrap().hosts(fips, dual);
        assert!(hosts("cn-north-1", true, false).is_err());
        assert!(hosts("us-iso-east-1", false, true).is_err());
        let error = hosts("us-east-1", true, true).unwrap_err().to_string();
        assert!(error.contains("FIPS dual-stack"), "{error}");
    }
}
