//! Finds the entries that are asked for by reading the log from the first event of the time range to the last.
//!
//! No table holds the entries, so an answer costs what its time range holds, and a write costs nothing
//! (`docs/adr/0013-audit-log-read-from-the-log.md`).

use std::collections::VecDeque;

use deed_domain::{
    device::DeviceEvent,
    ids::{DeviceId, KeyId, Position},
    ports::{ListPage, RecordedEvent, Scope, contains_folded, fold_case},
    time::Timestamp,
};
use deed_projections::{AuditAction, AuditEntry, Recorded, audit_entries, concerns_the_audit_log};

use super::{
    action::{action_status, action_type},
    entry::AuditLogJson,
    names::Names,
    question::{Question, SortBy},
};
use crate::{
    endpoints::audit::{LogReader, unreadable},
    error::ApiError,
    state::ApiState,
};

/// Events read at once.
const PAGE: usize = 1_000;
/// Most entries that are sorted by something else than their time.
const MOST_SORTED: usize = 100_000;

/// One question being answered.
pub(super) struct Reading<'a> {
    state: &'a ApiState,
    question: Question,
    names: Names<'a>,
    /// Those that can be on the page, in the order of the log.
    kept: VecDeque<AuditEntry>,
    total: u64,
}

impl<'a> Reading<'a> {
    pub(super) fn begin(state: &'a ApiState, question: Question) -> Self {
        Self { state, question, names: Names::new(state), kept: VecDeque::new(), total: 0 }
    }

    /// The page that is asked for, and how many entries there are in all.
    pub(super) async fn page(mut self) -> Result<ListPage<AuditLogJson>, ApiError> {
        self.read_log().await?;
        let entries = self.on_the_page().await?;
        self.names.look_up(&entries).await?;
        let mut rows = Vec::with_capacity(entries.len());
        for entry in entries {
            rows.push(AuditLogJson::of(self.state, &mut self.names, self.question.tenant_id, &entry).await?);
        }
        Ok(ListPage { rows, total: self.total })
    }

    async fn read_log(&mut self) -> Result<(), ApiError> {
        let feed = &self.state.feed;
        let start = feed.position_before(self.question.from).await?;
        let end = match self.question.until {
            Timestamp::MAX => feed.head().await?,
            until => feed.position_before(until.plus(1)).await?,
        };
        let mut log = LogReader::between(feed, self.question.scope, start, end);
        let mut command: Vec<RecordedEvent> = Vec::new();
        loop {
            let events = log.next(PAGE).await?;
            let mut found = Vec::new();
            if events.is_empty() {
                self.find(&command, &mut found).await?;
                return self.take(found).await;
            }
            for event in events {
                if command.last().is_some_and(|last| !is_same_command(last, &event)) {
                    self.find(&command, &mut found).await?;
                    command.clear();
                }
                command.push(event);
            }
            self.take(found).await?;
        }
    }

    /// Finds what is wanted of a command's entries, whatever is searched.
    async fn find(&self, command: &[RecordedEvent], found: &mut Vec<AuditEntry>) -> Result<(), ApiError> {
        let of_interest = command.iter().filter(|stored| {
            concerns_the_audit_log(&stored.event_type) && self.question.may_want(&stored.payload, &stored.metadata)
        });
        let decoded = of_interest.map(|stored| {
            let event = stored.decode().map_err(|why| unreadable(stored.position, &why))?;
            let metadata = stored.decode_metadata().map_err(|why| unreadable(stored.position, &why))?;
            Ok((stored, event, metadata))
        });
        let decoded = decoded.collect::<Result<Vec<_>, ApiError>>()?;
        let tenant_id = self.question.tenant_id;
        let recorded =
            decoded.iter().filter(|(.., metadata)| metadata.tenant_id == tenant_id).map(|(stored, event, metadata)| {
                Recorded {
                    position: stored.position,
                    device_id: stored.device_id,
                    sequence: stored.sequence,
                    recorded_at: stored.recorded_at,
                    event,
                    metadata,
                }
            });
        for mut entry in audit_entries(&recorded.collect::<Vec<_>>()) {
            if !self.question.wants(&entry) {
                continue;
            }
            if let AuditAction::KeyWithdrawn(key_id) = entry.action {
                if !was_the_attribute(self.state, entry.device_id, key_id).await? {
                    continue;
                }
                entry.action = AuditAction::AttributesDeleted { switch: false, data: true };
            }
            found.push(entry);
        }
        Ok(())
    }

