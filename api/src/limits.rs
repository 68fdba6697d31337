//! How many requests a tenant and a customer may send (`docs/protocol.md`, limits).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use deed_domain::{
    ids::{CustomerId, TenantId},
    ports::{Principal, RateLimiter, TooMany},
};

use crate::error::ApiError;

/// Streams without an end that a tenant's people may have open at once.
const MOST_STREAMS: usize = 100;

/// The limits; what is `None` is not limited. Operators belong to no tenant and are never limited.
#[derive(Clone, Default)]
pub struct RequestLimits {
    /// On the requests of a tenant's people and of those of its customers, together.
    pub tenant: Option<Arc<dyn RateLimiter<TenantId>>>,
    /// On the requests of a customer's users.
    pub customer: Option<Arc<dyn RateLimiter<CustomerId>>>,
}

/// Who has sent too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limited {
    Tenant,
    Customer,
}

impl Limited {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Customer => "customer",
        }
    }
}

impl RequestLimits {
    /// Counts a request of somebody who is signed in. The customer comes first, so that what it sends beyond its limit
    /// takes nothing away from its tenant.
    ///
    /// # Errors
    /// [`ApiError::TooManyRequests`].
    pub(crate) fn admit(&self, principal: &Principal) -> Result<(), ApiError> {
        admit(self.customer.as_deref(), principal.customer_id.as_ref(), Limited::Customer)?;
        admit(self.tenant.as_deref(), principal.tenant_id.as_ref(), Limited::Tenant)
    }
}

fn admit<K>(limiter: Option<&dyn RateLimiter<K>>, caller: Option<&K>, limited: Limited) -> Result<(), ApiError> {
    let (Some(limiter), Some(caller)) = (limiter, caller) else { return Ok(()) };
    limiter.admit(caller).map_err(|too_many: TooMany| {
        metrics::counter!("deed_rate_limited_total", "limit" => limited.name()).increment(1);
        ApiError::TooManyRequests { limited, too_many }
    })
}

/// The streams without an end that are open, by tenant.
#[derive(Clone, Debug, Default)]
pub struct OpenStreams(Arc<Mutex<HashMap<TenantId, usize>>>);

/// One of a tenant's streams; its end when it is dropped.
#[derive(Debug)]
pub(crate) struct OpenStream {
    streams: OpenStreams,
    tenant_id: TenantId,
}

impl OpenStreams {
    /// Counts one more.
    ///
    /// # Errors
    /// [`ApiError::TooManyStreams`].
    pub(crate) fn open(&self, tenant_id: TenantId) -> Result<OpenStream, ApiError> {
        let mut streams = self.held();
        let open = streams.entry(tenant_id).or_default();
        if *open == MOST_STREAMS {
            return Err(ApiError::TooManyStreams);
        }
        *open += 1;
        drop(streams);
        Ok(OpenStream { streams: self.clone(), tenant_id })
    }

    /// Numbers are whole whoever panicked with them.
    fn held(&self) -> MutexGuard<'_, HashMap<TenantId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut streams = self.streams.held();
        if let Some(open) = streams.get_mut(&self.tenant_id) {
            *open -= 1;
            if *open == 0 {
                streams.remove(&self.tenant_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_tenant_has_so_many_streams_and_another_has_its_own() {
        let streams = OpenStreams::default();
        let [one, other] = [1, 2].map(|id| TenantId(Uuid::from_u128(id)));
        let mut open: Vec<_> = (0..MOST_STREAMS).map(|_| streams.open(one).unwrap()).collect();
        assert!(matches!(streams.open(one), Err(ApiError::TooManyStreams)));
        let of_other = streams.open(other).unwrap();
        open.pop();
        open.push(streams.open(one).unwrap());
        assert!(streams.open(one).is_err());
        drop((open, of_other));
        assert!(streams.held().is_empty(), "who has none is not remembered");
    }
}
