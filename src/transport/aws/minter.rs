//! Tokens that are minted anew before they end, without anybody waiting for it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use thiserror::Error;

use super::{CredentialsError, Surroundings, credentials};
use crate::aws::Credentials;
use crate::aws::bearer::{Expiry, MintError, Service, Token, mint};
use crate::clock::Clock;

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MintingError {
    /// Nobody can sign.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// It cannot be signed.
    #[error(transparent)]
    Mint(#[from] MintError),
}

/// Mints the tokens of one target. All who speak to the target share it.
pub struct Minter {
    service: Service,
    region: String,
    expiry: Expiry,
    surroundings: Surroundings,
    clock: Clock,
    kept: Mutex<Option<Kept>>,
    /// Held by the one who renews.
    renewing: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Kept {
    credentials: Credentials,
    token: Token,
    minted: DateTime<Utc>,
}

impl Kept {
    /// From when on a new token is better: a tenth of its life before its end, or half a minute if
    /// that is more; for very short lives, the middle.
    fn renew_at(&self) -> DateTime<Utc> {
        let life = self.token.expires - self.minted;
        let skew = (life / 10).max(TimeDelta::seconds(30)).min(life / 2);
        self.token.expires - skew
    }
}

impl fmt::Debug for Minter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (service, region) = (self.service.name(), &self.region);
        f.debug_struct("Minter")
            .field("service", &service)
            .field("region", region)
            .finish_non_exhaustive()
    }
}

impl Minter {
    /// Mints for `service` in `region` from what the surroundings give.
    pub fn new(
        service: Service,
        region: &str,
        expiry: Expiry,
        surroundings: Surroundings,
        clock: Clock,
    ) -> Arc<Self> {
        Arc::new(Self {
            service,
            region: region.to_owned(),
            expiry,
            surroundings,
            clock,
            kept: Mutex::default(),
            renewing: tokio::sync::Mutex::default(),
        })
    }

    /// `sagemaker in us-west-2`.
    pub fn describe(&self) -> String {
        format!("{} in {}", self.service.name(), self.region)
    }

    /// How long its tokens live.
    pub fn expiry(&self) -> Duration {
        self.expiry.into()
    }

    fn kept(&self) -> Option<Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The token of the moment. While one is good, nobody waits: the first who comes when it is to
    /// be renewed starts that beside, and all go on with the old one.
    pub async fn token(self: &Arc<Self>) -> Result<SecretString, MintingError> {
        let now = self.clock.wall();
        if let Some(kept) = self.kept().filter(|kept| kept.token.expires > now) {
            if kept.renew_at() <= now && self.renewing.try_lock().is_ok() {
                let minter = Arc::clone(self);
                // An error is told to whoever finds no good token any more.
                tokio::spawn(async move { minter.renew().await });
            }
            return Ok(kept.token.secret);
        }
        Arc::clone(self).renew().await
    }

    async fn renew(self: Arc<Self>) -> Result<SecretString, MintingError> {
        let _turn = self.renewing.lock().await;
        let now = self.clock.wall();
        let kept = self.kept();
        // Somebody else was faster.
        if let Some(kept) = kept.as_ref().filter(|kept| kept.renew_at() > now) {
            return Ok(kept.token.secret.clone());
        }
        // Credentials that outlive the next token need not be asked for again.
        let needed = now + TimeDelta::seconds(self.expiry.seconds().into());
        let lasting = kept
            .map(|kept| kept.credentials)
            .filter(|credentials| credentials.expires.is_none_or(|expires| expires >= needed));
        let credentials = match lasting {
            Some(credentials) => credentials,
            None => credentials(&self.surroundings, &self.clock).await?,
        };
        let token = mint(self.service, &credentials, &self.region, self.expiry, now)?;
        let secret = token.secret.clone();
        let kept = Kept { credentials, token, minted: now };
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        Ok(secret)
    }
}

#[cfg(test)]
mod tests;
