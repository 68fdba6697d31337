//! Which devices a tenant or customer has.

use async_trait::async_trait;
use deed_domain::{
    ids::DeviceId,
    ports::{Holder, Holdings, StoreError},
};
use rusqlite::params;

use crate::sqlite::{
    SqliteStore,
    values::{Column, IdText, signed},
};

#[async_trait]
impl Holdings for SqliteStore {
    async fn held_by(&self, holder: Holder, limit: usize) -> Result<Vec<DeviceId>, StoreError> {
        let (sql, id) = match holder {
            Holder::Tenant(id) => ("SELECT device_id FROM device_list WHERE tenant_id = ?1 LIMIT ?2", id.0),
            // The index of owned devices begins with the tenant.
            Holder::Customer(id) => (
                "SELECT device_id FROM device_list
                 WHERE tenant_id = (SELECT tenant_id FROM customers WHERE id = ?1) AND customer_id = ?1 LIMIT ?2",
                id.0,
            ),
        };
        self.read(move |connection| {
            connection
                .prepare_cached(sql)?
                .query_and_then(params![IdText::new(id), signed(limit as u64)], |row| {
                    Column::new("device_list", "device_id", 0).id(row)
                })?
                .collect()
        })
        .await
    }
}
