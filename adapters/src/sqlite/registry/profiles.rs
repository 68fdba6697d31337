//! Device profiles.

use async_trait::async_trait;
use deed_domain::{
    ids::{DeviceId, ProfileId, TenantId},
    ports::{
        DeviceToken, ListPage, PageRequest, Party, PayloadEncoding, Payloads, Profile, ProfileSort, ProfileTransport,
        ProfileValues, Profiles, ProfilesError, ProvisioningRule, ProvisioningStrategy, StoreError, fold_case,
    },
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

use super::{departures, json};
use crate::{
    registry_text::{json_text, provision_key, provision_secret, provision_strategy},
    sqlite::{
        SqliteStore,
        error::SqlError,
        read_models,
        values::{Column, IdText},
    },
};

const PROFILE: &str = "SELECT id, tenant_id, name, created_at, version, is_default, description, transport, encoding,
     acknowledges_faults, protobuf_notes, provision_strategy, provision_key, provision_secret FROM device_profiles";

/// Adds a profile. Its name has been claimed.
pub(super) fn add(tx: &Connection, profile: &Profile, created_at: Timestamp) -> Result<(), SqlError> {
    tx.prepare_cached(
        "INSERT INTO device_profiles (id, tenant_id, name, name_folded, created_at, version, is_default, description,
         transport, encoding, acknowledges_faults, protobuf_notes, provision_strategy, provision_key, provision_secret)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )?
    .execute(params![
        IdText::new(profile.id.0),
        IdText::new(profile.tenant_id.0),
        profile.name,
        fold_case(&profile.name),
        created_at.0,
        profile.version,
        profile.is_default,
        profile.description,
        profile.transport.as_str(),
        profile.payloads.encoding.as_str(),
        profile.payloads.acknowledges_faults,
        json_text(profile.protobuf_notes.as_ref()),
        provision_strategy(profile),
        provision_key(profile),
        provision_secret(profile),
    ])?;
    Ok(())
}

/// Whether the tenant has a profile of that name.
pub(super) fn is_taken(tx: &Connection, tenant_id: TenantId, name: &str) -> Result<bool, SqlError> {
    Ok(tx
        .prepare_cached("SELECT 1 FROM device_profiles WHERE tenant_id = ?1 AND name = ?2")?
        .exists(params![IdText::new(tenant_id.0), name])?)
}

/// Whether the profile is gone or bears another name.
pub(super) fn is_other(tx: &Connection, id: ProfileId, name: &str) -> Result<bool, SqlError> {
    Ok(!tx
        .prepare_cached("SELECT 1 FROM device_profiles WHERE id = ?1 AND name = ?2")?
        .exists(params![IdText::new(id.0), name])?)
}

fn read(row: &Row<'_>) -> Result<Profile, SqlError> {
    let column = |name, index| Column::new("device_profiles", name, index);
    Ok(Profile {
        id: column("id", 0).id(row)?,
        tenant_id: column("tenant_id", 1).id(row)?,
        name: row.get(2)?,
        created_at: Timestamp(row.get(3)?),
        version: column("version", 4).unsigned(row)?,
        is_default: row.get(5)?,
        description: row.get(6)?,
        transport: column("transport", 7).word(row, ProfileTransport::parse)?,
        payloads: read_payloads(row, 8)?,
        protobuf_notes: json::read_optional(column("protobuf_notes", 10), row)?,
        provisioning: read_provisioning(row)?,
    })
}

fn read_provisioning(row: &Row<'_>) -> Result<Option<ProvisioningRule>, SqlError> {
    let strategy = Column::new("device_profiles", "provision_strategy", 11);
    let Some(strategy) = strategy.optional_word(row, ProvisioningStrategy::parse)? else { return Ok(None) };
    let secret = DeviceToken::new(row.get::<_, String>(13)?);
    Ok(Some(ProvisioningRule { strategy, key: row.get(12)?, secret }))
}

/// Whether another profile, whatever its tenant, has the provision key.
fn is_key_taken(tx: &Connection, id: ProfileId, key: Option<&str>) -> Result<bool, SqlError> {
    let Some(key) = key else { return Ok(false) };
    Ok(tx
        .prepare_cached("SELECT 1 FROM device_profiles WHERE provision_key = ?1 AND id <> ?2")?
        .exists(params![key, IdText::new(id.0)])?)
}

/// Reads the encoding from the column of that index, and the flag from the one after it.
fn read_payloads(row: &Row<'_>, index: usize) -> Result<Payloads, SqlError> {
    Ok(Payloads {
        encoding: Column::new("device_profiles", "encoding", index).word(row, PayloadEncoding::parse)?,
        acknowledges_faults: row.get(index + 1)?,
    })
}

