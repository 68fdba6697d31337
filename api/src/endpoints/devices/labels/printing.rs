//! Keys as they are made, on labels as they are written.

use std::{pin::Pin, sync::Arc, time::Duration};

use axum::body::Bytes;
use deed_domain::{
    claims::{Claims, Failure, IssuedKey, NewKey},
    ids::TenantId,
    metadata::Caller,
    ports::{AppendError, DeviceIdentity},
};
use deed_labels::{Font, Format, Label, Printing};
use futures_util::{Stream, StreamExt, stream};

use super::Labelled;
use crate::{
    endpoints::devices::failure,
    error::{ApiError, told},
    extract::BaseUrl,
    press::LabelPress,
    state::ApiState,
};

/// Keys that are being made.
const AT_ONCE: usize = 64;
/// So many bytes are sent together.
const CHUNK: usize = 64 * 1024;
/// How long a full queue is waited for, and how often.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSES: u32 = 100;

/// Prints for one caller.
pub(super) struct Printer {
    maker: Arc<KeyMaker>,
    base_url: BaseUrl,
    press: LabelPress,
}

/// Makes the keys.
struct KeyMaker {
    claims: Claims,
    caller: Caller,
    tenant_id: TenantId,
    /// The key of each label, if there are to be any.
    key: Option<NewKey>,
}

/// A device, and its key if there are to be any.
type Keyed = (Labelled, Result<Option<IssuedKey>, Failure>);

/// A file that is being written.
struct Writing {
    /// As many together as are there.
    keyed: Pin<Box<dyn Stream<Item = Vec<Keyed>> + Send>>,
    /// Nothing once it is whole.
    printing: Option<Printing>,
    press: LabelPress,
    base_url: BaseUrl,
    out: Vec<u8>,
}

impl Printer {
    pub(super) fn new(
        state: &ApiState,
        caller: Caller,
        tenant_id: TenantId,
        key: Option<NewKey>,
        base_url: &BaseUrl,
    ) -> Self {
        let maker = KeyMaker { claims: state.claims.clone(), caller, tenant_id, key };
        Self { maker: Arc::new(maker), base_url: base_url.clone(), press: state.label_press.clone() }
    }

    /// The file, chunk by chunk. Keys are made no faster than it is read; a fault in the middle breaks it off.
    ///
    /// # Errors
    /// Why the only device gets no key.
    pub(super) async fn print(
        self,
        format: Format,
        devices: Vec<Labelled>,
    ) -> Result<impl Stream<Item = Result<Bytes, ApiError>> + Send + 'static, ApiError> {
        let is_alone = devices.len() == 1;
        let mut keyed = stream::iter(devices).map(move |device| Arc::clone(&self.maker).key(device)).buffered(AT_ONCE);
        // A single one that gets no key is an error as any other.
        let mut first = None;
        if is_alone && let Some((device, key)) = keyed.next().await {
            let id = device.id;
            first = Some((device, Ok(key.map_err(failure(id))?)));
        }
        let begin = move |font: &Font| {
            let mut out = Vec::new();
            (Printing::begin(format, font.clone(), &mut out), out)
        };
        let (printing, out) = self.press.draw(begin).await;
        let keyed = Box::pin(stream::iter(first).chain(keyed).ready_chunks(AT_ONCE));
        let writing = Writing { keyed, printing: Some(printing), press: self.press, base_url: self.base_url, out };
        Ok(stream::try_unfold(writing, |mut writing| async move {
            let chunk = writing.next().await.inspect_err(|error| {
                tracing::error!(error = %error, "labels broke off");
            })?;
            Ok(chunk.map(|chunk| (chunk, writing)))
        }))
    }
}

impl KeyMaker {
    async fn key(self: Arc<Self>, device: Labelled) -> Keyed {
        let Some(key) = &self.key else { return (device, Ok(None)) };
        let identity = DeviceIdentity::new(self.tenant_id, device.id);
        let mut pauses = 0;
        loop {
            let issued = self.claims.add_key(&self.caller, identity, key.clone()).await;
            // Here a caller cannot be told to come again: some of its labels are printed.
            if !matches!(issued, Err(Failure::NotAppended(AppendError::Overloaded))) || pauses == PAUSES {
                return (device, issued.map(Some));
            }
            pauses += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl Writing {
    /// The next part of the file.
    async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        let Some(mut printing) = self.printing.take() else { return Ok(None) };
        let mut out = std::mem::take(&mut self.out);
        while out.len() < CHUNK {
            let keyed = self.keyed.next().await;
            let base_url = self.base_url.clone();
            let draw = move |_: &Font| {
                let Some(keyed) = keyed else {
                    printing.end(&mut out);
                    return Ok((None, out));
                };
                keyed.into_iter().try_for_each(|keyed| write(&mut printing, &base_url, keyed, &mut out))?;
                Ok::<_, ApiError>((Some(printing), out))
            };
            let drawn;
            (drawn, out) = self.press.draw(draw).await?;
            match drawn {
                Some(drawn) => printing = drawn,
                None => return Ok(Some(out.into())),
            }
        }
        self.printing = Some(printing);
        Ok(Some(out.into()))
    }
}

fn write(printing: &mut Printing, base_url: &BaseUrl, (device, key): Keyed, out: &mut Vec<u8>) -> Result<(), ApiError> {
    let issued = match key {
        Ok(issued) => issued,
        Err(Failure::NotAppended(fault @ (AppendError::Store(_) | AppendError::Overloaded))) => {
            return Err(Failure::from(fault).into());
        }
        Err(why) => {
            printing.leave_out(&device.name, &told(&failure(device.id)(why)), out);
            return Ok(());
        }
    };
    let expires_at = issued.as_ref().map(|key| key.expires_at.0);
    let key = issued.as_ref().and_then(|key| key.made.as_ref()).map(|key| key.expose());
    let label = Label::new(base_url.as_str(), &device.name, key, expires_at);
    // What the check let through can be printed.
    if let Err(why) = printing.add(&label, out) {
        printing.leave_out(&device.name, &why.to_string(), out);
    }
    Ok(())
}
