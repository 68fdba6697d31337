//! Device profiles.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use deadpool_postgres::GenericClient;
use deed_domain::{
    ids::{DeviceId, ProfileId, TenantId},
    ports::{
        DeviceToken, ListPage, PageRequest, Party, PayloadEncoding, Payloads, Profile, ProfileSort, ProfileTransport,
        ProfileValues, Profiles, ProfilesError, ProvisioningRule, ProvisioningStrategy, StoreError, fold_case,
    },
    time::Timestamp,
};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    account_lists::{count, direction, direction_of_optional},
    departures, json,
};
use crate::{
    postgres::{
        PostgresStore,
        error::SqlError,
        read_models,
        values::{Column, Values, commit, execute, exists, query, query_opt, signed},
    },
    registry_text::{json_text, provision_key, provision_secret, provision_strategy},
};

const PROFILE: &str = "SELECT id, tenant_id, name, created_at, version, is_default, description, transport, encoding,
     acknowledges_faults, protobuf_notes, provision_strategy, provision_key, provision_secret FROM device_profiles";

/// Adds profiles. Their names have been claimed.
pub(super) async fn add(tx: &impl GenericClient, profiles: &[&Profile], created_at: Timestamp) -> Result<(), SqlError> {
    let of_each = || profiles.iter().copied();
    let ids: Vec<Uuid> = of_each().map(|profile| profile.id.0).collect();
    let tenants: Vec<Uuid> = of_each().map(|profile| profile.tenant_id.0).collect();
    let names: Vec<&str> = of_each().map(|profile| profile.name.as_str()).collect();
    let folded: Vec<String> = of_each().map(|profile| fold_case(&profile.name)).collect();
    let versions: Vec<i64> = of_each().map(|profile| i64::from(profile.version)).collect();
    let defaults: Vec<bool> = of_each().map(|profile| profile.is_default).collect();
    let descriptions: Vec<Option<&str>> = of_each().map(|profile| profile.description.as_deref()).collect();
    let transports: Vec<&str> = of_each().map(|profile| profile.transport.as_str()).collect();
    let encodings: Vec<&str> = of_each().map(|profile| profile.payloads.encoding.as_str()).collect();
    let acknowledging: Vec<bool> = of_each().map(|profile| profile.payloads.acknowledges_faults).collect();
    let notes: Vec<Option<String>> = of_each().map(|profile| json_text(profile.protobuf_notes.as_ref())).collect();
    let strategies: Vec<Option<&str>> = of_each().map(provision_strategy).collect();
    let keys: Vec<Option<&str>> = of_each().map(provision_key).collect();
    let secrets: Vec<Option<&str>> = of_each().map(provision_secret).collect();
    execute(
        tx,
        "INSERT INTO device_profiles (id, tenant_id, name, name_folded, created_at, version, is_default, description,
         transport, encoding, acknowledges_faults, protobuf_notes, provision_strategy, provision_key, provision_secret)
         SELECT id, tenant_id, name, name_folded, $15::bigint, version, is_default, description,
         transport, encoding, acknowledges_faults, protobuf_notes, provision_strategy, provision_key, provision_secret
         FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::boolean[], $7::text[],
         $8::text[], $9::text[], $10::boolean[], $11::text[], $12::text[], $13::text[], $14::text[])
         AS new (id, tenant_id, name, name_folded, version, is_default, description, transport, encoding,
         acknowledges_faults, protobuf_notes, provision_strategy, provision_key, provision_secret)",
        &[
            &ids,
            &tenants,
            &names,
            &folded,
            &versions,
            &defaults,
            &descriptions,
            &transports,
            &encodings,
            &acknowledging,
            &notes,
            &strategies,
            &keys,
            &secrets,
            &created_at.0,
        ],
    )
    .await
    .map(drop)
}

/// What these profiles are called, as far as they are there.
pub(in crate::postgres) async fn profile_names(
    client: &impl GenericClient,
    ids: &[ProfileId],
) -> Result<HashMap<ProfileId, String>, SqlError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = query(client, "SELECT id, name FROM device_profiles WHERE id = ANY($1::uuid[])", &[&ids]).await?;
    let column = |name, index| Column::new("device_profiles", name, index);
    rows.iter().map(|row| Ok((column("id", 0).id(row)?, column("name", 1).get(row)?))).collect()
}