fn payloads_of(connection: &Connection, device_id: DeviceId) -> Result<Payloads, SqlError> {
    let mut statement = connection.prepare_cached(
        "SELECT profile.id, profile.encoding, profile.acknowledges_faults FROM device_list AS device
         JOIN device_profiles AS profile ON profile.id = device.profile_id WHERE device.device_id = ?1",
    )?;
    let mut rows = statement.query([IdText::new(device_id.0)])?;
    rows.next()?.map_or(Ok(Payloads::default()), |row| read_payloads(row, 1))
}

fn find(connection: &Connection, condition: &str, params: &[&dyn ToSql]) -> Result<Option<Profile>, SqlError> {
    connection
        .prepare_cached(&format!("{PROFILE} WHERE {condition}"))?
        .query_row(params, |row| Ok(read(row)))
        .optional()?
        .transpose()
}

fn by_id(connection: &Connection, id: ProfileId) -> Result<Option<Profile>, SqlError> {
    find(connection, "id = ?1", &[&IdText::new(id.0)])
}

/// Whether a device has it: the type of a device is its profile's name.
fn is_in_use(tx: &Connection, profile: &Profile) -> Result<bool, SqlError> {
    read_models::has_type(tx, profile.tenant_id, &profile.name)
}

fn add_unless_taken(tx: &Connection, profile: &Profile) -> Result<Result<(), ProfilesError>, SqlError> {
    if departures::is_gone(tx, Party::Tenant(profile.tenant_id))? {
        return Ok(Err(ProfilesError::NotFound));
    }
    if is_taken(tx, profile.tenant_id, &profile.name)? {
        return Ok(Err(ProfilesError::NameTaken));
    }
    if is_key_taken(tx, profile.id, provision_key(profile))? {
        return Ok(Err(ProfilesError::ProvisionKeyTaken));
    }
    add(tx, profile, profile.created_at)?;
    Ok(Ok(()))
}

fn save(
    tx: &Connection,
    id: ProfileId,
    expected_version: Option<u32>,
    values: ProfileValues,
) -> Result<Result<Profile, ProfilesError>, SqlError> {
    let Some(stored) = by_id(tx, id)? else { return Ok(Err(ProfilesError::NotFound)) };
    if expected_version.is_some_and(|expected| expected != stored.version) {
        return Ok(Err(ProfilesError::VersionConflict));
    }
    if values.name != stored.name && is_taken(tx, stored.tenant_id, &values.name)? {
        return Ok(Err(ProfilesError::NameTaken));
    }
    let is_kept = (&values.name, values.transport) == (&stored.name, stored.transport);
    if !is_kept && is_in_use(tx, &stored)? {
        return Ok(Err(ProfilesError::InUse));
    }
    let saved = Profile {
        version: stored.version + 1,
        is_default: stored.is_default,
        ..Profile::new(id, stored.tenant_id, stored.created_at, values)
    };
    if is_key_taken(tx, id, provision_key(&saved))? {
        return Ok(Err(ProfilesError::ProvisionKeyTaken));
    }
    tx.prepare_cached(
        "UPDATE device_profiles SET name = ?2, name_folded = ?3, description = ?4, transport = ?5, version = ?6,
         encoding = ?7, acknowledges_faults = ?8, protobuf_notes = ?9, provision_strategy = ?10, provision_key = ?11,
         provision_secret = ?12 WHERE id = ?1",
    )?
    .execute(params![
        IdText::new(id.0),
        saved.name,
        fold_case(&saved.name),
        saved.description,
        saved.transport.as_str(),
        saved.version,
        saved.payloads.encoding.as_str(),
        saved.payloads.acknowledges_faults,
        json_text(saved.protobuf_notes.as_ref()),
        provision_strategy(&saved),
        provision_key(&saved),
        provision_secret(&saved),
    ])?;
    Ok(Ok(saved))
}

fn make_default(tx: &Connection, id: ProfileId) -> Result<Result<Profile, ProfilesError>, SqlError> {
    let Some(stored) = by_id(tx, id)? else { return Ok(Err(ProfilesError::NotFound)) };
    let key = IdText::new(id.0);
    tx.prepare_cached("UPDATE device_profiles SET is_default = 0 WHERE tenant_id = ?1 AND is_default = 1")?
        .execute([IdText::new(stored.tenant_id.0)])?;
    tx.prepare_cached("UPDATE device_profiles SET is_default = 1 WHERE id = ?1")?.execute([key])?;
    Ok(Ok(Profile { is_default: true, ..stored }))
}