    /// Keeps those that have the searched text in their names or words, in whatever case. Names are looked up for all of
    /// them together, and none twice.
    async fn take(&mut self, mut found: Vec<AuditEntry>) -> Result<(), ApiError> {
        if let Some(text) = self.question.page.text_search.as_deref().map(fold_case) {
            let has = |name: &str| contains_folded(name, &text);
            let has_word = |entry: &AuditEntry| has(action_type(entry.action)) || has(action_status(entry.action));
            self.names.look_up(found.iter().filter(|entry| !has_word(entry))).await?;
            let names = &self.names;
            found.retain(|entry| {
                has_word(entry) || has(names.device(entry.device_id)) || names.user(entry).is_some_and(has)
            });
        }
        found.into_iter().try_for_each(|entry| self.keep(entry))
    }

    /// Keeps the entry if it can be on the page. By time, the first or the last so many are enough.
    fn keep(&mut self, entry: AuditEntry) -> Result<(), ApiError> {
        let page = &self.question.page;
        let reaches = page.offset().saturating_add(u64::from(page.page_size));
        self.total += 1;
        match (page.sort, page.descending) {
            (SortBy::CreatedTime, false) if self.total > page.offset() && self.total <= reaches => {
                self.kept.push_back(entry);
            }
            (SortBy::CreatedTime, false) => {}
            (SortBy::CreatedTime, true) => {
                self.kept.push_back(entry);
                if self.kept.len() as u64 > reaches {
                    self.kept.pop_front();
                }
            }
            _ if self.kept.len() < MOST_SORTED => self.kept.push_back(entry),
            _ => {
                let message = "Too many entries to be sorted by that: ask for a shorter time, or sort by createdTime";
                return Err(ApiError::invalid(message));
            }
        }
        Ok(())
    }

    /// The page's entries, in its order.
    async fn on_the_page(&mut self) -> Result<Vec<AuditEntry>, ApiError> {
        let page = &self.question.page;
        let (sort, descending) = (page.sort, page.descending);
        let mut kept: Vec<_> = std::mem::take(&mut self.kept).into();
        if sort == SortBy::CreatedTime {
            if !descending {
                return Ok(kept);
            }
            kept.reverse();
        } else {
            kept = self.sorted(kept, sort, descending).await?;
        }
        let page = &self.question.page;
        let offset = usize::try_from(page.offset()).unwrap_or(usize::MAX);
        Ok(kept.into_iter().skip(offset).take(page.page_size as usize).collect())
    }

    /// Those that are equal stand in order of time.
    async fn sorted(
        &mut self,
        mut entries: Vec<AuditEntry>,
        sort: SortBy,
        descending: bool,
    ) -> Result<Vec<AuditEntry>, ApiError> {
        if matches!(sort, SortBy::EntityName | SortBy::UserName) {
            self.names.look_up(&entries).await?;
        }
        let key = |entry: &AuditEntry| match sort {
            SortBy::CreatedTime => "",
            SortBy::ActionType => action_type(entry.action),
            SortBy::ActionStatus => action_status(entry.action),
            SortBy::EntityName => self.names.device(entry.device_id),
            SortBy::UserName => self.names.user(entry).unwrap_or_default(),
        };
        entries.sort_by(|a, b| if descending { key(b).cmp(key(a)) } else { key(a).cmp(key(b)) });
        Ok(entries)
    }
}

/// Events of one command stand together, and their metadata are the same to the byte.
fn is_same_command(one: &RecordedEvent, next: &RecordedEvent) -> bool {
    one.device_id == next.device_id && one.metadata == next.metadata
}

/// Whether a key that was taken back, or a content that was none, stood in the attribute `claimingData`.
async fn was_the_attribute(state: &ApiState, device_id: DeviceId, key_id: KeyId) -> Result<bool, ApiError> {
    let mut after = Position(0);
    loop {
        let page = state.feed.read_after(Scope::Device(device_id), after, PAGE).await?;
        for stored in page.events.iter().filter(|stored| matches!(&*stored.event_type, "ClaimIssued" | "IssueRefused"))
        {
            match stored.decode().map_err(|why| unreadable(stored.position, &why))? {
                DeviceEvent::ClaimIssued { key_id: issued, slot, .. } if issued == key_id => {
                    return Ok(slot.is_attribute());
                }
                DeviceEvent::IssueRefused { key_id: Some(refused), .. } if refused == key_id => return Ok(true),
                _ => {}
            }
        }
        if page.events.len() < PAGE {
            return Ok(false);
        }
        after = page.read_up_to;
    }
}