/// Which of these names profiles of these tenants bear.
pub(in crate::postgres) async fn named_profiles(
    client: &impl GenericClient,
    names: &[(TenantId, String)],
) -> Result<HashSet<(TenantId, String)>, SqlError> {
    let tenants: Vec<Uuid> = names.iter().map(|(tenant_id, _)| tenant_id.0).collect();
    let names: Vec<&str> = names.iter().map(|(_, name)| name.as_str()).collect();
    let rows = query(
        client,
        "SELECT profile.id, profile.tenant_id, profile.name
         FROM unnest($1::uuid[], $2::text[]) AS wanted (tenant_id, name)
         JOIN device_profiles AS profile ON profile.tenant_id = wanted.tenant_id AND profile.name = wanted.name",
        &[&tenants, &names],
    )
    .await?;
    let column = |name, index| Column::new("device_profiles", name, index);
    rows.iter().map(|row| Ok((column("tenant_id", 1).id(row)?, column("name", 2).get(row)?))).collect()
}

/// Whether the tenant has a profile of that name.
async fn is_taken(tx: &impl GenericClient, tenant_id: TenantId, name: &str) -> Result<bool, SqlError> {
    let sql = "SELECT 1 FROM device_profiles WHERE tenant_id = $1 AND name = $2";
    exists(tx, sql, &[&tenant_id.0, &name]).await
}

fn read(row: &Row) -> Result<Profile, SqlError> {
    let column = |name, index| Column::new("device_profiles", name, index);
    Ok(Profile {
        id: column("id", 0).id(row)?,
        tenant_id: column("tenant_id", 1).id(row)?,
        name: column("name", 2).get(row)?,
        created_at: Timestamp(column("created_at", 3).get(row)?),
        version: column("version", 4).unsigned(row)?,
        is_default: column("is_default", 5).get(row)?,
        description: column("description", 6).get(row)?,
        transport: column("transport", 7).word(row, ProfileTransport::parse)?,
        payloads: read_payloads(row, 8)?,
        protobuf_notes: json::read_optional(column("protobuf_notes", 10), row)?,
        provisioning: read_provisioning(row)?,
    })
}

fn read_provisioning(row: &Row) -> Result<Option<ProvisioningRule>, SqlError> {
    let column = |name, index| Column::new("device_profiles", name, index);
    let strategy = column("provision_strategy", 11).optional_word(row, ProvisioningStrategy::parse)?;
    let Some(strategy) = strategy else { return Ok(None) };
    let secret = DeviceToken::new(column("provision_secret", 13).get::<&str>(row)?);
    Ok(Some(ProvisioningRule { strategy, key: column("provision_key", 12).get(row)?, secret }))
}

/// Whether another profile, whatever its tenant, has the provision key.
async fn is_key_taken(tx: &impl GenericClient, id: ProfileId, key: Option<&str>) -> Result<bool, SqlError> {
    let Some(key) = key else { return Ok(false) };
    exists(tx, "SELECT 1 FROM device_profiles WHERE provision_key = $1 AND id <> $2", &[&key, &id.0]).await
}

/// Reads the encoding from the column of that index, and the flag from the one after it.
fn read_payloads(row: &Row, index: usize) -> Result<Payloads, SqlError> {
    let column = |name, index| Column::new("device_profiles", name, index);
    Ok(Payloads {
        encoding: column("encoding", index).word(row, PayloadEncoding::parse)?,
        acknowledges_faults: column("acknowledges_faults", index + 1).get(row)?,
    })
}

async fn payloads_of(client: &impl GenericClient, device_id: DeviceId) -> Result<Payloads, SqlError> {
    let row = query_opt(
        client,
        "SELECT profile.id, profile.encoding, profile.acknowledges_faults FROM device_list AS device
         JOIN device_profiles AS profile ON profile.id = device.profile_id WHERE device.device_id = $1",
        &[&device_id.0],
    )
    .await?;
    row.map_or(Ok(Payloads::default()), |row| read_payloads(&row, 1))
}

async fn find(client: &impl GenericClient, condition: &str, values: Values<'_>) -> Result<Option<Profile>, SqlError> {
    let row = query_opt(client, &format!("{PROFILE} WHERE {condition}"), values).await?;
    row.as_ref().map(read).transpose()
}