fn delete(tx: &Connection, id: ProfileId) -> Result<Result<(), ProfilesError>, SqlError> {
    let Some(stored) = by_id(tx, id)? else { return Ok(Err(ProfilesError::NotFound)) };
    if stored.is_default {
        return Ok(Err(ProfilesError::IsDefault));
    }
    if is_in_use(tx, &stored)? {
        return Ok(Err(ProfilesError::InUse));
    }
    tx.prepare_cached("DELETE FROM device_profiles WHERE id = ?1")?.execute([IdText::new(id.0)])?;
    Ok(Ok(()))
}

fn page(
    connection: &Connection,
    tenant_id: TenantId,
    transport: Option<ProfileTransport>,
    page: &PageRequest<ProfileSort>,
) -> Result<ListPage<Profile>, SqlError> {
    let direction = if page.descending { "DESC" } else { "ASC" };
    let sorted = match page.sort {
        ProfileSort::Creation => None,
        ProfileSort::Name => Some("name"),
        ProfileSort::Transport => Some("transport"),
        ProfileSort::Description => Some("description"),
        ProfileSort::IsDefault => Some("is_default"),
    };
    let order = match sorted {
        None => format!("created_at {direction}, id {direction}"),
        Some(column) => format!("{column} {direction}, created_at, id"),
    };
    let condition = "tenant_id = ?1 AND (?2 IS NULL OR transport = ?2) AND (?3 IS NULL OR instr(name_folded, ?3) > 0)";
    let (tenant_id, transport) = (IdText::new(tenant_id.0), transport.map(ProfileTransport::as_str));
    let search = page.text_search.as_deref().map(fold_case);
    let offset = i64::try_from(page.offset()).unwrap_or(i64::MAX);
    let total: i64 = connection
        .prepare_cached(&format!("SELECT count(*) FROM device_profiles WHERE {condition}"))?
        .query_row(params![tenant_id, transport, search], |row| row.get(0))?;
    let rows = connection
        .prepare_cached(&format!("{PROFILE} WHERE {condition} ORDER BY {order} LIMIT ?4 OFFSET ?5"))?
        .query_and_then(params![tenant_id, transport, search, page.page_size, offset], read)?
        .collect::<Result<_, _>>()?;
    Ok(ListPage { rows, total: u64::try_from(total).unwrap_or_default() })
}

#[async_trait]
impl Profiles for SqliteStore {
    async fn by_name(&self, tenant_id: TenantId, name: &str) -> Result<Option<Profile>, StoreError> {
        let name = name.to_owned();
        let condition = "tenant_id = ?1 AND name = ?2";
        self.lookup(move |connection| find(connection, condition, &[&IdText::new(tenant_id.0), &name])).await
    }

    async fn by_id(&self, id: ProfileId) -> Result<Option<Profile>, StoreError> {
        self.lookup(move |connection| by_id(connection, id)).await
    }

    async fn by_provision_key(&self, key: &str) -> Result<Option<Profile>, StoreError> {
        let key = key.to_owned();
        self.lookup(move |connection| find(connection, "provision_key = ?1", &[&key])).await
    }

    async fn payloads_of(&self, device_id: DeviceId) -> Result<Payloads, StoreError> {
        self.lookup(move |connection| payloads_of(connection, device_id)).await
    }

    async fn default_of(&self, tenant_id: TenantId) -> Result<Option<Profile>, StoreError> {
        let condition = "tenant_id = ?1 AND is_default = 1";
        self.lookup(move |connection| find(connection, condition, &[&IdText::new(tenant_id.0)])).await
    }

    async fn profiles(
        &self,
        tenant_id: TenantId,
        transport: Option<ProfileTransport>,
        request: PageRequest<ProfileSort>,
    ) -> Result<ListPage<Profile>, StoreError> {
        self.read(move |connection| page(connection, tenant_id, transport, &request)).await
    }

    async fn add_profile(&self, profile: Profile) -> Result<(), ProfilesError> {
        self.write(move |tx, _| add_unless_taken(tx, &profile)).await?
    }

    async fn save_profile(
        &self,
        id: ProfileId,
        expected_version: Option<u32>,
        values: ProfileValues,
    ) -> Result<Profile, ProfilesError> {
        self.write(move |tx, _| save(tx, id, expected_version, values)).await?
    }

    async fn make_default(&self, id: ProfileId) -> Result<Profile, ProfilesError> {
        self.write(move |tx, _| make_default(tx, id)).await?
    }

    async fn delete_profile(&self, id: ProfileId) -> Result<(), ProfilesError> {
        self.write(move |tx, _| delete(tx, id)).await?
    }
}
