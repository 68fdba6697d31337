//! Which devices a tenant or customer has.

use async_trait::async_trait;
use deed_domain::{
    ids::DeviceId,
    ports::{Holder, Holdings, StoreError},
};

use crate::postgres::{
    PostgresStore,
    values::{Column, query, signed},
};

#[async_trait]
impl Holdings for PostgresStore {
    async fn held_by(&self, holder: Holder, limit: usize) -> Result<Vec<DeviceId>, StoreError> {
        let (sql, id) = match holder {
            Holder::Tenant(id) => ("SELECT device_id FROM device_list WHERE tenant_id = $1 LIMIT $2", id.0),
            // The index of owned devices begins with the tenant.
            Holder::Customer(id) => (
                "SELECT device_id FROM device_list
                 WHERE tenant_id = (SELECT tenant_id FROM customers WHERE id = $1) AND customer_id = $1 LIMIT $2",
                id.0,
            ),
        };
        let client = self.connection().await?;
        let rows = query(&client, sql, &[&id, &signed(limit as u64)]).await?;
        let column = Column::new("device_list", "device_id", 0);
        Ok(rows.iter().map(|row| column.id(row)).collect::<Result<_, _>>()?)
    }
}