async fn by_id(client: &impl GenericClient, id: ProfileId) -> Result<Option<Profile>, SqlError> {
    find(client, "id = $1", &[&id.0]).await
}

/// Whether a device has it: the type of a device is its profile's name.
async fn is_in_use(tx: &impl GenericClient, profile: &Profile) -> Result<bool, SqlError> {
    read_models::has_type(tx, profile.tenant_id, &profile.name).await
}

async fn add_unless_taken(tx: &impl GenericClient, profile: &Profile) -> Result<Result<(), ProfilesError>, SqlError> {
    if departures::is_gone(tx, Party::Tenant(profile.tenant_id)).await? {
        return Ok(Err(ProfilesError::NotFound));
    }
    if is_taken(tx, profile.tenant_id, &profile.name).await? {
        return Ok(Err(ProfilesError::NameTaken));
    }
    if is_key_taken(tx, profile.id, provision_key(profile)).await? {
        return Ok(Err(ProfilesError::ProvisionKeyTaken));
    }
    add(tx, &[profile], profile.created_at).await?;
    Ok(Ok(()))
}

async fn save(
    tx: &impl GenericClient,
    id: ProfileId,
    expected_version: Option<u32>,
    values: ProfileValues,
) -> Result<Result<Profile, ProfilesError>, SqlError> {
    let Some(stored) = by_id(tx, id).await? else { return Ok(Err(ProfilesError::NotFound)) };
    if expected_version.is_some_and(|expected| expected != stored.version) {
        return Ok(Err(ProfilesError::VersionConflict));
    }
    if values.name != stored.name && is_taken(tx, stored.tenant_id, &values.name).await? {
        return Ok(Err(ProfilesError::NameTaken));
    }
    let is_kept = (&values.name, values.transport) == (&stored.name, stored.transport);
    if !is_kept && is_in_use(tx, &stored).await? {
        return Ok(Err(ProfilesError::InUse));
    }
    let saved = Profile {
        version: stored.version + 1,
        is_default: stored.is_default,
        ..Profile::new(id, stored.tenant_id, stored.created_at, values)
    };
    if is_key_taken(tx, id, provision_key(&saved)).await? {
        return Ok(Err(ProfilesError::ProvisionKeyTaken));
    }
    execute(
        tx,
        "UPDATE device_profiles SET name = $2, name_folded = $3, description = $4, transport = $5, version = $6,
         encoding = $7, acknowledges_faults = $8, protobuf_notes = $9, provision_strategy = $10, provision_key = $11,
         provision_secret = $12 WHERE id = $1",
        &[
            &id.0,
            &saved.name,
            &fold_case(&saved.name),
            &saved.description,
            &saved.transport.as_str(),
            &i64::from(saved.version),
            &saved.payloads.encoding.as_str(),
            &saved.payloads.acknowledges_faults,
            &json_text(saved.protobuf_notes.as_ref()),
            &provision_strategy(&saved),
            &provision_key(&saved),
            &provision_secret(&saved),
        ],
    )
    .await?;
    Ok(Ok(saved))
}

async fn make_default(tx: &impl GenericClient, id: ProfileId) -> Result<Result<Profile, ProfilesError>, SqlError> {
    let Some(stored) = by_id(tx, id).await? else { return Ok(Err(ProfilesError::NotFound)) };
    let others = "UPDATE device_profiles SET is_default = false WHERE tenant_id = $1 AND is_default";
    execute(tx, others, &[&stored.tenant_id.0]).await?;
    execute(tx, "UPDATE device_profiles SET is_default = true WHERE id = $1", &[&id.0]).await?;
    Ok(Ok(Profile { is_default: true, ..stored }))
}

async fn delete(tx: &impl GenericClient, id: ProfileId) -> Result<Result<(), ProfilesError>, SqlError> {
    let Some(stored) = by_id(tx, id).await? else { return Ok(Err(ProfilesError::NotFound)) };
    if stored.is_default {
        return Ok(Err(ProfilesError::IsDefault));
    }
    if is_in_use(tx, &stored).await? {
        return Ok(Err(ProfilesError::InUse));
    }
    execute(tx, "DELETE FROM device_profiles WHERE id = $1", &[&id.0]).await?;
    Ok(Ok(()))
}

