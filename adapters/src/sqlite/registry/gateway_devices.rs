//! Gateways, and the devices behind them.

use async_trait::async_trait;
use deed_domain::{
    ids::{DeviceId, TenantId},
    ports::{GatewayDevices, KnownGateway, NamedDevice, StoreError},
    time::Timestamp,
};
use rusqlite::{Connection, Row, params};
use serde_json::Value;

use super::json;
use crate::sqlite::{
    SqliteStore,
    error::SqlError,
    values::{Column, IdText},
};

/// Whether a device is a gateway. What is damaged is none, so that it stops nobody else's command.
pub(in crate::sqlite) const IS_GATEWAY: &str = "CASE WHEN json_valid(registry.additional_info)
    THEN json_type(registry.additional_info, '$.gateway') = 'true' ELSE 0 END";

/// Says through which gateway the device is reached.
pub(super) fn put(tx: &Connection, device_id: DeviceId, gateway: DeviceId, now: Timestamp) -> Result<(), SqlError> {
    tx.prepare_cached(
        "INSERT INTO gateway_devices (device_id, gateway_id, since) VALUES (?1, ?2, ?3)
         ON CONFLICT (device_id) DO UPDATE SET gateway_id = excluded.gateway_id, since = excluded.since",
    )?
    .execute(params![IdText::new(device_id.0), IdText::new(gateway.0), now.0])?;
    Ok(())
}

/// Forgets through what the device is reached, and what is reached through it.
pub(super) fn erase(tx: &Connection, device_id: DeviceId) -> Result<(), SqlError> {
    let id = IdText::new(device_id.0);
    tx.prepare_cached("DELETE FROM gateway_devices WHERE device_id = ?1")?.execute([&id])?;
    tx.prepare_cached("DELETE FROM gateway_devices WHERE gateway_id = ?1")?.execute([&id])?;
    Ok(())
}

/// Whether the device is reached through another gateway, which is still one.
pub(super) fn is_anothers(tx: &Connection, gateway: DeviceId, device_id: DeviceId) -> Result<bool, SqlError> {
    let statement = format!(
        "SELECT 1 FROM gateway_devices AS behind JOIN device_registry AS registry
         ON registry.device_id = behind.gateway_id
         WHERE behind.device_id = ?1 AND behind.gateway_id <> ?2 AND {IS_GATEWAY}"
    );
    Ok(tx.prepare_cached(&statement)?.exists(params![IdText::new(device_id.0), IdText::new(gateway.0)])?)
}

fn gateways_among(connection: &Connection, device_ids: &[DeviceId]) -> Result<Vec<KnownGateway>, SqlError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT device.device_id, device.customer_id FROM device_registry AS registry
         JOIN device_list AS device ON device.device_id = registry.device_id
         WHERE registry.device_id = ?1 AND {IS_GATEWAY}"
    ))?;
    let column = |name, index| Column::new("device_list", name, index);
    let mut found = Vec::new();
    for device_id in device_ids {
        let mut rows = statement.query([IdText::new(device_id.0)])?;
        if let Some(row) = rows.next()? {
            let device_id = column("device_id", 0).id(row)?;
            found.push(KnownGateway { device_id, owner: column("customer_id", 1).optional_id(row)? });
        }
    }
    Ok(found)
}

fn devices_named(connection: &Connection, tenant_id: TenantId, names: &[String]) -> Result<Vec<NamedDevice>, SqlError> {
    let mut statement = connection.prepare_cached(
        "SELECT device.device_id, device.name, device.device_type, device.label, device.profile_id,
                device.customer_id, device.version, registry.additional_info, behind.gateway_id
         FROM device_list AS device
         LEFT JOIN device_registry AS registry ON registry.device_id = device.device_id
         LEFT JOIN gateway_devices AS behind ON behind.device_id = device.device_id
         WHERE device.tenant_id = ?1 AND device.name = ?2",
    )?;
    let mut found = Vec::new();
    for name in names {
        let mut rows = statement.query(params![IdText::new(tenant_id.0), name])?;
        if let Some(row) = rows.next()? {
            found.push(read(row)?);
        }
    }
    Ok(found)
}

fn read(row: &Row<'_>) -> Result<NamedDevice, SqlError> {
    let device = |name, index| Column::new("device_list", name, index);
    Ok(NamedDevice {
        device_id: device("device_id", 0).id(row)?,
        name: row.get(1)?,
        device_type: row.get(2)?,
        label: row.get(3)?,
        profile_id: device("profile_id", 4).id(row)?,
        owner: device("customer_id", 5).optional_id(row)?,
        version: device("version", 6).unsigned(row)?,
        additional_info: additional_info(row)?,
        gateway: Column::new("gateway_devices", "gateway_id", 8).optional_id(row)?,
    })
}

fn additional_info(row: &Row<'_>) -> Result<Option<Value>, SqlError> {
    json::read_optional(Column::new("device_registry", "additional_info", 7), row)
}

#[async_trait]
impl GatewayDevices for SqliteStore {
    async fn gateways_among(&self, device_ids: Vec<DeviceId>) -> Result<Vec<KnownGateway>, StoreError> {
        self.lookup(move |connection| gateways_among(connection, &device_ids)).await
    }

    async fn devices_named(&self, tenant_id: TenantId, names: Vec<String>) -> Result<Vec<NamedDevice>, StoreError> {
        self.read(move |connection| devices_named(connection, tenant_id, &names)).await
    }
}
