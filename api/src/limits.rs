//! How many requests a tenant and a customer may send (`docs/protocol.md`, limits).

use std::sync::Arc;

use deed_domain::{
    ids::{CustomerId, TenantId},
    ports::{Principal, RateLimiter, TooMany},
};

use crate::error::ApiError;

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
