//! What the commands of a batch ask for, looked up together before any of them is decided.

use std::collections::{HashMap, HashSet};

use deadpool_postgres::GenericClient;
use deed_domain::{
    device::{ClaimantCounts, Device, GuessWindow, OwnAttributes, RefusalKind, Suppressed},
    ids::{CommandId, CustomerId, DeviceId, ProfileId, Sequence, TenantId},
    ports::{Append, CommandName, Counted, Entity, Party, RegistryWrite, Target, UniqueClaim},
};
use futures_util::future::{try_join, try_join3, try_join4, try_join5};

use super::{commands, counts};
use crate::postgres::{
    error::SqlError,
    event_rows::{self, Fold},
    read_models, registry,
};

/// Something that a command asks for and another one may change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Fact {
    /// What a command was answered.
    Answer(CommandId),
    /// Who bears the name in the tenant.
    Name(TenantId, String),
    /// Who has credentials of that id.
    CredentialsId(String),
    /// What the registry holds on the device: its credentials, its gateway, whether it is one.
    Registry(DeviceId),
    /// What the device's own attributes take.
    Attributes(DeviceId),
    /// What the profile is called.
    Profile(ProfileId),
    /// Which profile of the tenant is called so.
    ProfileName(TenantId, String),
}

/// What is known before the first command of the batch.
#[derive(Default)]
pub(super) struct Facts {
    answers: HashMap<CommandId, commands::Answer>,
    named: HashMap<(TenantId, String), DeviceId>,
    gone: Vec<Party>,
    suppressed: HashMap<DeviceId, HashMap<RefusalKind, u32>>,
    guesses: HashMap<CustomerId, GuessWindow>,
    pub(super) devices: HashMap<DeviceId, Fold>,
    bearers: HashMap<String, DeviceId>,
    credentials_versions: HashMap<DeviceId, u32>,
    gateways: HashMap<DeviceId, DeviceId>,
    profiles: HashMap<ProfileId, String>,
    profile_names: HashSet<(TenantId, String)>,
    attributes: registry::OwnBytes,
}

impl Facts {
    /// Looks everything up that the commands ask for; of the devices, what is newer than is `known`. What takes the `end` of the log is
    /// sent first, and the rest with it: the server carries that out when it has given the end of the log.
    pub(super) async fn load<T>(
        client: &impl GenericClient,
        end: impl Future<Output = Result<T, SqlError>>,
        appends: &[&Append],
        mut known: impl FnMut(DeviceId) -> (Device, Sequence),
    ) -> Result<(T, Self), SqlError> {
        let mut wanted = Wanted::default();
        appends.iter().for_each(|append| wanted.before_the_device(append));
        let (end, answers, named) =
            try_join3(end, commands::answered(client, &wanted.commands), named(client, &wanted.names)).await?;
        for append in appends {
            if let Some(device_id) = device(append, &named) {
                wanted.of_device(append, device_id);
            }
        }
        wanted.devices.extend(answers.values().map(|answer| answer.device_id));
        let devices = wanted.devices.iter().map(|id| (*id, known(*id))).collect();
        let ((devices, gone, suppressed, guesses), (bearers, credentials_versions, gateways, profiles, profile_names)) =
            try_join(
                try_join4(
                    event_rows::fold_on(client, devices),
                    registry::gone(client, &wanted.parties),
                    counts::suppressed(client, &wanted.counted),
                    counts::guesses(client, &wanted.claimants),
                ),
                try_join5(
                    registry::bearers(client, &wanted.credentials_ids),
                    registry::credentials_versions(client, &wanted.with_credentials),
                    registry::gateways_of(client, &wanted.behind_gateways),
                    registry::profile_names(client, &wanted.profiles),
                    registry::named_profiles(client, &wanted.profile_names),
                ),
            )
            .await?;
        let attributes = registry::own_attributes(client, &wanted.with_attributes).await?;
        let facts = Self {
            answers,
            named,
            gone,
            suppressed,
            guesses,
            devices,
            bearers,
            credentials_versions,
            gateways,
            profiles,
            profile_names,
            attributes,
        };
        Ok((end, facts))
    }

    /// What the command was answered before, if it was.
    pub(super) fn answer(&self, command: CommandName) -> Option<&commands::Answer> {
        match command {
            CommandName::Once(id) => self.answers.get(&id),
            CommandName::Fresh(_) => None,
        }
    }

    /// The device that the command is for; `None` if nobody bears the name.
    pub(super) fn device(&self, append: &Append) -> Option<DeviceId> {
        device(append, &self.named)
    }