async fn page(
    client: &impl GenericClient,
    tenant_id: TenantId,
    transport: Option<ProfileTransport>,
    page: &PageRequest<ProfileSort>,
) -> Result<ListPage<Profile>, SqlError> {
    let (direction, of_optional) = (direction(page.descending), direction_of_optional(page.descending));
    let order = match page.sort {
        ProfileSort::Creation => format!("created_at {direction}, id {direction}"),
        ProfileSort::Name => format!("name {direction}, created_at, id"),
        ProfileSort::Transport => format!("transport {direction}, created_at, id"),
        ProfileSort::Description => format!("description {of_optional}, created_at, id"),
        ProfileSort::IsDefault => format!("is_default {direction}, created_at, id"),
    };
    let condition = "tenant_id = $1 AND ($2::text IS NULL OR transport = $2)
         AND ($3::text IS NULL OR strpos(name_folded, $3) > 0)";
    let transport = transport.map(ProfileTransport::as_str);
    let search = page.text_search.as_deref().map(fold_case);
    let counting = format!("SELECT count(*) FROM device_profiles WHERE {condition}");
    let total = count(client, "device_profiles", &counting, &[&tenant_id.0, &transport, &search]).await?;
    let sql = format!("{PROFILE} WHERE {condition} ORDER BY {order} LIMIT $4 OFFSET $5");
    let (size, offset) = (i64::from(page.page_size), signed(page.offset()));
    let rows = query(client, &sql, &[&tenant_id.0, &transport, &search, &size, &offset]).await?;
    Ok(ListPage { rows: rows.iter().map(read).collect::<Result<_, _>>()?, total })
}

#[async_trait]
impl Profiles for PostgresStore {
    async fn by_name(&self, tenant_id: TenantId, name: &str) -> Result<Option<Profile>, StoreError> {
        let client = self.connection().await?;
        Ok(find(&client, "tenant_id = $1 AND name = $2", &[&tenant_id.0, &name]).await?)
    }

    async fn by_id(&self, id: ProfileId) -> Result<Option<Profile>, StoreError> {
        Ok(by_id(&self.connection().await?, id).await?)
    }

    async fn by_provision_key(&self, key: &str) -> Result<Option<Profile>, StoreError> {
        Ok(find(&self.connection().await?, "provision_key = $1", &[&key]).await?)
    }

    async fn payloads_of(&self, device_id: DeviceId) -> Result<Payloads, StoreError> {
        Ok(payloads_of(&self.connection().await?, device_id).await?)
    }

    async fn default_of(&self, tenant_id: TenantId) -> Result<Option<Profile>, StoreError> {
        let condition = "tenant_id = $1 AND is_default LIMIT 1";
        Ok(find(&self.connection().await?, condition, &[&tenant_id.0]).await?)
    }

    async fn profiles(
        &self,
        tenant_id: TenantId,
        transport: Option<ProfileTransport>,
        request: PageRequest<ProfileSort>,
    ) -> Result<ListPage<Profile>, StoreError> {
        Ok(page(&self.connection().await?, tenant_id, transport, &request).await?)
    }

    async fn add_profile(&self, profile: Profile) -> Result<(), ProfilesError> {
        let mut client = self.connection().await?;
        let (tx, _) = self.begin(&mut client).await?;
        add_unless_taken(&tx, &profile).await??;
        commit(tx).await?;
        Ok(())
    }

    async fn save_profile(
        &self,
        id: ProfileId,
        expected_version: Option<u32>,
        values: ProfileValues,
    ) -> Result<Profile, ProfilesError> {
        let mut client = self.connection().await?;
        let (tx, _) = self.begin(&mut client).await?;
        let saved = save(&tx, id, expected_version, values).await??;
        commit(tx).await?;
        Ok(saved)
    }

    async fn make_default(&self, id: ProfileId) -> Result<Profile, ProfilesError> {
        let mut client = self.connection().await?;
        let (tx, _) = self.begin(&mut client).await?;
        let made = make_default(&tx, id).await??;
        commit(tx).await?;
        Ok(made)
    }

    async fn delete_profile(&self, id: ProfileId) -> Result<(), ProfilesError> {
        let mut client = self.connection().await?;
        let (tx, _) = self.begin(&mut client).await?;
        delete(&tx, id).await??;
        commit(tx).await?;
        Ok(())
    }
}
