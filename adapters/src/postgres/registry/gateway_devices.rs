//! Gateways, and the devices behind them.

use std::collections::HashMap;

use async_trait::async_trait;
use deadpool_postgres::GenericClient;
use deed_domain::{
    ids::{DeviceId, TenantId},
    ports::{GatewayDevices, KnownGateway, NamedDevice, StoreError},
    time::Timestamp,
};
use serde_json::Value;
use tokio_postgres::Row;
use uuid::Uuid;

use super::json;
use crate::postgres::{
    PostgresStore,
    error::SqlError,
    values::{Column, execute, query},
};

/// Whether a device with that `additionalInfo` is a gateway.
pub(super) fn is_gateway(info: &Value) -> bool {
    info.get("gateway").is_some_and(|says| *says == true)
}

/// Says through which gateways devices are reached: the first of each pair through the second.
pub(super) async fn put(
    tx: &impl GenericClient,
    puts: &[(DeviceId, DeviceId)],
    now: Timestamp,
) -> Result<(), SqlError> {
    let devices: Vec<Uuid> = puts.iter().map(|(device_id, _)| device_id.0).collect();
    let gateways: Vec<Uuid> = puts.iter().map(|(_, gateway)| gateway.0).collect();
    execute(
        tx,
        "INSERT INTO gateway_devices (device_id, gateway_id, since)
         SELECT device_id, gateway_id, $3::bigint FROM unnest($1::uuid[], $2::uuid[]) AS put (device_id, gateway_id)
         ON CONFLICT (device_id) DO UPDATE SET gateway_id = excluded.gateway_id, since = excluded.since",
        &[&devices, &gateways, &now.0],
    )
    .await
    .map(drop)
}

/// Through which gateway each of these devices is reached, as far as that still is one.
pub(in crate::postgres) async fn gateways_of(
    client: &impl GenericClient,
    device_ids: &[DeviceId],
) -> Result<HashMap<DeviceId, DeviceId>, SqlError> {
    let device_ids: Vec<Uuid> = device_ids.iter().map(|id| id.0).collect();
    let rows = query(
        client,
        "SELECT behind.device_id, behind.gateway_id FROM gateway_devices AS behind
         JOIN device_registry AS registry ON registry.device_id = behind.gateway_id
         WHERE behind.device_id = ANY($1::uuid[]) AND registry.is_gateway",
        &[&device_ids],
    )
    .await?;
    let column = |name, index| Column::new("gateway_devices", name, index);
    rows.iter().map(|row| Ok((column("device_id", 0).id(row)?, column("gateway_id", 1).id(row)?))).collect()
}

async fn gateways_among(client: &impl GenericClient, device_ids: &[DeviceId]) -> Result<Vec<KnownGateway>, SqlError> {
    let device_ids: Vec<Uuid> = device_ids.iter().map(|id| id.0).collect();
    let rows = query(
        client,
        "SELECT device.device_id, device.customer_id
         FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (device_id, place)
         JOIN device_registry AS registry ON registry.device_id = wanted.device_id AND registry.is_gateway
         JOIN device_list AS device ON device.device_id = wanted.device_id
         ORDER BY wanted.place",
        &[&device_ids],
    )
    .await?;
    rows.iter().map(read_gateway).collect()
}

fn read_gateway(row: &Row) -> Result<KnownGateway, SqlError> {
    let column = |name, index| Column::new("device_list", name, index);
    let device_id = column("device_id", 0).id(row)?;
    Ok(KnownGateway { device_id, owner: column("customer_id", 1).optional_id(row)? })
}

async fn devices_named(
    client: &impl GenericClient,
    tenant_id: TenantId,
    names: &[String],
) -> Result<Vec<NamedDevice>, SqlError> {
    let rows = query(
        client,
        "SELECT device.device_id, device.name, device.device_type, device.label, device.profile_id,
                device.customer_id, device.version, registry.additional_info, behind.gateway_id
         FROM unnest($2::text[]) WITH ORDINALITY AS wanted (name, place)
         JOIN device_list AS device ON device.tenant_id = $1 AND device.name = wanted.name
         LEFT JOIN device_registry AS registry ON registry.device_id = device.device_id
         LEFT JOIN gateway_devices AS behind ON behind.device_id = device.device_id
         ORDER BY wanted.place",
        &[&tenant_id.0, &names],
    )
    .await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<NamedDevice, SqlError> {
    let device = |name, index| Column::new("device_list", name, index);
    Ok(NamedDevice {
        device_id: device("device_id", 0).id(row)?,
        name: device("name", 1).get(row)?,
        device_type: device("device_type", 2).get(row)?,
        label: device("label", 3).get(row)?,
        profile_id: device("profile_id", 4).id(row)?,
        owner: device("customer_id", 5).optional_id(row)?,
        version: device("version", 6).unsigned(row)?,
        additional_info: json::read_optional(Column::new("device_registry", "additional_info", 7), row)?,
        gateway: Column::new("gateway_devices", "gateway_id", 8).optional_id(row)?,
    })
}

#[async_trait]
impl GatewayDevices for PostgresStore {
    async fn gateways_among(&self, device_ids: Vec<DeviceId>) -> Result<Vec<KnownGateway>, StoreError> {
        Ok(gateways_among(&self.connection().await?, &device_ids).await?)
    }

    async fn devices_named(&self, tenant_id: TenantId, names: Vec<String>) -> Result<Vec<NamedDevice>, StoreError> {
        Ok(devices_named(&self.connection().await?, tenant_id, &names).await?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::is_gateway;

    #[test]
    fn only_a_device_that_says_so_is_a_gateway() {
        assert!(is_gateway(&json!({ "gateway": true, "other": [] })));
        for other in [
            json!({}),
            json!({ "gateway": false }),
            json!({ "gateway": "true" }),
            json!({ "gateway": 1 }),
            json!({ "gateway": [true] }),
            json!({ "Gateway": true }),
            json!([true]),
            json!("gateway"),
            json!(true),
        ] {
            assert!(!is_gateway(&other), "{other}");
        }
    }
}