    /// The first of the command's parties that is being deleted, or is gone.
    pub(super) fn gone(&self, append: &Append) -> Option<Party> {
        append.parties.iter().find(|party| self.gone.contains(party)).copied()
    }

    /// The counts that the command asks for.
    pub(super) fn counts(&self, counted: &Counted, device_id: DeviceId) -> ClaimantCounts {
        let suppressed = || {
            let of_device = self.suppressed.get(&device_id).into_iter().flatten();
            Suppressed(of_device.map(|(kind, count)| (*kind, *count)).collect())
        };
        match counted {
            Counted::Nothing => ClaimantCounts::default(),
            Counted::Refusals => ClaimantCounts { suppressed: suppressed(), ..ClaimantCounts::default() },
            Counted::Claimant(customer_id) => ClaimantCounts {
                suppressed: suppressed(),
                guesses: self.guesses.get(customer_id).copied().unwrap_or_default(),
                ..ClaimantCounts::default()
            },
            Counted::OwnAttributes(keys) => {
                ClaimantCounts { attributes: self.own_attributes(device_id, keys), ..ClaimantCounts::default() }
            }
        }
    }

    fn own_attributes(&self, device_id: DeviceId, keys: &[String]) -> OwnAttributes {
        let all = self.attributes.all.get(&device_id).copied().unwrap_or_default();
        let bytes = |key: &String| self.attributes.of_keys.get(&(device_id, key.clone())).copied().unwrap_or_default();
        OwnAttributes { all, others: all.saturating_sub(keys.iter().map(bytes).sum()) }
    }

    /// Counts go on within the batch.
    pub(super) fn set_suppressed(&mut self, device_id: DeviceId, kind: RefusalKind, count: u32) {
        let of_device = self.suppressed.entry(device_id).or_default();
        if count == 0 {
            of_device.remove(&kind);
        } else {
            of_device.insert(kind, count);
        }
    }

    pub(super) fn forget_suppressed(&mut self, device_id: DeviceId) {
        self.suppressed.remove(&device_id);
    }

    pub(super) fn set_guesses(&mut self, customer_id: CustomerId, window: GuessWindow) {
        self.guesses.insert(customer_id, window);
    }

    /// Whether the claim does not hold: somebody other than the device has what it is about, or has saved it in between.
    pub(super) fn is_taken(&self, claim: &UniqueClaim, device_id: DeviceId) -> bool {
        let others = |bearer: Option<&DeviceId>| bearer.is_some_and(|bearer| *bearer != device_id);
        match claim {
            UniqueClaim::DeviceName(tenant_id, name) => others(self.named.get(&(*tenant_id, name.clone()))),
            UniqueClaim::CredentialsId(id) => others(self.bearers.get(id)),
            UniqueClaim::CredentialsVersion(version) => self.credentials_versions.get(&device_id) != Some(version),
            UniqueClaim::Gateway(gateway) => self.gateways.get(&device_id).is_some_and(|other| other != gateway),
            UniqueClaim::ProfileName(tenant_id, name) => self.profile_names.contains(&(*tenant_id, name.clone())),
            UniqueClaim::ProfileAsSeen(id, name) => self.profiles.get(id) != Some(name),
        }
    }

    /// What the command goes by, of all that another command may change.
    pub(super) fn needed(&self, append: &Append, device_id: Option<DeviceId>) -> Vec<Fact> {
        let mut needed = Vec::new();
        if let CommandName::Once(id) = append.command {
            needed.push(Fact::Answer(id));
        }
        if let Target::Named(tenant_id, name) = &append.target {
            needed.push(Fact::Name(*tenant_id, name.clone()));
        }
        if matches!(append.counted, Counted::OwnAttributes(_)) {
            needed.extend(device_id.map(Fact::Attributes));
        }
        for claim in &append.unique {
            match claim {
                UniqueClaim::DeviceName(tenant_id, name) => needed.push(Fact::Name(*tenant_id, name.clone())),
                UniqueClaim::CredentialsId(id) => {
                    needed.push(Fact::CredentialsId(id.clone()));
                    needed.extend(self.bearers.get(id).copied().map(Fact::Registry));
                }
                UniqueClaim::CredentialsVersion(_) => needed.extend(device_id.map(Fact::Registry)),
                UniqueClaim::Gateway(gateway) => {
                    needed.push(Fact::Registry(*gateway));
                    needed.extend(device_id.map(Fact::Registry));
                    let present = device_id.and_then(|id| self.gateways.get(&id));
                    needed.extend(present.copied().map(Fact::Registry));
                }
                UniqueClaim::ProfileName(tenant_id, name) => {
                    needed.push(Fact::ProfileName(*tenant_id, name.clone()));
                }
                UniqueClaim::ProfileAsSeen(id, _) => needed.push(Fact::Profile(*id)),
            }
        }
        needed
    }
}

/// What a command's write to the registry changes.
pub(super) fn changed_by(write: &RegistryWrite) -> Vec<Fact> {
    match write {
        RegistryWrite::PutCredentials(put) => {
            vec![Fact::CredentialsId(put.credentials_id.expose().to_owned()), Fact::Registry(put.device_id)]
        }
        RegistryWrite::PutAdditionalInfo(id, _) | RegistryWrite::PutGateway(id, _) => vec![Fact::Registry(*id)],
        RegistryWrite::EraseDevice(id) => vec![Fact::Registry(*id), Fact::Attributes(*id)],
        RegistryWrite::PutProfile(profile) => {
            vec![Fact::Profile(profile.id), Fact::ProfileName(profile.tenant_id, profile.name.clone())]
        }
        RegistryWrite::PutAttributes(Entity::Device(id), ..)
        | RegistryWrite::DeleteAttributes(Entity::Device(id), ..) => {
            vec![Fact::Attributes(*id)]
        }
        RegistryWrite::PutAttributes(..) | RegistryWrite::DeleteAttributes(..) => Vec::new(),
    }
}

fn device(append: &Append, named: &HashMap<(TenantId, String), DeviceId>) -> Option<DeviceId> {
    match &append.target {
        Target::Device(id) => Some(*id),
        Target::Named(tenant_id, name) => named.get(&(*tenant_id, name.clone())).copied(),
    }
}

async fn named(
    client: &impl GenericClient,
    names: &HashSet<(TenantId, String)>,
) -> Result<HashMap<(TenantId, String), DeviceId>, SqlError> {
    // No text of the database has that character.
    let names: Vec<_> = names.iter().filter(|(_, name)| !name.contains('\0')).cloned().collect();
    if names.is_empty() { Ok(HashMap::new()) } else { read_models::find_named(client, &names).await }
}

/// What is to be looked up.
#[derive(Default)]
struct Wanted {
    commands: Vec<CommandId>,
    names: HashSet<(TenantId, String)>,
    devices: HashSet<DeviceId>,
    parties: Vec<Party>,
    counted: Vec<DeviceId>,
    claimants: Vec<CustomerId>,
    credentials_ids: Vec<String>,
    with_credentials: Vec<DeviceId>,
    behind_gateways: Vec<DeviceId>,
    profiles: Vec<ProfileId>,
    profile_names: Vec<(TenantId, String)>,
    with_attributes: Vec<(DeviceId, String)>,
}

impl Wanted {
    fn before_the_device(&mut self, append: &Append) {
        if let CommandName::Once(id) = append.command {
            self.commands.push(id);
        }
        if let Target::Named(tenant_id, name) = &append.target {
            self.names.insert((*tenant_id, name.clone()));
        }
        for claim in &append.unique {
            if let UniqueClaim::DeviceName(tenant_id, name) = claim {
                self.names.insert((*tenant_id, name.clone()));
            }
        }
    }

    fn of_device(&mut self, append: &Append, device_id: DeviceId) {
        self.devices.insert(device_id);
        self.parties.extend_from_slice(&append.parties);
        match &append.counted {
            Counted::Nothing => {}
            Counted::OwnAttributes(keys) => {
                self.with_attributes.extend(keys.iter().map(|key| (device_id, key.clone())));
            }
            Counted::Refusals => self.counted.push(device_id),
            Counted::Claimant(customer_id) => {
                self.counted.push(device_id);
                self.claimants.push(*customer_id);
            }
        }
        for claim in &append.unique {
            match claim {
                UniqueClaim::DeviceName(..) => {}
                UniqueClaim::CredentialsId(id) => self.credentials_ids.push(id.clone()),
                UniqueClaim::CredentialsVersion(_) => self.with_credentials.push(device_id),
                UniqueClaim::Gateway(_) => self.behind_gateways.push(device_id),
                UniqueClaim::ProfileName(tenant_id, name) => self.profile_names.push((*tenant_id, name.clone())),
                UniqueClaim::ProfileAsSeen(id, _) => self.profiles.push(*id),
            }
        }
    }
}
